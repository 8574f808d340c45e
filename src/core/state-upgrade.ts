// Brings a state file from the layout of an older yarder to the present one, in place and as a whole.
import type { DatabaseSync } from 'node:sqlite'

/** Makes layout n + 1 out of layout n; the first one makes layout 1 out of an empty file. */
export type Upgrade = (db: DatabaseSync) => void

/**
 * Runs the steps that a file of version `from` lacks, then `seal`, in one transaction: after a crash the file is as it
 * was, and the next start does it again. The file then says that it is of version `steps.length`.
 */
export function upgrade(db: DatabaseSync, from: number, steps: readonly Upgrade[], seal: () => void): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    for (const step of steps.slice(from)) step(db)
    db.exec(`PRAGMA user_version = ${steps.length}`)
    seal()
    db.exec('COMMIT')
  } catch (error) {
    // SQLite may have rolled back by itself (full disk); what counts is the first error.
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
