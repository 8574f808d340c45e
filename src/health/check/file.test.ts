import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
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
