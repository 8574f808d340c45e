import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { silentLog } from './log.ts'
import { openStateFile } from './state-file.ts'
import { readState } from './state-read.ts'

function place(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return join(dir, 'state.db')
}

test('reads what was committed, also what lies in the log of a killed agent, and changes no byte', t => {
  const path = place(t)
  const agent = openStateFile(path, silentLog)
  t.after(() => agent.close())
  agent.set('a', 'x', { n: 1 })
  agent.commit()
  assert.ok(statSync(`${path}-wal`).size > 0)
  const files = (): unknown =>
    readdirSync(join(path, '..')).map(f => [f, readFileSync(join(path, '..', f)).toString('hex')])
  const before = files()
  const { state, format, damage } = readState(path)
  assert.deepEqual(state.get('a', 'x'), { n: 1 })
  assert.equal(format, 1)
  assert.equal(damage, undefined)
  assert.deepEqual(files(), before)
})

test('what is damaged is told, and the rest is read', t => {
  const path = place(t)
  const agent = openStateFile(path, silentLog)
  agent.set('a', 'x', 'good')
  agent.set('a', 'y', 'needle')
  agent.close()
  const bytes = readFileSync(path)
  for (let at = bytes.indexOf('needle'); at >= 0; at = bytes.indexOf('needle', at + 1)) bytes[at]! ^= 1
  writeFileSync(path, bytes)
  const { state, damage } = readState(path)
  assert.equal(state.get('a', 'x'), 'good')
  assert.equal(state.get('a', 'y'), undefined)
  assert.match(damage!, /1 of its rows/)
  writeFileSync(path, 'not a database\n'.repeat(1000))
  assert.match(readState(path).damage!, /not a database/)
  assert.match(readFileSync(path, 'latin1'), /^not a database/, 'it was not set aside')
})

test('a missing file and one of a newer version are refused by name', t => {
  const path = place(t)
  assert.throws(() => readState(path), { code: 'STORAGE', message: /there is none; no agent has run here/ })
  openStateFile(path, silentLog).close()
  const db = new DatabaseSync(path)
  db.exec('PRAGMA user_version = 7')
  db.close()
  assert.throws(() => readState(path), {
    code: 'STORAGE',
    message: /a newer yarder wrote it, in format 7, and this one knows formats up to 1/
  })
})
