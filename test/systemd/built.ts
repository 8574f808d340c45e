// Packages for tests, each built once for a state of the repository and kept in .cache: whoever needs the same takes that.
import { createHash } from 'node:crypto'
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync
} from 'node:fs'
import { join } from 'node:path'
import { buildPackage, packageName } from '../../tools/package.ts'
import { SOURCES } from '../../tools/package/native.ts'
import type { Arch } from '../../tools/package/runtime.ts'
import { ROOT } from '../../tools/package/stage.ts'
import type { Format } from '../../tools/package/stage.ts'
import { exclusively } from '../lib/real/process.ts'

const FOLDER = join(ROOT, '.cache/packages')
/** Packages of other states are kept for so long: another run may still need them. */
const KEPT_MS = 3_600_000

/** Path of a package with little compression, of this machine's architecture. */
export function builtPackage(format: Format, revision = 1): Promise<string> {
  const arch = process.arch as Arch
  const folder = join(FOLDER, stateOfSources())
  const path = join(folder, packageName(format, arch, revision))
  return exclusively('package', async () => {
    if (existsSync(path)) return path
    forgetOld()
    mkdirSync(folder, { recursive: true })
    const fresh = mkdtempSync(join(folder, 'new-'))
    renameSync(await buildPackage(fresh, format, arch, true, revision), path)
    rmSync(fresh, { recursive: true })
    return path
  })
}

/** Everything that a package is made of: what npm brings is named by the lockfile. */
function stateOfSources(): string {
  const hash = createHash('sha256')
  const files = SOURCES.flatMap(name => {
    const path = join(ROOT, name)
    return statSync(path).isDirectory() ? globSync(`${path}/**`).sort() : [path]
  })
  for (const path of files) {
    const stat = statSync(path)
    if (stat.isFile()) hash.update(`${path.slice(ROOT.length)}\0${stat.mode}\0`).update(readFileSync(path))
  }
  return hash.digest('hex').slice(0, 16)
}

function forgetOld(): void {
  if (!existsSync(FOLDER)) return
  for (const name of readdirSync(FOLDER)) {
    const path = join(FOLDER, name)
    if (Date.now() - statSync(path).mtimeMs > KEPT_MS) rmSync(path, { recursive: true, force: true })
  }
}
