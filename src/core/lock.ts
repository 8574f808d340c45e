// One agent a data directory: a lock that dies with the process that holds it.
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { YarderError } from './errors.ts'

const SQLITE_BUSY = 5

/** Held from `lock` until `release`, or until the process ends in whatever way. */
export interface Lock {
  release(): void
}

/**
 * Takes the data directory for this process (it is made 0700 when missing). Throws YarderError LOCKED, naming the
 * process that holds it, or STORAGE when the directory can't be used.
 *
 * Node has no flock(2); SQLite takes the kernel's fcntl lock, which goes when its process does, SIGKILL included.
 * Nothing else may open the file `lock` in this process: closing any descriptor of it would drop the lock.
 */
export function lock(dataDir: string, pid = process.pid): Lock {
  const path = join(dataDir, 'lock')
  const pidFile = join(dataDir, 'lock.pid')
  let db: DatabaseSync | undefined
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    db = new DatabaseSync(path)
    // The transaction stays open for life and writes nothing, so a full disk doesn't matter.
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    db?.close()
    const busy = ((error as { errcode?: number }).errcode ?? 0) & 0xff
    if (busy === SQLITE_BUSY) {
      throw new YarderError('LOCKED', `using ${dataDir}: ${holder(pidFile)} holds it`, { cause: error })
    }
    throw new YarderError('STORAGE', `using ${dataDir} as data_dir`, { cause: error })
  }
  try {
    closeSync(openSync(pidFile, 'a', 0o600))
    writeFileSync(pidFile, `${pid}\n`)
  } catch {
    // Only the message of a second agent needs it.
  }
  const release = (): void => {
    process.removeListener('exit', release)
    if (!db.isOpen) return
    try {
      rmSync(pidFile, { force: true })
    } catch {
      // A disk that became read-only: the next holder writes its own over it.
    }
    db.close()
  }
  // Also keeps the database from being collected as garbage, which would drop the lock of a caller who forgets his Lock.
  process.on('exit', release)
  return { release }
}

function holder(pidFile: string): string {
  try {
    const pid = readFileSync(pidFile, 'utf8').trim()
    if (/^\d+$/.test(pid)) return `process ${pid}`
  } catch {
    // It has just taken the lock and not yet written its name.
  }
  return 'another process'
}
