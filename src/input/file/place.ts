// Where the bytes of a row lie now, found without a running input, and where lines begin in them.
import { closeSync, readdirSync, statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { dirname, join } from 'node:path'
import { openFile } from './carrier.ts'
import { CONTEXT_BYTES, bytesAt, checkpointOf, headFits } from './identity.ts'
import type { Checkpoint } from './identity.ts'
import type { Row } from './registry.ts'

const STEP = 64 * 1024
const LF = 10

/** A file that is open for looking; `close` it. */
export interface Found {
  readonly path: string
  readonly fd: number
  readonly st: Stats
  close(): void
}

/** Opens a regular file; undefined when there is none that can be read. */
export function openFound(path: string): Found | undefined {
  try {
    const { fd, st } = openFile(path)
    if (st.isFile()) return { path, fd, st, close: () => closeSync(fd) }
    closeSync(fd)
  } catch {
    // Gone or unreadable: the caller says what that means.
  }
  return undefined
}

/** The file at the row's inode, under its last name or, renamed since, another one in its folders; undefined when its bytes are not there. */
export function findRow(row: Row): Found | undefined {
  if (row.ino === 0) return undefined
  const last = row.at ?? row.path
  for (const path of [last, ...sameInode(row, new Set([dirname(last), row.home ?? dirname(last)]))]) {
    const found = openFound(path)
    if (found === undefined) continue
    const same = found.st.ino === row.ino && found.st.dev === row.dev
    if (same && (row.packing !== undefined || headFits(found.fd, { n: row.head[0], sum: row.head[1] }))) return found
    found.close()
  }
  return undefined
}

function* sameInode(row: Row, folders: Iterable<string>): Iterable<string> {
  for (const folder of folders) {
    for (const { path, st } of filesIn(folder)) if (st.ino === row.ino && st.dev === row.dev) yield path
  }
}

/** The regular files of a folder; none when it can't be listed. */
export function filesIn(folder: string): { path: string; st: Stats }[] {
  try {
    return readdirSync(folder).flatMap(name => {
      const path = join(folder, name)
      const st = statSync(path, { throwIfNoEntry: false })
      return st?.isFile() === true ? [{ path, st }] : []
    })
  } catch {
    return []
  }
}

/** True when a line begins at `offset`. */
export const beginsLine = (fd: number, offset: number): boolean => offset === 0 || bytesAt(fd, offset - 1, 1)[0] === LF

/** The first offset at or behind `offset` at which a line begins; undefined when the last line has no newline yet. */
export function nextLine(fd: number, offset: number, size: number): number | undefined {
  if (beginsLine(fd, offset)) return offset
  for (let at = offset; at < size; at += STEP) {
    const found = bytesAt(fd, at, Math.min(STEP, size - at)).indexOf(LF)
    if (found >= 0) return at + found + 1
  }
  return undefined
}

/** What stands before `offset`, to prove later that the file still is what it was. */
export function checkpointIn(fd: number, offset: number): Checkpoint | undefined {
  const n = Math.min(CONTEXT_BYTES, offset)
  return n === 0 ? undefined : checkpointOf(bytesAt(fd, offset - n, n), offset)
}
