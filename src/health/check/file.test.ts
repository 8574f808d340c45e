import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, chownSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { checkFaults, runCheck } from '../../../test/lib/check.ts'
import { fileCheck } from './file.ts'

test('existence, age, size and mode are judged, each with its reason', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const path = join(dir, 'dump')
  const look = async (options: Record<string, unknown>): Promise<string> => {
    const run = await runCheck(fileCheck, { path, ...options })
    return `${run.state} ${run.reason}`
  }
  assert.equal(await look({}), 'critical missing')
  assert.equal(await look({ exists: false }), 'ok ok')
  writeFileSync(path, 'x'.repeat(2048))
  chmodSync(path, 0o640)
  const hourAgo = Date.now() / 1000 - 3600
  utimesSync(path, hourAgo, hourAgo)
  assert.equal(await look({ exists: false }), 'critical present')
  assert.equal(await look({ max_age: '2h', min_age: '30m', min_size: '1KiB', max_size: '1MiB', mode: '0640' }), 'ok ok')
  assert.equal(await look({ mode: 640 }), 'ok ok')
  assert.equal(await look({ max_age: '30m' }), 'critical age')
  assert.equal(await look({ min_age: '2h' }), 'critical age')
  assert.equal(await look({ min_size: '3KiB' }), 'critical size')
  assert.equal(await look({ max_size: '1KiB' }), 'critical size')
  assert.equal(await look({ mode: '0600' }), 'critical mode')
  assert.match((await runCheck(fileCheck, { path, mode: '0600' })).message, /has mode 0640, expected 0600$/)
})

function newFile(t: TestContext, text: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const path = join(dir, 'file')
  writeFileSync(path, text)
  return path
}

const look = async (options: Record<string, unknown>): Promise<string> => {
  const { state, reason, message } = await runCheck(fileCheck, options)
  return `${state} ${reason}: ${message}`
}

test('whose it is, by name or number, is told by name', async t => {
  const path = newFile(t, '')
  const { uid, gid, username } = userInfo()
  for (const owner of [username, uid])
    assert.equal(await look({ path, user: owner, group: gid }), `ok ok: ${path} is as expected`)
  assert.equal(
    await look({ path, user: 'no-such-user' }),
    `critical owner: ${path} belongs to ${username}, expected no-such-user`
  )
  assert.equal(
    await look({ path, user: 4_000_001 }),
    `critical owner: ${path} belongs to ${username}, expected 4000001`
  )
  if (uid !== 0) return
  chownSync(path, 0, 4_000_002)
  assert.equal(await look({ path, group: 'root' }), `critical owner: ${path} is of the group 4000002, expected root`)
})

test('its content is judged by hash and by patterns, of which the last part of a long file counts', async t => {
  const path = newFile(t, `first line\n${'x'.repeat(10_000)}\nPermitRootLogin no\n`)
  const hash = createHash('sha256')
    .update(`first line\n${'x'.repeat(10_000)}\nPermitRootLogin no\n`)
    .digest('hex')
  assert.match(await look({ path, sha256: hash.toUpperCase(), contains: '^PermitRootLogin no$' }), /^ok/)
  assert.equal(
    await look({ path, sha256: '0'.repeat(64) }),
    `critical content: ${path} has changed: its SHA-256 is ${hash}`
  )
  assert.equal(
    await look({ path, contains: '^PermitRoot$' }),
    `critical content: ${path} does not contain ^PermitRoot$`
  )
  assert.equal(await look({ path, lacks: 'Root\\w+' }), `critical content: ${path} contains "RootLogin"`)
  assert.match(await look({ path, contains: '^first line$' }), /^ok/)
  assert.match(await look({ path, contains: '^first line$', max_read: '1KiB' }), /^critical content/)
})

test('what kind of thing it is', async t => {
  const path = newFile(t, '')
  symlinkSync(path, `${path}-link`)
  assert.match(await look({ path, kind: 'file' }), /^ok/)
  assert.match(await look({ path: `${path}-link`, kind: 'file' }), /^ok/)
  assert.match(await look({ path: `${path}-link`, kind: 'symlink' }), /^ok/)
  assert.equal(await look({ path, kind: 'folder' }), `critical content: ${path} is a file, expected a folder`)
  assert.match(await look({ path: '/dev/null', kind: 'device' }), /^ok/)
  assert.match(await look({ path: '/dev/null', lacks: 'x' }), /^critical content: .* is a device, whose content cannot/)
})

test('relative paths start from the folder of the configuration', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  writeFileSync(join(dir, 'here'), '')
  assert.equal((await runCheck(fileCheck, { path: 'here' }, 1000, { configDir: dir })).state, 'ok')
})

test('limits that nothing can meet are told', () => {
  assert.match(
    checkFaults(fileCheck, { path: '/x', exists: false, mode: '0640' })[0] ?? '',
    /^exists: a file that must not/
  )
  assert.deepEqual(checkFaults(fileCheck, { path: '/x', min_size: '2KiB', max_size: '1KiB' }), [
    'min_size: must not be above max_size'
  ])
  assert.match(checkFaults(fileCheck, { path: '/x', mode: 'rw' })[0] ?? '', /^mode: must be an octal mode/)
})
