// The records an output has taken over: what waits, what is under way, and what of each batch is still open.
import type { Parcel, Records } from '../../core/component.ts'
import { makeParcel, startOf } from '../../core/parcel.ts'

/** One `Records` until every record of it is delivered or its dead letter is written. */
export interface Held {
  readonly records: Records
  readonly sequence: number
  /** When it was taken over, monotonic milliseconds. */
  readonly since: number
  /** Records not yet done. */
  left: number
}

/** Neighbouring records of one batch. */
export interface Run {
  readonly held: Held
  readonly from: number
  readonly to: number
}

export const bytesOf = (run: Run): number => startOf(run.held.records, run.to) - startOf(run.held.records, run.from)
const inOrder = (a: Run, b: Run): number => a.held.sequence - b.held.sequence || a.from - b.from

/** More than this is only memory: what is under way, and as much again to be gathered. */
export interface QueueBounds {
  readonly bytes: number
  readonly events: number
}

/**
 * Records leave in the order of their coming, those that were sent before first; they are held until all of their batch
 * are done, which is when it may be settled.
 */
export class Queue {
  readonly #bounds: QueueBounds
  /** Taken over and not done, in the order of their coming. */
  readonly #held = new Set<Held>()
  #fresh: Run[] = []
  #head = 0
  /** Sent before, and not taken: goes first. */
  #again: Run[] = []
  #sequence = 0
  /** Bytes of the records that are not done, whole batches counted, since that is what stays in memory. */
  heldBytes = 0
  /** Records not done. */
  unacknowledged = 0
  /** Fresh records that wait. */
  freshCount = 0
  freshBytes = 0
  /** Since when it has not been empty, monotonic milliseconds. */
  busySince = 0

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds
  }

  add(records: Records, now: number): void {
    if (this.empty) this.busySince = now
    const held: Held = { records, sequence: this.#sequence++, since: now, left: records.count }
    const run: Run = { held, from: 0, to: records.count }
    this.#held.add(held)
    this.#fresh.push(run)
    this.heldBytes += records.bytes.length
    this.unacknowledged += records.count
    this.freshCount += records.count
    this.freshBytes += bytesOf(run)
  }

  get empty(): boolean {
    return this.#held.size === 0
  }

  /** It has as much as it should. */
  get full(): boolean {
    return this.heldBytes >= this.#bounds.bytes || this.unacknowledged >= this.#bounds.events
  }

  /** Something waits that was sent before. */
  get hasAgain(): boolean {
    return this.#again.length > 0
  }

  /** When the oldest fresh record that waits came; undefined when none does. */
  get freshSince(): number | undefined {
    return this.#fresh[this.#head]?.held.since
  }

  /** How long the oldest record that is not done has been here, milliseconds; 0 without any. */
  oldestAgeMs(now: number): number {
    return this.oldestSince === undefined ? 0 : now - this.oldestSince
  }

  get oldestSince(): number | undefined {
    return this.#held.values().next().value?.since
  }

  /** Up to so many records and bytes, at least one, oldest first. */
  take(maxCount: number, maxBytes: number): Run[] {
    const taken: Run[] = []
    let count = maxCount
    let bytes = maxBytes
    while (count > 0 && bytes > 0) {
      const run = this.#again[0] ?? this.#fresh[this.#head]
      if (run === undefined) break
      const to = fit(run, count, bytes, taken.length === 0)
      if (to === run.from) break
      const part = to === run.to ? run : { ...run, to }
      this.#replaceFirst(to === run.to ? undefined : { ...run, from: to }, part)
      taken.push(part)
      count -= part.to - part.from
      bytes -= bytesOf(part)
    }
    return taken
  }

  /** Takes out the oldest that waits and was never sent; undefined when nothing does. */
  dropOldest(): Run | undefined {
    const run = this.#fresh[this.#head]
    if (run !== undefined) this.#replaceFresh(undefined, run)
    return run
  }

  /** Back to the front, in the old order; what was withdrawn meanwhile is gone. */
  giveBack(runs: readonly Run[]): void {
    const kept = runs.filter(run => this.#held.has(run.held))
    if (kept.length > 0) this.#again = [...this.#again, ...kept].sort(inOrder)
  }

  /** Forgets what came from an input: it will be read again. */
  withdraw(input: string): void {
    const others = ({ held }: Run): boolean => held.records.batch.source.input !== input
    const fresh = this.#fresh.slice(this.#head)
    for (const run of fresh) {
      if (others(run)) continue
      this.freshCount -= run.to - run.from
      this.freshBytes -= bytesOf(run)
    }
    this.#fresh = fresh.filter(others)
    this.#head = 0
    this.#again = this.#again.filter(others)
    for (const held of this.#held) {
      if (held.records.batch.source.input !== input) continue
      this.#held.delete(held)
      this.unacknowledged -= held.left
      this.heldBytes -= held.records.bytes.length
    }
  }

  /** So many records of it are done; true when that was the last of them. */
  done(held: Held, records: number): boolean {
    held.left -= records
    // Withdrawn while it was under way: acknowledged all the same when that was all of it.
    if (!this.#held.has(held)) return held.left === 0
    this.unacknowledged -= records
    if (held.left > 0) return false
    this.#held.delete(held)
    this.heldBytes -= held.records.bytes.length
    return true
  }

  #replaceFirst(rest: Run | undefined, taken: Run): void {
    if (this.#again.length > 0) {
      if (rest === undefined) this.#again.shift()
      else this.#again[0] = rest
    } else this.#replaceFresh(rest, taken)
  }

  #replaceFresh(rest: Run | undefined, taken: Run): void {
    this.freshCount -= taken.to - taken.from
    this.freshBytes -= bytesOf(taken)
    if (rest !== undefined) this.#fresh[this.#head] = rest
    else if (++this.#head >= 256 && this.#head * 2 >= this.#fresh.length) {
      this.#fresh = this.#fresh.slice(this.#head)
      this.#head = 0
    } else if (this.#head === this.#fresh.length) {
      this.#fresh = []
      this.#head = 0
    }
  }
}

/** Where to cut a run; its first record fits always when nothing else is in the parcel. */
function fit(run: Run, count: number, bytes: number, first: boolean): number {
  const { records } = run.held
  const limit = startOf(records, run.from) + bytes
  let low = run.from
  let high = Math.min(run.to, run.from + count)
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (records.ends[middle - 1]! <= limit) low = middle
    else high = middle - 1
  }
  return low === run.from && first ? run.from + 1 : low
}

export const parcelOf = (runs: readonly Run[]): Parcel =>
  makeParcel(runs.map(run => ({ records: run.held.records, from: run.from, to: run.to })))
