// Installs what package-lock.json asks for when it is not there yet, so that `npm start` and `npm test` are one command.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const node = join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node')

/** npm leaves a copy of what it installed in node_modules; a package of ours that is missing or of another version shows. */
function installed() {
  const record = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(record) || !existsSync(node)) return false
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const present = JSON.parse(readFileSync(record, 'utf8')).packages
  return Object.entries(wanted).every(([path, p]) => path === '' || p.optional || present[path]?.version === p.version)
}

if (!installed()) {
  console.error('yarder: installing what package-lock.json names (once; about 200 MB, most of it Node) …')
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2]
  })
  if (status !== 0) process.exit(status ?? 1)
}
const version = spawnSync(node, ['--version'], { encoding: 'utf8' })
if (version.status !== 0) {
  console.error(
    `yarder: the pinned Node does not run on this machine (${process.platform}-${process.arch}); it needs Linux with glibc 2.28 or later`
  )
  process.exit(1)
}
