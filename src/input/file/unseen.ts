// Files that rotation took away before they were ever seen: those of a path's family that are new, and no copy of what was.
import type { Stats } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Context } from '../../core/component.ts'
import { Candidate, isSealed } from './candidate.ts'
import { isAnother } from './copies.ts'
import type { FileTail } from './file-tail.ts'
import { HEAD_BYTES, statOf } from './identity.ts'
import type { Listing, Listings } from './listing.ts'
import { basesOf, homeOf, isPacked, isRotated } from './names.ts'
import type { Table } from './table.ts'

/** The kernel's coarse clock stamps a write before it happened: by a few ms, by tens on a virtual machine that is held up. */
const TICK_MS = 100
/** What is still being written, compressed or copied will have bytes, and all of them, after this time. */
const UNFINISHED_MS = 60_000
/** Compressing keeps the mtime, on some file systems to two seconds. */
const MTIME_SLACK = 2000
/** So many that can't be read inside are remembered, each told once. */
const MAX_TOLD = 1000

/** Short files that are taken for copies although they may be files of their own, which begin alike. */
export class PresumedCopies {
  #context: Context
  #counter
  /** Which file was taken for the copy of a short stream. */
  #of = new WeakMap<FileTail, { readonly at: string; readonly ino: number }>()

  constructor(context: Context) {
    this.#context = context
    this.#counter = context.instruments.counter(
      'yarder_input_presumed_copies_total',
      'Short files that were not read because they hold the same bytes as one that was read, and may be its copy.',
      ['input']
    )
  }

  tell(tail: FileTail, copy: string, st: Stats): void {
    this.#counter.add(1, this.#context.name)
    this.#context.log.warn(
      { path: tail.path, copy, bytes: st.size },
      'A short file is taken for a copy of one that was read, since it holds the same bytes.'
    )
  }

  /** One copy is what copytruncate makes; a second one beside it is perhaps none. */
  note(tail: FileTail, copy: string, st: Stats): void {
    const other = this.#of.get(tail)
    if (other === undefined) this.#of.set(tail, { at: copy, ino: st.ino })
    else if (other.ino !== st.ino && statOf(other.at)?.ino === other.ino) {
      this.tell(tail, copy, st)
    }
  }
}

export class Unseen {
  #table: Table
  #context: Context
  #presumed: PresumedCopies
  #told = new Set<string>()

  constructor(table: Table, context: Context, presumed: PresumedCopies) {
    this.#table = table
    this.#context = context
    this.#presumed = presumed
  }

  /** Reads what came and went under this path since that time of the wall clock. */
  async look(path: string, since: number, listings: Listings): Promise<void> {
    for (const folder of new Set([dirname(path), homeOf(path)])) {
      const listing = await listings.of(folder)
      if (listing === undefined) continue
      const names = [...listing.files].filter(([name]) => isRotated(name, basename(path)))
      names.sort(([, a], [, b]) => a.mtimeMs - b.mtimeMs)
      for (const [name, st] of names) {
        // Whole seconds only: a file system without finer times.
        const slack = st.mtimeMs % 1000 === 0 ? 1000 + TICK_MS : TICK_MS
        if (st.mtimeMs < since - slack || this.#doubled(name, listing)) continue
        if (!(await this.#adopt(path, join(folder, name), st))) this.#table.turnover(path, since)
      }
    }
  }

  /** While the original is there, the compressed one is but a copy, and perhaps not complete. */
  #doubled(name: string, { folder, files }: Listing): boolean {
    const original = basesOf(name)[0]!
    return isPacked(name) && (files.has(original) || this.#table.entries.has(join(folder, original)))
  }

  /** False when it is not yet what it will be, and is to be looked at again. */
  async #adopt(path: string, at: string, st: Stats): Promise<boolean> {
    const known = (): boolean => this.#table.holderOf(st) !== undefined || this.#table.claimedBy(st) !== undefined
    if (known()) return true
    // A copy in the making, or a file that its writer goes on with; for one run at its end it holds nothing.
    if (st.size === 0 && (this.#context.once || this.#isYoung(st))) return this.#context.once
    const candidate = Candidate.open(at, st)
    if (candidate === undefined) return this.#tellSealed(path, at, st)
    try {
      // What the patterns match is found by itself, unless it is compressed.
      if (candidate.packing === undefined && this.#table.entries.has(at)) return true
      if (await this.#isCopy(at, candidate)) return true
      if (known()) return true
      this.#table.beginUnseen(path, at, candidate.packing)
      this.#context.log.info({ path, rotated: at }, 'A file that was rotated away unseen is read.')
      return true
    } catch (error) {
      // Not complete yet, or renamed meanwhile; what stays like that is damaged.
      if (this.#context.clock.now() - st.mtimeMs < UNFINISHED_MS) return false
      this.#context.log.warn({ path, rotated: at, err: error }, 'A rotated file cannot be read.')
      return true
    } finally {
      candidate.close()
    }
  }

  #isYoung(st: Stats): boolean {
    return Math.abs(this.#context.clock.now() - st.mtimeMs) < UNFINISHED_MS
  }

  async #isCopy(at: string, candidate: Candidate): Promise<boolean> {
    const { st, packing } = candidate
    for (const tail of this.#table.family(at)) {
      // Files may begin alike; one that holds more than the stream ever had is no copy of it.
      const more = tail.head.n < HEAD_BYTES && candidate.size > Math.max(tail.size, tail.expected)
      const same = candidate.begins(tail) || (!more && (await candidate.holds(tail)))
      if (!same || isAnother(tail, st, packing !== undefined, this.#table.births)) continue
      if (tail.head.n < HEAD_BYTES) this.#presumed.note(tail, at, st)
      return true
    }
    return false
  }

  /** What can't be read inside is told, unless it is what a file that was read became. */
  #tellSealed(path: string, at: string, st: Stats): true {
    const key = `${st.dev}:${st.ino}:${st.mtimeMs}`
    if (this.#told.has(key) || !isSealed(at, st)) return true
    for (const tail of this.#table.family(at)) if (Math.abs(tail.mtime - st.mtimeMs) <= MTIME_SLACK) return true
    if (this.#told.size >= MAX_TOLD) this.#told.clear()
    this.#told.add(key)
    this.#context.log.warn(
      { path, rotated: at, bytes: st.size },
      'A file that was rotated away unseen is compressed in a way that cannot be read inside; it is left out.'
    )
    return true
  }
}
