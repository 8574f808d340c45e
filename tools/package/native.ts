// The same packages by the tools of the distributions: dpkg-buildpackage with debian/, rpmbuild with rpm/yarder.spec.
import { cpSync, globSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { LED_TO, ROOT, stage, tool } from './stage.ts'
import type { Arch } from './runtime.ts'
import { release } from './version.ts'

/** What dpkg-buildpackage needs of the repository: it writes beside its tree, so it gets one of its own. */
export const SOURCES = [
  ...LED_TO,
  'LICENSE',
  'README.md',
  'bin',
  'debian',
  'docs',
  'examples',
  'package-lock.json',
  'package.json',
  'packaging',
  'rpm',
  'src',
  'systemd',
  'tools',
  'tsconfig.json'
]

/** Builds in `folder` (absolute) by `dpkg-buildpackage -us -uc -b` and returns the path of the .deb. */
export function buildWithDpkg(folder: string, quick: boolean): string {
  const tree = join(folder, 'yarder')
  mkdirSync(tree, { recursive: true })
  for (const name of SOURCES) cpSync(join(ROOT, name), join(tree, name), { recursive: true })
  for (const name of ['node_modules', '.cache']) symlinkSync(join(ROOT, name), join(tree, name))
  tool('dpkg-buildpackage', ['-us', '-uc', '-b'], { cwd: tree, env: quick ? { YARDER_COMPRESSION: 'none' } : {} })
  return globSync(join(folder, '*.deb'))[0]!
}

/** Builds in `folder` (absolute) by `rpmbuild -ba` and returns the path of the binary package; the source package lies in SRPMS. */
export async function buildWithRpmbuild(folder: string, arch: Arch, quick: boolean): Promise<string> {
  const { version, epoch } = release(ROOT)
  const name = `yarder-${version}`
  const target = arch === 'x64' ? 'x86_64' : 'aarch64'
  await stage(join(folder, name), 'rpm', arch)
  mkdirSync(join(folder, 'SOURCES'))
  // prettier-ignore
  tool('tar', ['--create', '--file', join(folder, 'SOURCES', `${name}.tar`), '--sort=name', '--owner=0', '--group=0', '--numeric-owner', '-C', folder, name])
  const defines = { _topdir: folder, scripts: join(ROOT, 'rpm'), ...(quick ? { payload: 'w1.zstdio' } : {}) }
  const options = Object.entries(defines).flatMap(([key, value]) => ['--define', `${key} ${value}`])
  tool('rpmbuild', ['-ba', '--target', `${target}-linux`, ...options, join(ROOT, 'rpm/yarder.spec')], {
    env: { SOURCE_DATE_EPOCH: String(epoch) }
  })
  return globSync(join(folder, `RPMS/*/${name}-*.rpm`))[0]!
}
