import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { lock } from './lock.ts'

test('a second agent is refused with the pid of the first, until that one is killed', async t => {
  const base = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(base, { recursive: true, force: true }))
  const dir = join(base, 'data')
  const script = `import { lock } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)}
    lock(${JSON.stringify(dir)}); console.log('held'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  assert.throws(() => lock(dir), { code: 'LOCKED', message: new RegExp(`process ${child.pid} holds it`) })
  assert.equal(statSync(dir).mode & 0o777, 0o700)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const held = lock(dir)
  assert.throws(() => lock(dir), { code: 'LOCKED', message: new RegExp(`process ${process.pid} holds it`) })
  held.release()
  held.release()
  lock(dir).release()
})

test('a directory that cannot be used is a STORAGE error', () => {
  assert.throws(() => lock('/dev/null/x'), { code: 'STORAGE' })
})
