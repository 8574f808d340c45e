// The State that survives a restart: one SQLite file in write-ahead mode, with everything in memory beside it.
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Clock } from './clock.ts'
import { systemClock } from './clock.ts'
import { YarderError, describe } from './errors.ts'
import type { Log, LogData } from './log.ts'
import { copyPath, readCopy, writeCopy, writeCopySync } from './state-copy.ts'
import { checksum, Damage, inodeOf, isDamage, openDb, readElsewhere, readRows, SUFFIXES } from './state-db.ts'
import type { OpenDb, Row } from './state-db.ts'
import { logFault } from './state-log.ts'
import type { State } from './state.ts'

/** How old the copy may be, ms: so much is sent again at most when the state file is damaged. */
const COPY_EVERY_MS = 300_000
/** The first one of a run is made sooner. */
const COPY_FIRST_MS = 10_000
/** Damaged files that are kept; a broken disk must not be filled with them. */
const KEEP_DAMAGED = 3

/**
 * Opens or makes the state file at `path` (0600, its folder 0700). Never fails for the disk's sake: what can't be
 * written stays in memory and is tried again at every commit; a damaged file is set aside as
 * `<path>.damaged-<time>`, what was readable in it is kept, the rest is taken from the copy beside it, and all is told.
 * Throws a YarderError (STORAGE) only when a newer version wrote the file.
 */
export function openStateFile(path: string, log: Log, clock: Clock = systemClock): StateFile {
  return new StateFile(path, log, clock)
}

/** See `openStateFile`. Needs no timer: the agent calls `commit` about once a second and `close` at the end. */
export class StateFile implements State {
  readonly path: string
  #log: Log
  #clock: Clock
  #file: OpenDb | undefined
  #scopes = new Map<string, Map<string, unknown>>()
  #dirty = new Map<string, Set<string>>()
  #hooks = new Set<() => void>()
  #trouble: string | undefined
  #committing = false
  /** Damage that was found and could not be set aside yet. */
  #damage: unknown
  /** Something was committed that the copy lacks. */
  #uncopied = false
  #copying: AbortController | undefined
  #copyDue: number

  constructor(path: string, log: Log, clock: Clock) {
    this.path = path
    this.#log = log
    this.#clock = clock
    this.#copyDue = clock.elapsed() + COPY_FIRST_MS
    const fault = this.#logFault()
    try {
      if (isEmpty(path) && existsSync(copyPath(path))) throw new Damage('it is empty')
      this.#file = openDb(path)
      readRows(this.#file.db, row => this.#take(row))
    } catch (error) {
      if (error instanceof YarderError) throw error
      const damage = isDamage(error) ? error : this.#goWithout(error)
      if (damage !== undefined) {
        this.#mendAnew(damage)
        return
      }
    }
    if (fault !== undefined) this.#tellLog(fault)
  }

  /** Why the last commit is in memory only; undefined when it is on the disk. */
  get trouble(): string | undefined {
    return this.#trouble
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
    this.#copyDue = Infinity
    const written = this.commit()
    this.#copying?.abort()
    if (written && (this.#uncopied || this.#copying !== undefined)) this.#copyNow()
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
      if (this.#damage !== undefined) this.#setAside(this.#damage)
      if (this.#file !== undefined && inodeOf(this.path) !== this.#file.inode) this.#release()
      if (this.#file === undefined) {
        this.#file = openDb(this.path)
        this.#markAll()
      }
      if (this.#dirty.size > 0) {
        this.#transaction(this.#file)
        this.#uncopied = true
      }
      this.#dirty.clear()
      if (this.#trouble !== undefined) this.#log.info({ path: this.path }, 'The state file can be written again.')
      this.#trouble = undefined
      this.#copyWhenDue()
      return true
    } catch (error) {
      if (isDamage(error) && this.#damage === undefined) {
        this.#startAnew(error, 'nothing is lost: they are in memory')
        return this.#file !== undefined
      }
      this.#tellFailure(error)
      return false
    }
  }

  #transaction(file: OpenDb): void {
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

  #take({ scope, key, value }: Row): void {
    const table = this.#scopes.get(scope) ?? new Map<string, unknown>()
    this.#scopes.set(scope, table.set(key, value))
  }

  #rows(): Row[] {
    return [...this.#scopes].flatMap(([scope, table]) => [...table].map(([key, value]) => ({ scope, key, value })))
  }

  #logFault(): string | undefined {
    try {
      return logFault(`${this.path}-wal`)
    } catch {
      // What can't be read is found out, and told, when the file is opened.
      return undefined
    }
  }

  /** SQLite falls back to the commit before, which is whole. */
  #tellLog(fault: string): void {
    this.#log.warn(
      { path: `${this.path}-wal`, reason: fault, ...this.#mend() },
      'The newest part of the state was cut short or damaged; what was acknowledged since the commit before is sent again.'
    )
  }

  /** Rows that are missing are taken from the copy; says how many, and of when. */
  #mend(): { from_copy?: number; copy_of?: string } {
    const copy = readCopy(this.path)
    if (copy === undefined) return {}
    const missing = copy.rows.filter(({ scope, key }) => this.get(scope, key) === undefined)
    for (const row of missing) {
      this.#take(row)
      this.#mark(row.scope, row.key)
    }
    return { from_copy: missing.length, copy_of: new Date(copy.at).toISOString() }
  }

  /** The disk refuses a start: full, read-only, broken. What was known must still be known; says why when it is not. */
  #goWithout(error: unknown): unknown {
    this.#scopes.clear()
    try {
      readElsewhere(this.path, row => this.#take(row))
    } catch (reason) {
      if (reason instanceof YarderError) throw reason
      return reason
    }
    this.#tellFailure(error)
    return undefined
  }

  /** Damage found at the start: what can't be read is taken from the copy. */
  #mendAnew(reason: unknown): void {
    this.#release()
    const kept = this.#known()
    const copy = this.#mend()
    const positions =
      copy.copy_of === undefined
        ? 'files without one begin where start_at says'
        : 'what was acknowledged after the copy was made is sent again'
    this.#startAnew(reason, positions, { kept, ...copy })
  }

  #known(): number {
    return this.#scopes.values().reduce((sum, table) => sum + table.size, 0)
  }

  #startAnew(reason: unknown, positions: string, data: LogData = { kept: this.#known() }): void {
    this.#release()
    this.#damage = reason
    const told = { path: this.path, ...data, positions, err: reason }
    try {
      const aside = this.#setAside(reason)
      this.#log.error(
        { ...told, aside },
        'The state file is damaged; it was set aside and begun anew with what could be read.'
      )
      this.#file = openDb(this.path)
      this.#markAll()
      this.#transaction(this.#file)
      this.#dirty.clear()
    } catch (error) {
      if (this.#damage !== undefined)
        this.#log.error(
          told,
          'The state file is damaged and cannot be set aside yet; the agent goes on with what could be read.'
        )
      this.#tellFailure(error)
    }
  }

  /** Moves the damaged file out of the way; returns its new name. */
  #setAside(reason: unknown): string {
    const stamp = new Date(this.#clock.now()).toISOString().replaceAll(/[-:]|\.\d+/g, '')
    let aside = `${this.path}.damaged-${stamp}`
    for (let n = 2; existsSync(aside); n++) aside = `${this.path}.damaged-${stamp}-${n}`
    for (const suffix of SUFFIXES) if (existsSync(this.path + suffix)) renameSync(this.path + suffix, aside + suffix)
    if (this.#trouble !== undefined)
      this.#log.warn({ path: this.path, aside, err: reason }, 'The damaged state file was set aside.')
    this.#damage = undefined
    this.#removeOldest()
    return aside
  }

  #removeOldest(): void {
    const folder = dirname(this.path)
    const name = /\.damaged-[^-]+(?:-\d+)?$/
    const old = readdirSync(folder)
      .filter(file => file.startsWith(`${basename(this.path)}.damaged-`) && name.test(file))
      .toSorted()
      .slice(0, -KEEP_DAMAGED)
    for (const file of old)
      for (const suffix of SUFFIXES) rmSync(join(folder, file + suffix), { recursive: true, force: true })
  }

  #copyNow(): void {
    try {
      writeCopySync(this.path, this.#rows(), this.#clock.now())
    } catch {
      // The state itself is written; an older copy is as good as none was.
    }
  }

  #copyWhenDue(): void {
    const now = this.#clock.elapsed()
    if (!this.#uncopied || this.#copying !== undefined || now < this.#copyDue) return
    this.#uncopied = false
    this.#copyDue = now + COPY_EVERY_MS
    const copying = new AbortController()
    this.#copying = copying
    void writeCopy(this.path, this.#rows(), this.#clock.now(), copying.signal)
      .catch(() => {
        // The state itself is written; the copy is tried again when it is due.
        this.#uncopied = true
      })
      .finally(() => {
        this.#copying = undefined
      })
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
    const reason = describe(error)
    if (this.#trouble === undefined) {
      this.#log.error(
        { path: this.path, reason, err: error },
        'The state file cannot be written; positions are kept in memory until it can.'
      )
    }
    this.#trouble = reason
  }
}

const isEmpty = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.size === 0
