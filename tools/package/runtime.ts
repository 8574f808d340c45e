// The private Node of a package: the pinned one for its architecture, without what only debuggers need.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** As Node names them. */
export type Arch = 'x64' | 'arm64'
export const ARCHES: readonly Arch[] = ['x64', 'arm64']

interface Locked {
  readonly version: string
  readonly integrity: string
}

/** Path of the stripped binary; made once and kept in .cache. */
export function strippedNode(root: string, arch: Arch): string {
  const name = `node-linux-${arch}`
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, Locked> }
  const locked = lock.packages[`node_modules/${name}`]
  if (locked === undefined) throw new Error(`package-lock.json has no ${name}`)
  const cache = join(root, '.cache/node')
  const path = join(cache, `${name}-${locked.version}-stripped`)
  if (existsSync(path)) return path
  mkdirSync(cache, { recursive: true })
  const installed = join(root, 'node_modules', name, 'bin/node')
  const whole = existsSync(installed) ? installed : fetched(cache, name, locked)
  const strip = arch === 'arm64' && process.arch !== 'arm64' ? 'aarch64-linux-gnu-strip' : 'strip'
  execFileSync(strip, ['--strip-unneeded', '-o', `${path}.new`, whole])
  renameSync(`${path}.new`, path)
  return path
}

/** The Node of another architecture is not installed here; npm brings it, and the lock says what it must be. */
function fetched(cache: string, name: string, { version, integrity }: Locked): string {
  execFileSync('npm', ['pack', '--silent', '--pack-destination', cache, `${name}@${version}`], {
    stdio: ['ignore', 'ignore', 'inherit']
  })
  const archive = join(cache, `${name}-${version}.tgz`)
  const [algorithm, wanted] = [integrity.slice(0, integrity.indexOf('-')), integrity.slice(integrity.indexOf('-') + 1)]
  const got = createHash(algorithm).update(readFileSync(archive)).digest('base64')
  if (got !== wanted) throw new Error(`${archive} is not what package-lock.json names`)
  const folder = join(cache, `${name}-${version}`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  execFileSync('tar', ['-xzf', archive, '-C', folder])
  rmSync(archive)
  return join(folder, 'package/bin/node')
}
