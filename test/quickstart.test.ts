// Holds that `npm start` leaves no agent behind when its terminal is closed.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..')

test('a closed terminal ends the quick start and its agent', async t => {
  // A root of its own, whose bin/yarder does with signals what the agent does, so that no port and no cache is shared.
  const home = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  for (const dir of ['tools', 'bin']) mkdirSync(join(home, dir))
  cpSync(join(root, 'tools/quickstart.mjs'), join(home, 'tools/quickstart.mjs'))
  symlinkSync(join(root, 'examples'), join(home, 'examples'))
  const agent = `#!${process.execPath}
process.on('SIGHUP', () => {})
process.on('SIGTERM', () => process.exit(0))
setInterval(() => {}, 1000)
console.log('up')
`
  writeFileSync(join(home, 'bin/yarder'), agent, { mode: 0o755 })
  const child = spawn(process.execPath, [join(home, 'tools/quickstart.mjs')], { detached: true })
  const group = -child.pid!
  t.after(() => {
    try {
      process.kill(group, 'SIGKILL')
    } catch {
      // All of it has ended.
    }
  })
  await once(child.stdout, 'data')
  process.kill(group, 'SIGHUP')
  // The pipes close when the agent has ended too.
  const [code] = (await once(child, 'close', { signal: AbortSignal.timeout(10_000) })) as [number | null]
  assert.equal(code, 0)
})
