// Whether an unknown file under a rotated name is a copy of one that was read (copytruncate), or may yet become one.
import { fstatSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Changes } from './changes.ts'
import type { FileTail } from './file-tail.ts'
import { CONTEXT_BYTES, HEAD_BYTES, bytesAt, headOf, sameHead, statOf } from './identity.ts'
import type { Births } from './identity.ts'
import { basesOf } from './names.ts'
import type { Entry, Table } from './table.ts'

/** A file that may be a copy in the making is left alone until it has been the same for so long. */
const PENDING_MS = 2000

export type Verdict = 'copy' | 'wait' | 'new'

export class CopyJudge {
  #table: Table
  #changes: Changes

  constructor(table: Table, changes: Changes) {
    this.#table = table
    this.#changes = changes
  }

  /** `fd` is undefined for an empty file. After a 'wait' the entry is pending and asked for again at the next look. */
  judge(entry: Entry, st: Stats, fd: number | undefined): Verdict {
    let undecided = false
    let searched = false
    for (const base of basesOf(basename(entry.path))) {
      for (const tail of this.#table.at(join(dirname(entry.path), base))) {
        const verdict = this.#compare(entry, tail, st, fd)
        if (verdict === 'copy') return 'copy'
        if (verdict === 'searched') searched = true
        if (verdict === 'wait') undecided = true
      }
    }
    if (!undecided && !searched) return 'new'
    if (entry.kind !== 'pending' || entry.pendingSize !== st.size) {
      entry.kind = 'pending'
      entry.pendingSize = st.size
      entry.pendingSince = this.#table.elapsed
    }
    entry.changedAt = this.#table.elapsed
    return searched || this.#waited(entry, st) < PENDING_MS ? 'wait' : 'new'
  }

  #waited(entry: Entry, st: Stats): number {
    const same = entry.kind === 'pending' && entry.pendingSize === st.size
    return same ? this.#table.elapsed - entry.pendingSince : 0
  }

  /**
   * A copy while its original is whole holds nothing else, and may still grow; once the original was cut, the search for
   * its rest decides. Afterwards only a full fingerprint counts: short ones are alike in files that begin alike.
   */
  #compare(entry: Entry, tail: FileTail, st: Stats, fd: number | undefined): Verdict | 'searched' {
    if (tail.head.n === 0) return 'new'
    if (tail.place === 'lost' && this.#table.wanted.has(tail)) return 'searched'
    const whole = tail.place === 'live' || tail.place === 'rotated' || tail.place === 'deleted'
    if (fd === undefined) return whole ? 'wait' : 'new'
    if (!whole) {
      const same = tail.head.n === HEAD_BYTES && tail.compare(fd, st.size) === 'same'
      const seen =
        sameHead(tail.copied, headOf(bytesAt(fd, 0, HEAD_BYTES))) && !isAnother(tail, st, false, this.#table.births)
      return same || seen ? 'copy' : 'new'
    }
    const original = this.#changes.check(tail, tail.size) === 'same' ? tail.carrier?.fd : undefined
    if (original === undefined) return this.#table.loose.has(tail) ? 'searched' : 'wait'
    if (st.size > fstatSync(original).size || !sameEnds(fd, original, st.size)) return 'new'
    if (isAnother(tail, st, false, this.#table.births)) return 'new'
    if (st.size < HEAD_BYTES) tail.copied = headOf(bytesAt(fd, 0, st.size))
    return this.#waited(entry, st) >= PENDING_MS ? 'copy' : 'wait'
  }
}

/**
 * True when a file that holds the same as a stream did is one of its own: it was over before the stream's began, or what
 * the stream held is known to lie under another rotated name. Only of files shorter than the fingerprint, which often are
 * all alike; of longer ones two that are the same are copies.
 */
export function isAnother(tail: FileTail, st: Stats, packed: boolean, births: Births): boolean {
  if (tail.head.n === HEAD_BYTES || tail.ino === 0 || tail.ino === st.ino) return false
  if (tail.place === 'live' && tail.mtime >= tail.born && births.precedes(st, tail.born, packed)) return true
  if (tail.at === tail.path) return false
  const there = statOf(tail.at)
  return there?.ino === tail.ino && there.dev === tail.dev
}

/** True when a file of `size` bytes is what another begins with, by its first and last bytes. */
export function sameEnds(fd: number, original: number, size: number): boolean {
  const head = Math.min(HEAD_BYTES, size)
  const last = Math.max(0, size - CONTEXT_BYTES)
  return (
    bytesAt(fd, 0, head).equals(bytesAt(original, 0, head)) &&
    bytesAt(fd, last, size - last).equals(bytesAt(original, last, size - last))
  )
}
