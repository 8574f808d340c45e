// The state file damaged in every way: what it held is there, or it is told; it never throws and always works on.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import fc from 'fast-check'
import { silentLog } from './log.ts'
import type { Log, LogData } from './log.ts'
import { manualClock } from '../../test/lib/manual-clock.ts'
import { openStateFile } from './state-file.ts'
import type { StateFile } from './state-file.ts'

const ROWS = 60
const SCOPE = 'input/app'

interface Said {
  readonly level: string
  readonly message: string
  readonly data: LogData
}

function listening(): { log: Log; said: Said[] } {
  const said: Said[] = []
  const at = (level: string) => (data: LogData, message: string) => void said.push({ level, message, data })
  const log: Log = {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    debugs: false,
    child: () => log
  }
  return { log, said }
}

/** A state as a killed agent leaves it: rows in the file itself, newer ones in the log beside it. */
interface Killed {
  readonly files: Readonly<Record<'' | '-wal', Buffer>>
  readonly copy: Buffer
  readonly rows: Readonly<Record<string, number>>
}

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function killed(folder: string): Killed {
  const path = join(folder, 'first', 'state.db')
  const first = openStateFile(path, silentLog)
  for (let i = 0; i < ROWS; i++) first.set(SCOPE, `k${i}`, i)
  first.close()
  const copy = readFileSync(`${path}.copy`)
  const again = openStateFile(path, silentLog)
  for (let round = 1; round <= 5; round++) {
    for (let i = 0; i < ROWS; i += round) again.set(SCOPE, `k${i}`, i + 1000 * round)
    again.commit()
  }
  const files = { '': readFileSync(path), '-wal': readFileSync(`${path}-wal`) }
  const rows = Object.fromEntries(again.entries(SCOPE)) as Record<string, number>
  again.close()
  return { files, copy, rows }
}

let places = 0

/** Lays it out again, in a place of its own. */
function lay(folder: string, { files, copy }: Killed): string {
  const path = join(folder, `${places++}`, 'state.db')
  mkdirSync(join(path, '..'))
  for (const suffix of ['', '-wal'] as const) writeFileSync(path + suffix, files[suffix])
  writeFileSync(`${path}.copy`, copy)
  return path
}

/** A row is as it was at some commit, and when one is not the last, it was told. */
function mustHold(path: string, { rows }: Killed): Said[] {
  const { log, said } = listening()
  const state = openStateFile(path, log)
  const now = Object.fromEntries(state.entries(SCOPE)) as Record<string, number>
  const told = said.map(s => `${s.level} ${s.message} ${JSON.stringify(s.data)}`).join('\n')
  for (const [key, value] of Object.entries(now)) assert.equal(value % 1000, Number(key.slice(1)), told)
  assert.equal(Object.keys(now).length, ROWS, `every position is known, from the copy at worst\n${told}`)
  if (JSON.stringify(now, Object.keys(rows)) !== JSON.stringify(rows)) assert.notEqual(said.length, 0, 'it was told')
  works(state, path)
  return said
}

function works(state: StateFile, path: string): void {
  state.set(SCOPE, 'after', 1)
  assert.equal(state.close(), true)
  const { log, said } = listening()
  const again = openStateFile(path, log)
  assert.equal(again.get(SCOPE, 'after'), 1)
  assert.equal(again.close(), true)
  assert.deepEqual(said, [], 'told once')
}

test('whatever bits flip in the file or its log, every position is as it was at a commit, and what changed is told', t => {
  const folder = folderFor(t)
  const state = killed(folder)
  fc.assert(
    fc.property(
      fc.constantFrom('', '-wal'),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
      (suffix, flips) => {
        const path = lay(folder, state)
        const bytes = Buffer.from(state.files[suffix])
        for (const [at, flip] of flips) bytes[at % bytes.length]! ^= flip
        writeFileSync(path + suffix, bytes)
        mustHold(path, state)
      }
    ),
    { numRuns: 200 }
  )
})

test('whatever part is zeroed or foreign, the same', t => {
  const folder = folderFor(t)
  const state = killed(folder)
  fc.assert(
    fc.property(
      fc.constantFrom('', '-wal'),
      fc.nat(),
      fc.integer({ min: 1, max: 20_000 }),
      fc.constantFrom(0, 0x41, 0xff),
      (suffix, from, length, value) => {
        const path = lay(folder, state)
        const bytes = Buffer.from(state.files[suffix])
        const start = from % bytes.length
        bytes.fill(value, start, Math.min(bytes.length, start + length))
        writeFileSync(path + suffix, bytes)
        mustHold(path, state)
      }
    ),
    { numRuns: 100 }
  )
})

test('cut at every interesting length: all is known; only the last commits may be older, as after a power cut', t => {
  const folder = folderFor(t)
  const state = killed(folder)
  for (const suffix of ['', '-wal'] as const) {
    const whole = state.files[suffix].length
    const edges = [0, 1, 15, 16, 31, 32, 33, 55, 56, 99, 100, 101, 4095, 4096, 4097, 4151, 4152, 8192, 8272, whole - 1]
    for (const length of edges.filter(n => n < whole)) {
      const path = lay(folder, state)
      writeFileSync(path + suffix, state.files[suffix].subarray(0, length))
      const { log, said } = listening()
      const opened = openStateFile(path, log)
      const known = [...opened.entries(SCOPE)]
      assert.equal(known.length, ROWS, `${suffix} cut at ${length}`)
      for (const [key, value] of known) assert.equal((value as number) % 1000, Number(key.slice(1)))
      // A log cut between two frames looks like one that was not written further; SQLite can't know either.
      const between = suffix === '-wal' && (length === 0 || (length - 32) % (4096 + 24) === 0)
      const last = known.every(([key, value]) => value === state.rows[key])
      if (!between && !last) assert.notEqual(said.length, 0, `state.db${suffix} cut at ${length} is told`)
      works(opened, path)
    }
  }
})

test('a database that lost its log, its name or its copy still opens', t => {
  const folder = folderFor(t)
  const state = killed(folder)
  for (const gone of ['-wal', '.copy']) {
    const path = lay(folder, state)
    rmSync(path + gone)
    const opened = openStateFile(path, silentLog)
    assert.equal([...opened.entries(SCOPE)].length, ROWS)
    works(opened, path)
  }
  const path = lay(folder, state)
  for (const suffix of ['', '-wal']) rmSync(path + suffix)
  const { log, said } = listening()
  const opened = openStateFile(path, log)
  assert.equal([...opened.entries(SCOPE)].length, 0, 'who removes the state file begins anew')
  assert.deepEqual(said, [])
  works(opened, path)
})

const INSTEAD: Record<string, (path: string) => void> = {
  'a folder': path => mkdirSync(path),
  'a folder with files': path => {
    mkdirSync(path)
    writeFileSync(join(path, 'other'), 'kept')
  },
  'an empty file': path => writeFileSync(path, ''),
  text: path => writeFileSync(path, 'positions: none\n'.repeat(400)),
  'a database of another program': path => {
    const db = new DatabaseSync(path)
    db.exec('CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES (1)')
    db.close()
  },
  'a database whose table has other columns': path => {
    const db = new DatabaseSync(path)
    db.exec('CREATE TABLE state (a, b); PRAGMA user_version = 1')
    db.close()
  }
}

for (const [what, put] of Object.entries(INSTEAD)) {
  test(`${what} in its place is set aside with a name, told once, and the copy has the positions`, t => {
    const folder = folderFor(t)
    const path = lay(folder, killed(folder))
    for (const suffix of ['', '-wal']) rmSync(path + suffix)
    put(path)
    const { log, said } = listening()
    const state = openStateFile(path, log)
    assert.deepEqual(
      said.map(s => [s.level, s.message]),
      [['error', 'The state file is damaged; it was set aside and begun anew with what could be read.']]
    )
    const { aside, from_copy, positions } = said[0]!.data
    assert.ok(existsSync(aside as string))
    assert.equal(from_copy, ROWS)
    assert.equal(positions, 'what was acknowledged after the copy was made is sent again')
    assert.equal([...state.entries(SCOPE)].length, ROWS)
    works(state, path)
  })
}

test('a folder in the place of the log is set aside with the file, and the copy has the positions', t => {
  const folder = folderFor(t)
  const state = killed(folder)
  const path = lay(folder, state)
  rmSync(`${path}-wal`)
  mkdirSync(`${path}-wal`)
  assert.equal(mustHold(path, state).length, 1)
})

test('a flipped bit in the format number is damage, not a newer yarder', t => {
  const folder = folderFor(t)
  const path = join(folder, 'state.db')
  const first = openStateFile(path, silentLog)
  first.set(SCOPE, 'k', 1)
  first.close()
  const db = new DatabaseSync(path)
  db.exec('PRAGMA user_version = 65537')
  db.close()
  const { log, said } = listening()
  const state = openStateFile(path, log)
  assert.equal(state.get(SCOPE, 'k'), 1)
  assert.equal(said.length, 1)
  works(state, path)
})

test('without a copy the log line says where reading begins', t => {
  const folder = folderFor(t)
  const path = join(folder, 'state.db')
  writeFileSync(path, 'x'.repeat(8192))
  const { log, said } = listening()
  openStateFile(path, log).close()
  assert.equal(said[0]!.data['positions'], 'files without one begin where start_at says')
})

test('damage found while it runs costs nothing, since all is in memory', t => {
  const folder = folderFor(t)
  const path = join(folder, 'state.db')
  const { log, said } = listening()
  const state = openStateFile(path, log)
  for (let i = 0; i < 2000; i++) state.set(SCOPE, `k${i}`, i)
  state.commit()
  state.delete(SCOPE, 'k0')
  // Nothing else may have it open, or SQLite would keep its pages; so it is replaced as a whole.
  rmSync(path)
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix)
  writeFileSync(path, 'x'.repeat(8192))
  assert.equal(state.commit(), true)
  assert.deepEqual(
    said.map(s => s.level),
    ['error']
  )
  assert.equal(said[0]!.data['positions'], 'nothing is lost: they are in memory')
  assert.equal(state.close(), true)
  const again = openStateFile(path, silentLog)
  assert.equal([...again.entries(SCOPE)].length, 1999)
  again.close()
})

test('a disk that damages the file again and again is not filled with what is set aside', t => {
  const folder = folderFor(t)
  const path = join(folder, 'state.db')
  for (let n = 0; n < 8; n++) {
    writeFileSync(path, `${n}`.repeat(8192))
    openStateFile(path, silentLog).close()
  }
  const names = readdirSync(folder).filter(name => name.includes('.damaged-'))
  assert.equal(names.length, 3)
})

test('the copy is made while it runs and at the end, readable by its owner only', async t => {
  const folder = folderFor(t)
  const path = join(folder, 'state.db')
  const clock = manualClock()
  const state = openStateFile(path, silentLog, clock)
  state.set(SCOPE, 'k', 1)
  state.commit()
  await clock.advance(60_000)
  state.set(SCOPE, 'k', 2)
  state.commit()
  while (!existsSync(`${path}.copy`)) await new Promise(resolve => setImmediate(resolve))
  assert.equal(statSync(`${path}.copy`).mode & 0o777, 0o600)
  assert.match(readFileSync(`${path}.copy`, 'utf8'), /"k",2\]\n$/)
  state.set(SCOPE, 'k', 3)
  state.close()
  assert.match(readFileSync(`${path}.copy`, 'utf8'), /"k",3\]\n$/)
})
