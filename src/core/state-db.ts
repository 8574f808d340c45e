// The SQLite side of the state file: how it is opened, its rows with their checksums, and what counts as damage.
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { YarderError } from './errors.ts'
import { upgrade } from './state-upgrade.ts'
import type { Upgrade } from './state-upgrade.ts'

// SQLite's primary result codes, https://sqlite.org/rescode.html
const SQLITE_ERROR = 1
const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26

// A checksum a row: SQLite notices torn pages, not a bit that flipped inside a value.
const SCHEMA = `CREATE TABLE IF NOT EXISTS state (
  scope TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, sum INTEGER NOT NULL,
  PRIMARY KEY (scope, key)) WITHOUT ROWID`

/** From an empty file to the present layout. A change of the layout, or of what a row means, is a step at the end. */
const STEPS: readonly Upgrade[] = [db => db.exec(SCHEMA)]

/** The present layout; a file with a higher number was written by a newer yarder. */
export const VERSION = STEPS.length

/** The row that says the version a second time, so that a flipped bit in the header is no newer yarder. */
const FORMAT = { scope: 'yarder', key: 'format' } as const

/** The file itself and what SQLite keeps beside it. */
export const SUFFIXES = ['', '-wal', '-shm'] as const

/** What stands in the file is not what was written there. */
export class Damage extends Error {}

export interface OpenDb {
  readonly db: DatabaseSync
  readonly put: StatementSync
  readonly drop: StatementSync
  /** Which file it is, to notice that someone removed or replaced it. */
  readonly inode: number
}

export interface Row {
  readonly scope: string
  readonly key: string
  readonly value: unknown
}

type StoredRow = { scope: string; key: string; value: string; sum: number }

/** Opens the file for writing, and makes it (0600, its folder 0700) when it is missing. Throws Damage, YarderError, or SQLite's error. */
export function openDb(path: string): OpenDb {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  for (const suffix of SUFFIXES) {
    const there = statSync(path + suffix, { throwIfNoEntry: false })
    if (there !== undefined && !there.isFile()) throw new Damage(`state.db${suffix} is not a file`)
  }
  checkHeader(path)
  // Made by us, so that it never exists with other rights; -wal and -shm take theirs from it.
  closeSync(openSync(path, 'a', 0o600))
  chmodSync(path, 0o600)
  const db = new DatabaseSync(path, { timeout: 200 })
  try {
    refuseNewer(db, path)
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    prepareTable(db)
    const put = db.prepare('INSERT OR REPLACE INTO state (scope, key, value, sum) VALUES (?, ?, ?, ?)')
    const drop = db.prepare('DELETE FROM state WHERE scope = ? AND key = ?')
    return { db, put, drop, inode: inodeOf(path) }
  } catch (error) {
    db.close()
    throw error
  }
}

/** What SQLite takes for an empty or a read-only database, and says nothing: https://www.sqlite.org/fileformat2.html#the_database_header */
function checkHeader(path: string): void {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) return
  const fd = openSync(path, 'r')
  const header = Buffer.alloc(100)
  const got = readSync(fd, header, 0, 100, 0)
  closeSync(fd)
  if (got < 100) throw new Damage('its header is cut')
  if (header.toString('latin1', 0, 16) !== 'SQLite format 3\0') throw new Damage('it is no database')
  // Above 2 is a format that this SQLite reads at most.
  if (header[18]! > 2 || header[19]! > 2) throw new Damage('its header is damaged')
}

const versionOf = (db: DatabaseSync): number => Number(db.prepare('PRAGMA user_version').get()?.['user_version'])

function refuseNewer(db: DatabaseSync, path: string): void {
  const version = versionOf(db)
  if (version <= VERSION) return
  // Whoever wrote it wrote a list of tables that can be read; this throws when it can't.
  db.prepare('SELECT name FROM sqlite_schema').all()
  const { value } = (rowOf(db, FORMAT.scope, FORMAT.key) as { value?: unknown } | undefined) ?? {}
  if (value === VERSION) throw new Damage(`its header says format ${version}, its own row ${VERSION}`)
  throw newer(path, version)
}

/** Nothing is written when all is there, so that a file on a full disk can be opened. */
function prepareTable(db: DatabaseSync): void {
  const version = versionOf(db)
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
  if (tables.some(t => t['name'] !== 'state' && !String(t['name']).startsWith('sqlite_')))
    throw new Damage('it is a database of another program')
  if (version === VERSION && tables.some(t => t['name'] === 'state')) return
  // A file that says its version but lost its table gets it again.
  upgrade(db, tables.length === 0 ? 0 : version, STEPS, () => {
    const text = JSON.stringify(VERSION)
    const { scope, key } = FORMAT
    db.prepare('INSERT OR REPLACE INTO state (scope, key, value, sum) VALUES (?, ?, ?, ?)').run(
      scope,
      key,
      text,
      checksum(scope, key, text)
    )
  })
}

/** The file is left as it is: only the yarder that wrote it knows what it says. */
export const newer = (path: string, version: number): YarderError =>
  new YarderError(
    'STORAGE',
    `opening ${path}: a newer yarder wrote it, in format ${version}, and this one knows formats up to ${VERSION}; ` +
      'run that one, or move the file away to begin anew'
  )

function rowOf(db: DatabaseSync, scope: string, key: string): Row | undefined {
  try {
    const row = db.prepare('SELECT scope, key, value, sum FROM state WHERE scope = ? AND key = ?').get(scope, key)
    return row === undefined ? undefined : parsed(row as StoredRow)
  } catch (error) {
    // The table may be another one in a newer layout.
    if (((error as { errcode?: number }).errcode ?? SQLITE_ERROR) === SQLITE_ERROR) return undefined
    throw error
  }
}

/** Gives every good row to `take`; throws a Damage, or SQLite's error, when there are others. */
export function readRows(db: DatabaseSync, take: (row: Row) => void): void {
  let bad = 0
  for (const stored of db.prepare('SELECT scope, key, value, sum FROM state').iterate() as Iterable<StoredRow>) {
    const row = parsed(stored)
    if (row === undefined) bad++
    else if (row.scope !== FORMAT.scope) take(row)
  }
  if (bad > 0) throw new Damage(`${bad} of its rows have a wrong checksum`)
  const verdict = db.prepare('PRAGMA quick_check(1)').get()?.['quick_check']
  if (verdict !== 'ok') throw new Damage(String(verdict))
}

/**
 * The same for a file that can't be opened for writing, on a disk that is full or read-only: SQLite wants to write
 * beside it even to read, so it gets a copy in memory (/dev/shm) or among the temporary files.
 */
export function readElsewhere(path: string, take: (row: Row) => void): void {
  if (!existsSync(path) || statSync(path).size === 0) return
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'yarder-state-'))
  try {
    const copy = join(folder, 'state.db')
    for (const suffix of ['', '-wal']) if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix)
    const { db } = openDb(copy)
    try {
      readRows(db, take)
    } finally {
      db.close()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function parsed({ scope, key, value, sum }: StoredRow): Row | undefined {
  if (typeof value !== 'string' || checksum(scope, key, value) !== sum) return undefined
  return { scope, key, value: JSON.parse(value) as unknown }
}

/** SQLITE_ERROR is a table of another shape: the statements themselves are right. */
export function isDamage(error: unknown): boolean {
  if (error instanceof Damage || error instanceof SyntaxError) return true
  const code = (error as { errcode?: unknown }).errcode
  return typeof code === 'number' && [SQLITE_ERROR, SQLITE_CORRUPT, SQLITE_NOTADB].includes(code & 0xff)
}

export const checksum = (scope: string, key: string, value: string): number => crc32(`${scope}\0${key}\0${value}`)

/** Inode of a file, 0 when it isn't there. */
export const inodeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.ino ?? 0
