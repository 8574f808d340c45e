// Where the bytes of a row lie now, found without a running input, and where lines begin in them.
import { closeSync, readdirSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { dirname, join } from 'node:path'
import { openFile } from './carrier.ts'
import { CONTEXT_BYTES, bytesAt, checkpointOf, headFits, inodeKey, statOf } from './identity.ts'
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

/** What lies in folders, each listed once: for many rows that are looked for at one moment. */
export class Listings {
  #folders = new Map<string, Map<string, string[]>>()

  /** The paths in a folder at which an inode lay when it was listed. */
  pathsOf(folder: string, dev: number, ino: number): readonly string[] {
    let byInode = this.#folders.get(folder)
    if (byInode === undefined) {
      byInode = new Map()
      this.#folders.set(folder, byInode)
      for (const { path, st } of filesIn(folder)) {
        const key = inodeKey(st.dev, st.ino)
        const others = byInode.get(key)
        if (others === undefined) byInode.set(key, [path])
        else others.push(path)
      }
    }
    return byInode.get(inodeKey(dev, ino)) ?? []
  }
}

/** The file at the row's inode, under its last name or, renamed since, another one in its folders; undefined when its bytes are not there. */
export function findRow(row: Row, listings = new Listings()): Found | undefined {
  if (row.ino === 0) return undefined
  const last = row.at ?? row.path
  for (const path of candidates(row, last, listings)) {
    const found = openFound(path)
    if (found === undefined) continue
    const same = found.st.ino === row.ino && found.st.dev === row.dev
    if (same && (row.packing !== undefined || headFits(found.fd, { n: row.head[0], sum: row.head[1] }))) return found
    found.close()
  }
  return undefined
}

/** The name under which the row's bytes lie at this moment; undefined when they are not there. */
export function nameNow(row: Row, listings: Listings): string | undefined {
  const found = findRow(row, listings)
  found?.close()
  return found?.path
}

/** Folders are listed only when the last name does not hold any more. */
function* candidates(row: Row, last: string, listings: Listings): Iterable<string> {
  yield last
  for (const folder of new Set([dirname(last), row.home ?? dirname(last)]))
    yield* listings.pathsOf(folder, row.dev, row.ino)
}

/** The regular files of a folder; none when it can't be listed. */
export function filesIn(folder: string): { path: string; st: Stats }[] {
  try {
    return readdirSync(folder).flatMap(name => {
      const path = join(folder, name)
      const st = statOf(path)
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
