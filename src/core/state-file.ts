// The State that survives a restart: one SQLite file in write-ahead mode, with everything in memory beside it.
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import type { Clock } from './clock.ts'
import { systemClock } from './clock.ts'
import { YarderError, describe } from './errors.ts'
import type { Log } from './log.ts'
import type { State } from './state.ts'

// SQLite's primary result codes, https://sqlite.org/rescode.html
const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26

/** Layout of the table; a file with a higher number was written by a newer yarder. */
const VERSION = 1

// A checksum a row: SQLite notices torn pages, not a bit that flipped inside a value.
const SCHEMA = `CREATE TABLE IF NOT EXISTS state (
  scope TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, sum INTEGER NOT NULL,
  PRIMARY KEY (scope, key)) WITHOUT ROWID`

interface Open {
  readonly db: DatabaseSync
  readonly put: StatementSync
  readonly drop: StatementSync
  /** Which file it is, to notice that someone removed or replaced it. */
  readonly inode: number
}

type Row = { scope: string; key: string; value: string; sum: number }

/**
 * Opens or makes the state file at `path` (0600, its folder 0700). Never fails for the disk's sake: what can't be
 * written stays in memory and is tried again at every commit; a damaged file is set aside as
 * `<path>.damaged-<time>`, what was readable in it is kept, and both are told. Throws a YarderError (STORAGE) only
 * when a newer version wrote the file.
 */
export function openStateFile(path: string, log: Log, clock: Clock = systemClock): StateFile {
  return new StateFile(path, log, clock)
}

/** See `openStateFile`. Needs no timer: the agent calls `commit` about once a second and `close` at the end. */
export class StateFile implements State {
  readonly path: string
  #log: Log
  #clock: Clock
  #file: Open | undefined
  #scopes = new Map<string, Map<string, unknown>>()
  #dirty = new Map<string, Set<string>>()
  #hooks = new Set<() => void>()
  #failing = false
  #committing = false

  constructor(path: string, log: Log, clock: Clock) {
    this.path = path
    this.#log = log
    this.#clock = clock
    try {
      this.#file = this.#open()
      this.#load()
    } catch (error) {
      if (error instanceof YarderError) throw error
      if (isDamage(error)) this.#startAnew(error)
      else this.#tellFailure(error)
    }
  }

  get(scope: string, key: string): unknown {
    return this.#scopes.get(scope)?.get(key)
  }

  entries(scope: string): Iterable<readonly [key: string, value: unknown]> {
    return this.#scopes.get(scope) ?? []
  }

  set(scope: string, key: string, value: unknown): void {
    const table = this.#scopes.get(scope) ?? new Map<string, unknown>()
    this.#scopes.set(scope, table.set(key, value))
    this.#mark(scope, key)
  }

  delete(scope: string, key: string): void {
    if (this.#scopes.get(scope)?.delete(key) === true) this.#mark(scope, key)
  }

  beforeCommit(write: () => void): () => void {
    this.#hooks.add(write)
    return () => this.#hooks.delete(write)
  }

  commit(): boolean {
    if (this.#committing) return false
    this.#committing = true
    try {
      for (const hook of this.#hooks) hook()
      return this.#write()
    } finally {
      this.#committing = false
    }
  }

  /** Commits and lets go of the file. The last word: later changes stay in memory. */
  close(): boolean {
    const written = this.commit()
    this.#release()
    return written
  }

  #mark(scope: string, key: string): void {
    const keys = this.#dirty.get(scope)
    if (keys === undefined) this.#dirty.set(scope, new Set([key]))
    else keys.add(key)
  }

  #write(): boolean {
    try {
      if (this.#file !== undefined && inodeOf(this.path) !== this.#file.inode) this.#release()
      if (this.#file === undefined) {
        this.#file = this.#open()
        this.#markAll()
      }
      if (this.#dirty.size > 0) this.#transaction(this.#file)
      this.#dirty.clear()
      if (this.#failing) this.#log.info({ path: this.path }, 'The state file can be written again.')
      this.#failing = false
      return true
    } catch (error) {
      if (isDamage(error)) {
        this.#startAnew(error)
        return this.#file !== undefined
      }
      this.#tellFailure(error)
      return false
    }
  }

  #transaction(file: Open): void {
    file.db.exec('BEGIN IMMEDIATE')
    try {
      for (const [scope, keys] of this.#dirty) {
        const table = this.#scopes.get(scope)
        for (const key of keys) {
          const value = table?.get(key)
          if (value === undefined) file.drop.run(scope, key)
          else {
            const text = JSON.stringify(value)
            file.put.run(scope, key, text, checksum(scope, key, text))
          }
        }
      }
      file.db.exec('COMMIT')
    } catch (error) {
      // SQLite may have rolled back by itself (full disk); what counts is the first error.
      if (file.db.isTransaction) file.db.exec('ROLLBACK')
      throw error
    }
  }

  #open(): Open {
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 })
    // Made by us, so that it never exists with other rights; -wal and -shm take theirs from it.
    closeSync(openSync(this.path, 'a', 0o600))
    chmodSync(this.path, 0o600)
    const db = new DatabaseSync(this.path, { timeout: 200 })
    try {
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
      const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version'])
      if (version > VERSION) throw new YarderError('STORAGE', `opening ${this.path}: a newer yarder wrote it`)
      db.exec(`${SCHEMA}; PRAGMA user_version = ${VERSION}`)
      const put = db.prepare('INSERT OR REPLACE INTO state (scope, key, value, sum) VALUES (?, ?, ?, ?)')
      const drop = db.prepare('DELETE FROM state WHERE scope = ? AND key = ?')
      return { db, put, drop, inode: inodeOf(this.path) }
    } catch (error) {
      db.close()
      throw error
    }
  }

  /** Reads all rows; throws a damage when SQLite or a checksum found one, with the good rows already taken over. */
  #load(): void {
    const { db } = this.#file!
    let bad = 0
    for (const row of db.prepare('SELECT scope, key, value, sum FROM state').iterate() as Iterable<Row>) {
      if (!this.#take(row)) bad++
    }
    if (bad > 0) throw new Damage(`${bad} of its rows have a wrong checksum`)
    const verdict = db.prepare('PRAGMA quick_check(1)').get()?.['quick_check']
    if (verdict !== 'ok') throw new Damage(String(verdict))
  }

  #take(row: Row): boolean {
    if (typeof row.value !== 'string' || checksum(row.scope, row.key, row.value) !== row.sum) return false
    const table = this.#scopes.get(row.scope) ?? new Map<string, unknown>()
    this.#scopes.set(row.scope, table.set(row.key, JSON.parse(row.value)))
    return true
  }

  #startAnew(reason: unknown): void {
    this.#release()
    const stamp = new Date(this.#clock.now()).toISOString().replaceAll(/[-:]|\.\d+/g, '')
    let aside = `${this.path}.damaged-${stamp}`
    for (let n = 2; existsSync(aside); n++) aside = `${this.path}.damaged-${stamp}-${n}`
    let kept = 0
    for (const table of this.#scopes.values()) kept += table.size
    this.#log.error(
      { path: this.path, aside, kept, err: reason },
      'The state file is damaged; it was set aside and begun anew with what could be read.'
    )
    try {
      for (const suffix of ['', '-wal', '-shm']) {
        if (existsSync(this.path + suffix)) renameSync(this.path + suffix, aside + suffix)
      }
      this.#file = this.#open()
      this.#markAll()
      this.#transaction(this.#file)
      this.#dirty.clear()
    } catch (error) {
      this.#tellFailure(error)
    }
  }

  #markAll(): void {
    for (const [scope, table] of this.#scopes) for (const key of table.keys()) this.#mark(scope, key)
  }

  #release(): void {
    try {
      this.#file?.db.close()
    } catch {
      // Closing writes the last checkpoint; on a broken disk that fails, and there is nothing left to do about it.
    }
    this.#file = undefined
  }

  #tellFailure(error: unknown): void {
    if (!this.#failing) {
      this.#log.error(
        { path: this.path, reason: describe(error), err: error },
        'The state file cannot be written; positions are kept in memory until it can.'
      )
    }
    this.#failing = true
  }
}

class Damage extends Error {}

function isDamage(error: unknown): boolean {
  if (error instanceof Damage || error instanceof SyntaxError) return true
  const code = (error as { errcode?: unknown }).errcode
  return typeof code === 'number' && [SQLITE_CORRUPT, SQLITE_NOTADB].includes(code & 0xff)
}

const checksum = (scope: string, key: string, value: string): number => crc32(`${scope}\0${key}\0${value}`)

/** Inode of a file, 0 when it isn't there. */
const inodeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.ino ?? 0
