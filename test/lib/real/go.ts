// Servers for tests that are built from Go modules: the versions are those that go.mod and go.sum of a folder here pin.
import { createHash } from 'node:crypto'
import { access, mkdir, readdir, readFile, rename } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exclusively, inCi, run } from './process.ts'

const cache = fileURLToPath(new URL('../../../.cache/peers/bin/', import.meta.url))

/** Builds a package in a folder with go.mod, where that was not done before; answers the program's path. */
export async function goProgram(folder: string, name: string, goPackage: string): Promise<string> {
  const hash = createHash('sha256')
  for (const file of (await readdir(folder)).sort()) hash.update(await readFile(join(folder, file)))
  const path = join(cache, `${name}-${hash.digest('hex').slice(0, 8)}`)
  const there = (): Promise<boolean> =>
    access(path).then(
      () => true,
      () => false
    )
  if (await there()) return path
  await exclusively(basename(folder), async () => {
    if (await there()) return
    await mkdir(cache, { recursive: true })
    const half = `${path}.${process.pid}.half`
    await run(['go', 'build', '-o', half, goPackage], { cwd: folder, env: { GOFLAGS: '-buildvcs=false' } })
    await rename(half, path)
  })
  return path
}

/**
 * Builds beforehand. Answers undefined, or on a user's machine the reason to skip: Go is missing, or the way to its
 * modules. With CI=true it throws instead.
 */
export async function goMissing(build: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await run(['go', 'version'])
    await build()
    return undefined
  } catch (error) {
    if (inCi()) throw error
    return `needs Go and its modules: ${String(error)}`
  }
}
