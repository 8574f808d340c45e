// Reads the state of an agent that doesn't run, without touching it: from a copy that is thrown away.
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { YarderError, describe } from './errors.ts'
import { checksum, newer, VERSION } from './state-db.ts'
import { memoryState } from './state.ts'
import type { State } from './state.ts'

export interface ReadState {
  /** Changes to it stay in memory. */
  readonly state: State
  /** Version of the file's layout. */
  readonly format: number
  /** What is wrong with the file; what could be read is in `state`. */
  readonly damage: string | undefined
}

/** Throws YarderError STORAGE when there is no such file, it can't be read, or a newer yarder wrote it. */
export function readState(path: string): ReadState {
  if (!existsSync(path)) throw new YarderError('STORAGE', `reading ${path}: there is none; no agent has run here`)
  const folder = mkdtempSync(join(tmpdir(), 'yarder-state-'))
  try {
    const copy = join(folder, 'state.db')
    // Even to read, SQLite writes beside the file.
    for (const suffix of ['', '-wal']) if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix)
    return readCopy(copy, path)
  } catch (error) {
    if (error instanceof YarderError) throw error
    throw new YarderError('STORAGE', `reading ${path}`, { cause: error })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readCopy(copy: string, path: string): ReadState {
  const state = memoryState()
  const db = new DatabaseSync(copy)
  let format = 0
  let bad = 0
  try {
    format = Number(db.prepare('PRAGMA user_version').get()?.['user_version'])
    if (format > VERSION) throw newer(path, format)
    for (const row of db.prepare('SELECT scope, key, value, sum FROM state').iterate()) {
      const { scope, key, value, sum } = row
      if (checksum(String(scope), String(key), String(value)) !== sum) bad++
      else state.set(String(scope), String(key), JSON.parse(String(value)))
    }
    return { state, format, damage: bad === 0 ? undefined : `${bad} of its rows have a wrong checksum` }
  } catch (error) {
    if (error instanceof YarderError) throw error
    return { state, format, damage: describe(error) }
  } finally {
    db.close()
  }
}
