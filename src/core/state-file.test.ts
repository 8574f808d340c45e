import assert from 'node:assert/strict'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import fc from 'fast-check'
import { YarderError } from './errors.ts'
import type { Log, LogData } from './log.ts'
import { openStateFile } from './state-file.ts'

function place(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return join(dir, 'data', 'state.db')
}

/** Keeps what is said, as `level message`. */
function listening(): { log: Log; said: string[]; data: LogData[] } {
  const said: string[] = []
  const data: LogData[] = []
  const at = (level: string) => (d: LogData, message: string) => {
    said.push(`${level} ${message}`)
    data.push(d)
  }
  const log: Log = {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    debugs: false,
    child: () => log
  }
  return { log, said, data }
}

const all = (state: ReturnType<typeof openStateFile>, scope: string): Record<string, unknown> =>
  Object.fromEntries(state.entries(scope))

test('what was committed is there again after a restart, what was deleted is not', t => {
  const path = place(t)
  const { log, said } = listening()
  const first = openStateFile(path, log)
  first.set('a', 'x', { n: 1, deep: [1, 2] })
  first.set('a', 'y', 'text')
  first.set('b', 'x', 0)
  assert.equal(first.commit(), true)
  first.delete('a', 'y')
  assert.equal(first.close(), true)
  const again = openStateFile(path, log)
  t.after(() => again.close())
  assert.deepEqual(all(again, 'a'), { x: { n: 1, deep: [1, 2] } })
  assert.equal(again.get('b', 'x'), 0)
  assert.equal(again.get('b', 'nope'), undefined)
  assert.deepEqual(said, [])
})

test('what was committed is there although the process was killed, what was not is not', t => {
  const path = place(t)
  const { log } = listening()
  const first = openStateFile(path, log)
  t.after(() => first.close())
  first.set('a', 'x', 1)
  first.commit()
  first.set('a', 'x', 2)
  // The copy is what a SIGKILL at this moment leaves behind.
  const copy = `${path}.copy`
  copyFileSync(path, copy)
  copyFileSync(`${path}-wal`, `${copy}-wal`)
  const again = openStateFile(copy, log)
  t.after(() => again.close())
  assert.equal(again.get('a', 'x'), 1)
})

test('the file is 0600 and its folder 0700', t => {
  const path = place(t)
  const state = openStateFile(path, listening().log)
  t.after(() => state.close())
  state.set('a', 'x', 1)
  state.commit()
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal(statSync(`${path}-wal`).mode & 0o777, 0o600)
  assert.equal(statSync(join(path, '..')).mode & 0o777, 0o700)
})

test('hooks write into the commit they precede, until they are taken back', t => {
  const state = openStateFile(place(t), listening().log)
  t.after(() => state.close())
  let n = 0
  const back = state.beforeCommit(() => state.set('a', 'n', ++n))
  state.commit()
  state.commit()
  back()
  state.commit()
  assert.equal(state.get('a', 'n'), 2)
})

const damage: Record<string, (path: string) => void> = {
  'is cut in the middle': path => truncateSync(path, Math.floor(statSync(path).size / 2) + 7),
  'is zeroed': path => writeFileSync(path, Buffer.alloc(statSync(path).size)),
  'is overwritten with text': path => writeFileSync(path, 'not a database\n'.repeat(1000)),
  'has a flipped bit in a value': path => {
    const bytes = readFileSync(path)
    // Stale copies may lie in free parts of pages, so all of them are changed.
    for (let at = bytes.indexOf('needle-17'); at >= 0; at = bytes.indexOf('needle-17', at + 1)) bytes[at + 8]! ^= 1
    writeFileSync(path, bytes)
  }
}
for (const [what, harm] of Object.entries(damage)) {
  test(`a file that ${what} is set aside, told, and begun anew with what is readable`, t => {
    const path = place(t)
    const first = openStateFile(path, listening().log)
    for (let i = 0; i < 500; i++) first.set('s', `k${i}`, { text: `needle-${i}` })
    first.close()
    rmSync(`${path}.copy`)
    harm(path)
    const { log, said } = listening()
    const state = openStateFile(path, log)
    t.after(() => state.close())
    assert.equal(said.length, 1)
    assert.match(said[0]!, /^error The state file is damaged/)
    assert.equal(readdirSync(join(path, '..')).filter(f => /^state\.db\.damaged-\d{8}T\d{6}Z$/.test(f)).length, 1)
    for (const [key, value] of state.entries('s')) assert.deepEqual(value, { text: `needle-${key.slice(1)}` })
    if (what.includes('bit')) assert.ok(![...state.entries('s')].some(([key]) => key === 'k17'))
    state.set('s', 'new', 1)
    assert.equal(state.close(), true)
    const again = openStateFile(path, log)
    t.after(() => again.close())
    assert.equal(again.get('s', 'new'), 1)
    assert.equal(said.length, 1)
  })
}

test('whatever byte is changed, a row is as it was or gone, and the next commit works', t => {
  const path = place(t)
  const first = openStateFile(path, listening().log)
  for (let i = 0; i < 60; i++) first.set('s', `k${i}`, `v${i}`)
  first.close()
  const good = readFileSync(path)
  let round = 0
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const bytes = Buffer.from(good)
      bytes[at]! ^= flip
      const copy = `${path}.${round++}`
      writeFileSync(copy, bytes)
      let state
      try {
        state = openStateFile(copy, listening().log)
      } catch (error) {
        assert.ok(error instanceof YarderError)
        return
      }
      for (const [key, value] of state.entries('s')) assert.equal(value, `v${key.slice(1)}`)
      state.set('s', 'after', 1)
      assert.equal(state.close(), true)
    }),
    { numRuns: 150 }
  )
})

test('a disk that refuses keeps the state in memory, says so once, and says when it is over', t => {
  const path = place(t)
  const { log, said } = listening()
  const state = openStateFile(path, log)
  t.after(() => state.close())
  state.set('a', 'x', 1)
  state.commit()
  // A folder in the file's place is something that no user, root included, can write as a database.
  rmSync(join(path, '..'), { recursive: true })
  writeFileSync(join(path, '..'), 'in the way')
  state.set('a', 'x', 2)
  assert.equal(state.commit(), false)
  assert.equal(state.commit(), false)
  assert.equal(state.get('a', 'x'), 2)
  assert.equal(said.filter(s => s.startsWith('error')).length, 1)
  rmSync(join(path, '..'))
  assert.equal(state.commit(), true)
  assert.deepEqual(said.slice(1), ['info The state file can be written again.'])
  state.close()
  const again = openStateFile(path, log)
  t.after(() => again.close())
  assert.equal(again.get('a', 'x'), 2)
})

test('a full disk makes commit answer false and loses nothing that was committed before', t => {
  const path = place(t)
  const { log, said } = listening()
  const state = openStateFile(path, log)
  state.set('a', 'x', 1)
  state.close()
  // SQLite's own limit gives the same error as a disk without room.
  const limited = new DatabaseSync(path)
  const pages = Number(limited.prepare('PRAGMA page_count').get()?.['page_count'])
  limited.close()
  const exec = DatabaseSync.prototype.exec
  t.mock.method(DatabaseSync.prototype, 'exec', function (this: DatabaseSync, sql: string) {
    exec.call(this, `PRAGMA max_page_count = ${pages}`)
    return exec.call(this, sql)
  })
  const full = openStateFile(path, log)
  full.set('a', 'big', 'x'.repeat(100_000))
  assert.equal(full.commit(), false)
  assert.equal(full.commit(), false)
  assert.equal(said.length, 1)
  assert.equal(full.get('a', 'x'), 1)
  t.mock.restoreAll()
  full.delete('a', 'big')
  full.set('a', 'x', 2)
  assert.equal(full.commit(), true)
  full.close()
  const again = openStateFile(path, log)
  t.after(() => again.close())
  assert.equal(again.get('a', 'x'), 2)
})

test('a file that someone removes while the agent runs is written anew at the next commit', t => {
  const path = place(t)
  const state = openStateFile(path, listening().log)
  state.set('a', 'x', 1)
  state.commit()
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix)
  assert.equal(state.commit(), true)
  assert.ok(existsSync(path))
  state.close()
  const again = openStateFile(path, listening().log)
  t.after(() => again.close())
  assert.equal(again.get('a', 'x'), 1)
})

test('a file of a newer version is left alone and refused', t => {
  const path = place(t)
  openStateFile(path, listening().log).close()
  const db = new DatabaseSync(path)
  db.exec("PRAGMA user_version = 99; DELETE FROM state WHERE scope = 'yarder'")
  db.close()
  chmodSync(path, 0o600)
  assert.throws(() => openStateFile(path, listening().log), { code: 'STORAGE', message: /newer yarder/ })
})
