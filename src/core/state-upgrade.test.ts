import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { silentLog } from './log.ts'
import { checksum, VERSION } from './state-db.ts'
import { openStateFile } from './state-file.ts'
import { upgrade } from './state-upgrade.ts'
import type { Upgrade } from './state-upgrade.ts'

function place(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return join(dir, 'state.db')
}

const versionOf = (db: DatabaseSync): unknown => db.prepare('PRAGMA user_version').get()?.['user_version']

test('a file of an older layout is upgraded in place and keeps its rows', t => {
  const path = place(t)
  const old = new DatabaseSync(path)
  // What the first builds made: the table, and no version.
  old.exec(`CREATE TABLE state (scope TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, sum INTEGER NOT NULL,
    PRIMARY KEY (scope, key)) WITHOUT ROWID`)
  old.prepare('INSERT INTO state VALUES (?, ?, ?, ?)').run('a', 'x', '{"n":1}', checksum('a', 'x', '{"n":1}'))
  assert.equal(versionOf(old), 0)
  old.close()
  const state = openStateFile(path, silentLog)
  assert.deepEqual(state.get('a', 'x'), { n: 1 })
  state.close()
  const now = new DatabaseSync(path, { readOnly: true })
  t.after(() => now.close())
  assert.equal(versionOf(now), VERSION)
  assert.equal(
    readdirSync(join(path, '..')).some(f => f.includes('damaged')),
    false
  )
})

test('a file of a newer layout is refused by name and version, and no byte of it or of its folder changes', t => {
  const path = place(t)
  const first = openStateFile(path, silentLog)
  first.set('a', 'x', 1)
  first.close()
  const db = new DatabaseSync(path)
  db.exec(
    `PRAGMA journal_mode = DELETE; PRAGMA user_version = ${VERSION + 1}; DELETE FROM state WHERE scope = 'yarder'`
  )
  db.close()
  const files = (): unknown =>
    readdirSync(join(path, '..')).map(f => [f, readFileSync(join(path, '..', f)).toString('hex')])
  const before = files()
  assert.throws(() => openStateFile(path, silentLog), {
    code: 'STORAGE',
    message: `opening ${path}: a newer yarder wrote it, in format ${VERSION + 1}, and this one knows formats up to ${VERSION}; run that one, or move the file away to begin anew`
  })
  assert.deepEqual(files(), before)
})

test('the steps that are missing run in their order, once, and as a whole', t => {
  const db = new DatabaseSync(place(t))
  t.after(() => db.close())
  const ran: number[] = []
  let broken = true
  const steps: Upgrade[] = [
    one => {
      ran.push(1)
      one.exec('CREATE TABLE t (a)')
    },
    two => {
      ran.push(2)
      two.exec("INSERT INTO t VALUES ('kept')")
    },
    three => {
      ran.push(3)
      three.exec('ALTER TABLE t ADD COLUMN b')
      if (broken) throw new Error('the disk is full')
    }
  ]
  upgrade(db, 0, steps.slice(0, 2), () => {})
  assert.deepEqual([ran, versionOf(db)], [[1, 2], 2])
  assert.throws(() => upgrade(db, 2, steps, () => {}), { message: 'the disk is full' })
  assert.deepEqual({ ...db.prepare('SELECT * FROM t').get() }, { a: 'kept' })
  assert.equal(versionOf(db), 2)
  broken = false
  upgrade(db, 2, steps, () => {})
  assert.deepEqual({ ...db.prepare('SELECT * FROM t').get() }, { a: 'kept', b: null })
  assert.deepEqual([ran, versionOf(db)], [[1, 2, 3, 3], 3])
})
