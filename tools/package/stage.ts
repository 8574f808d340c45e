// Lays out the files of a package as they will lie on a host: one tree, from which every packager works.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  globSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync
} from 'node:fs'
import { lstatSync, lutimesSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { catalog } from '../../src/agent/components.ts'
import { createProgram } from '../../src/cli/cli.ts'
import type { World } from '../../src/cli/command.ts'
import { pagesOf } from '../../src/config/reference.ts'
import { createLog } from '../../src/service/log.ts'
import { bundleInto } from '../build.ts'
import { billOfMaterials, bundledComponents, copyrightFile } from './bundled.ts'
import { commandPage, configPage } from './man.ts'
import { strippedNode } from './runtime.ts'
import type { Arch } from './runtime.ts'
import { release } from './version.ts'

export type Format = 'deb' | 'rpm'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Makes `out` (absolute, replaced) the root of a package: file names, modes and times are those it installs. */
export async function stage(out: string, format: Format, arch: Arch): Promise<void> {
  const { version, epoch, date } = release(ROOT)
  rmSync(out, { recursive: true, force: true })
  const put = (path: string, content: string | Buffer, mode = 0o644): void => {
    mkdirSync(join(out, dirname(path)), { recursive: true })
    writeFileSync(join(out, path), content)
    chmodSync(join(out, path), mode)
  }
  const copy = (from: string, to: string, mode?: number): void => put(to, readFileSync(join(ROOT, from)), mode)
  const squeezed = (path: string, content: string): void => put(`${path}.gz`, squeeze(content))

  const packages = await program(out, arch)
  const components = bundledComponents(ROOT, packages, arch)

  for (const [from, to] of Object.entries(PLAIN)) copy(from, to)
  for (const name of readdirSync(join(ROOT, 'systemd/drop-ins')))
    copy(`systemd/drop-ins/${name}`, `usr/share/yarder/drop-ins/${name}`)
  put('etc/yarder/yarder.yaml', readFileSync(join(ROOT, 'packaging/yarder.yaml')), 0o640)
  mkdirSync(join(out, 'etc/yarder/conf.d'))

  const { text: helpOf, tree } = commandTree()
  squeezed('usr/share/man/man1/yarder.1', commandPage(tree, { version, date }))
  squeezed('usr/share/man/man5/yarder.yaml.5', configPage(pagesOf(catalog), { version, date }))
  put('usr/share/bash-completion/completions/yarder', await helpOf('completion', 'bash'))
  put('usr/share/fish/vendor_completions.d/yarder.fish', await helpOf('completion', 'fish'))
  const zsh = format === 'deb' ? 'vendor-completions' : 'site-functions'
  put(`usr/share/zsh/${zsh}/_yarder`, await helpOf('completion', 'zsh'))

  const doc = 'usr/share/doc/yarder'
  for (const name of documents()) copy(name, `${doc}/${name}`)
  const own = readFileSync(join(ROOT, 'debian/copyright'), 'utf8')
  put(`${doc}/sbom.cdx.json`, billOfMaterials(version, components))
  if (format === 'deb') {
    put(`${doc}/copyright`, copyrightFile(own, components))
    squeezed(`${doc}/changelog`, readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'))
    squeezed(`${doc}/changelog.Debian`, readFileSync(join(ROOT, 'debian/changelog'), 'utf8'))
    copy('debian/yarder.lintian-overrides', 'usr/share/lintian/overrides/yarder')
  } else {
    copy('LICENSE', 'usr/share/licenses/yarder/LICENSE')
    put('usr/share/licenses/yarder/copyright', copyrightFile(own, components))
  }
  settle(out, epoch)
}

/** Files that are shipped as they lie in the repository. */
const PLAIN = {
  'systemd/yarder.service': 'usr/lib/systemd/system/yarder.service',
  'systemd/sysusers.conf': 'usr/lib/sysusers.d/yarder.conf',
  'systemd/tmpfiles.conf': 'usr/lib/tmpfiles.d/yarder.conf',
  'README.md': 'usr/share/doc/yarder/README.md',
  'docs/yarder.schema.json': 'usr/share/yarder/yarder.schema.json'
}

/** Documents of the root that README.md leads to. */
export const LED_TO = ['ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md']

/** What README.md leads to, so that its links lead somewhere on a host too. The schema has a place of its own. */
const documents = (): string[] => [
  ...LED_TO,
  ...globSync(['docs/**/*.md', 'examples/**/*.*'], { cwd: ROOT }).filter(name => !name.includes('/.'))
]

/** The bundle with its private Node; returns the names of the npm packages inside. */
async function program(out: string, arch: Arch): Promise<readonly string[]> {
  const lib = join(out, 'usr/lib/yarder')
  const { packages } = await bundleInto(lib)
  for (const name of readdirSync(lib)) chmodSync(join(lib, name), 0o644)
  const node = strippedNode(ROOT, arch)
  try {
    linkSync(node, join(lib, 'node'))
  } catch {
    cpSync(node, join(lib, 'node'))
  }
  chmodSync(join(lib, 'node'), 0o755)
  mkdirSync(join(lib, 'bin'))
  cpSync(join(ROOT, 'bin/yarder'), join(lib, 'bin/yarder'))
  chmodSync(join(lib, 'bin/yarder'), 0o755)
  mkdirSync(join(out, 'usr/bin'))
  symlinkSync('../lib/yarder/bin/yarder', join(out, 'usr/bin/yarder'))
  return packages
}

/** gzip as Debian wants it: the best compression, no name, no time. */
const squeeze = (text: string): Buffer => gzipSync(text, { level: 9 })

/** The commands as they are, and what one of them prints. */
function commandTree() {
  let printed = ''
  const writer = { write: () => {}, flush: () => Promise.resolve() }
  const world: World = {
    env: {},
    out: text => void (printed += text),
    err: text => {
      throw new Error(text)
    },
    terminal: false,
    colour: false,
    logs: createLog({ format: 'text', level: 'error', environment: '', writer, journal: false, terminal: false }),
    end: () => {},
    onSignal: () => () => {}
  }
  const text = async (...argv: string[]): Promise<string> => {
    printed = ''
    await createProgram(world, () => {}).parseAsync(argv, { from: 'user' })
    return printed
  }
  return { text, tree: createProgram(world, () => {}) }
}

/** Modes of folders, and one time for all, so that two builds are the same bytes. */
function settle(out: string, epoch: number): void {
  for (const name of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
    const path = join(out, name)
    if (lstatSync(path).isDirectory()) chmodSync(path, /^etc\/yarder(\/|$)/.test(name) ? 0o750 : 0o755)
    lutimesSync(path, epoch, epoch)
  }
  chmodSync(out, 0o755)
  lutimesSync(out, epoch, epoch)
}

/** A folder for one build, which the caller removes. */
export const buildFolder = (): string => mkdtempSync(join(tmpdir(), 'yarder-package-'))

/** Runs a program without a shell and shows what it says only when it fails. */
export function tool(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {}
): string {
  try {
    return execFileSync(command, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1 << 28,
      ...options,
      env: { ...process.env, ...options.env }
    })
  } catch (error) {
    const { stdout = '', stderr = '', code } = error as { stdout?: string; stderr?: string; code?: string }
    if (code === 'ENOENT')
      throw new Error(`${command} is not installed; ${HINTS[basename(command)] ?? ''}`, { cause: error })
    throw new Error(`${command} failed:\n${stdout}${stderr}`, { cause: error })
  }
}

const HINTS: Record<string, string> = {
  'dpkg-buildpackage': 'apt-get install dpkg-dev debhelper',
  rpmbuild: 'apt-get install rpm',
  xz: 'apt-get install xz-utils',
  'aarch64-linux-gnu-strip': 'apt-get install binutils-aarch64-linux-gnu'
}

/** Architectures as Node, Debian and rpm name them. */
const ARCH: Record<string, Arch> = { x64: 'x64', amd64: 'x64', x86_64: 'x64', arm64: 'arm64', aarch64: 'arm64' }

// For debian/rules: `stage.ts FOLDER deb|rpm ARCH`
if (import.meta.main) {
  const [folder, format, arch = ''] = process.argv.slice(2)
  if (folder === undefined || (format !== 'deb' && format !== 'rpm') || ARCH[arch] === undefined)
    throw new Error('usage: stage.ts FOLDER deb|rpm ARCH')
  await stage(resolve(folder), format, ARCH[arch])
}
