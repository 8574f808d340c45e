// Points node_modules/.bin/node at the Node that package.json pins for this machine's architecture.
// npm 10 deletes that link when two optional packages of different architectures share the name (npm/cli#4362),
// and `npm test` would then silently run on the system's Node.
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const modules = join(dirname(fileURLToPath(import.meta.url)), '..', 'node_modules')
const pinned = join(modules, `node-linux-${process.arch}`, 'bin', 'node')
if (existsSync(pinned)) {
  const link = join(modules, '.bin', 'node')
  mkdirSync(dirname(link), { recursive: true })
  rmSync(link, { force: true })
  symlinkSync(join('..', `node-linux-${process.arch}`, 'bin', 'node'), link)
} else {
  console.error(
    `yarder: no pinned Node for ${process.platform}-${process.arch} in node_modules; run "npm ci" without --omit=optional`
  )
}
