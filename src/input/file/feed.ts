// Turns: each ready stream in its turn gives one chunk, cut into records, handed out as batches.
import type { Context, Emit } from '../../core/component.ts'
import { portionOf } from '../../core/rate.ts'
import type { Portion } from '../../core/rate.ts'
import { Splitter, portionEnd } from '../lines.ts'
import type { AtEnd, Split } from '../lines.ts'
import { FileBatch } from './file-batch.ts'
import type { Behind, Settled } from './file-batch.ts'
import type { FileTail } from './file-tail.ts'
import { Leases } from './lease.ts'
import { Reader } from './reader.ts'
import type { Chunk, Desk, Judge } from './reader.ts'
import type { Registry } from './registry.ts'
import type { Settings } from './settings.ts'
import type { Troubles } from './troubles.ts'

const LF = 10
/** Records a batch, so that a chunk of very short lines doesn't hold up the loop in the pipeline. */
const MAX_RECORDS = 4096

export interface Counters {
  lines(n: number): void
  bytes(n: number): void
  cut(n: number): void
}

export interface FeedSetup {
  readonly desk: Desk
  readonly judge: Judge
  readonly registry: Pick<Registry, 'changed' | 'commit'>
  readonly context: Context
  readonly settings: Settings
  readonly troubles: Troubles
  readonly counters: Counters
  readonly settled: Settled
  /** Absent for second readings, in which nobody can be behind. */
  readonly lags?: Behind
}

export class Feed {
  #o: FeedSetup
  #splitter: Splitter
  #reader: Reader
  #leases: Leases
  #portion: Portion
  /** Streams that hold a record open, waiting for lines to join. */
  #open = new Set<FileTail>()

  constructor(setup: FeedSetup) {
    const { desk, judge, registry, settings, troubles, context } = setup
    this.#o = setup
    this.#splitter = new Splitter(settings.maxLineBytes, settings.multiline)
    this.#reader = new Reader(settings.chunkBytes, this.#splitter.room, desk, judge, troubles)
    this.#leases = new Leases(registry, () => desk.ready)
    const { records, bytes } = portionOf(context.rate)
    this.#portion = { records: Math.min(MAX_RECORDS, records), bytes }
  }

  /** Reads and emits one chunk of the stream; it stays ready when there is more. */
  async turn(tail: FileTail, emit: Emit, signal: AbortSignal): Promise<void> {
    this.#o.desk.ready.delete(tail)
    const chunk = await this.#reader.read(tail)
    if (chunk === undefined) return
    const { from, used, full } = chunk
    const atEnd = this.#atEnd(tail, full)
    const at = this.#leaveOut(tail, chunk)
    if (at === used) {
      tail.scanned = Math.max(tail.scanned, from + used)
      return this.#after(tail, full, atEnd)
    }
    const { buffer } = this.#reader
    const limit = this.#forcedEnd(tail, from, used)
    const split = this.#splitter.split(buffer, at, limit ?? used, limit === undefined ? atEnd : 'last')
    this.#mark(tail, from, split, atEnd, limit)
    if (split.next > at) tail.advance(from + split.next, buffer.subarray(0, split.next))
    tail.scanned = from + (split.skip || limit !== undefined ? split.next : used)
    this.#held(tail, split)
    if (split.count > 0 && !(await this.#hand(tail, from, at, split, emit, signal))) return
    this.#after(tail, full || split.skip || limit !== undefined, atEnd)
  }

  /** Milliseconds until an open record has waited long enough; Infinity when there is none. */
  untilFlush(): number {
    const { context, settings } = this.#o
    const timeout = settings.multiline?.flushTimeout ?? Infinity
    const now = context.clock.elapsed()
    let next = Infinity
    for (const tail of this.#open) next = Math.min(next, tail.openSince + timeout - now)
    return next
  }

  /** Open records that have waited long enough are given at their stream's next turn. */
  flush(): void {
    const { context, settings, desk } = this.#o
    const timeout = settings.multiline?.flushTimeout ?? Infinity
    const now = context.clock.elapsed()
    for (const tail of this.#open) {
      if (now - tail.openSince < timeout) continue
      this.#open.delete(tail)
      // Given up meanwhile, or read on in a copy that had no more.
      if (tail.place === 'done' || tail.place === 'missing') continue
      tail.flush = true
      desk.ready.add(tail)
    }
  }

  #atEnd(tail: FileTail, full: boolean): AtEnd {
    if (full) return 'more'
    // The first reading has ended a record there.
    if (tail.again !== undefined) return 'last'
    if (tail.ending || tail.place === 'copy' || this.#o.context.once) return 'last'
    return tail.flush ? 'pause' : 'more'
  }

  /** Index in the buffer where records begin: behind the rest of a cut line, or behind the hole of a truncation. */
  #leaveOut(tail: FileTail, { from, start, used }: Chunk): number {
    const { buffer } = this.#reader
    let at = start
    if (tail.skips.includes(tail.read)) {
      const end = buffer.subarray(0, used).indexOf(LF, at)
      at = end < 0 ? used : end + 1
      if (end < 0) tail.skips.push(from + used)
    } else if (tail.generation > 0 && buffer[at] === 0 && onlyZeros(buffer, start)) {
      // A writer without O_APPEND goes on where it was: the kernel fills the cut part with zeros.
      while (at < used && buffer[at] === 0) at++
    }
    if (at === start) return at
    const end = from + at
    tail.tracker.leaveOut(tail.read, end)
    tail.ledger.leaveOut(tail.read, end)
    tail.advance(end, buffer.subarray(0, at))
    this.#o.registry.changed(tail)
    return at
  }

  /** A record was given an end here before a restart: it keeps it. */
  #forcedEnd(tail: FileTail, from: number, used: number): number | undefined {
    const end = tail.ends.find(e => e > tail.read)
    return end !== undefined && end <= from + used ? end - from : undefined
  }

  /** Notes what a reader of the same bytes couldn't know: an end by time, a line that was cut. */
  #mark(tail: FileTail, from: number, split: Split, atEnd: AtEnd, limit: number | undefined): void {
    if (tail.again !== undefined) return
    const end = from + split.next
    if (split.skip) tail.skips.push(end)
    else if (atEnd !== 'more' && limit === undefined && split.count > 0) {
      tail.ends.push(end)
      tail.fresh = true
    }
  }

  #held(tail: FileTail, split: Split): void {
    tail.flush = false
    tail.openSince = split.open ? this.#o.context.clock.elapsed() : 0
    if (split.open) this.#open.add(tail)
    else this.#open.delete(tail)
  }

  /** False when a stop kept something of it back: nothing is at its end then. */
  async #hand(
    tail: FileTail,
    from: number,
    at: number,
    split: Split,
    emit: Emit,
    signal: AbortSignal
  ): Promise<boolean> {
    const { bounds, count } = split
    const now = this.#o.context.clock.now()
    const end = from + split.next
    tail.ledger.due(end)
    let first = 0
    let start = at
    while (first < count) {
      if (signal.aborted) {
        // What was not handed out can't have been on its way.
        goBack(tail, from + start)
        return false
      }
      const { ms, until } = tail.arrivalAt(from + bounds[first * 2]!, now)
      let past = portionEnd(split, first, this.#portion)
      while (past > first + 1 && from + bounds[past * 2 - 2]! >= until) past--
      const stop = past === count ? split.next : bounds[past * 2]!
      this.#leases.secure(tail, from + start, Math.max(from + stop, end), ms)
      const batch = this.#batch(tail, from, start, stop, split, first, past, ms)
      this.#o.counters.lines(batch.count)
      this.#o.counters.bytes(stop - start)
      tail.ledger.hand(batch)
      try {
        await emit(batch)
      } catch (error) {
        // Refused by a stop, as while it waited for `rate_limit`: nobody has it.
        tail.ledger.takeBack(batch)
        goBack(tail, from + start)
        throw error
      }
      first = past
      start = stop
    }
    return true
  }

  /** The records from `first` to before `past`, which stand from `start` to `stop` in the buffer. */
  #batch(
    tail: FileTail,
    from: number,
    start: number,
    stop: number,
    split: Split,
    first: number,
    past: number,
    arrival: number
  ): FileBatch {
    const bounds = split.bounds.slice(first * 2, past * 2)
    if (start > 0) for (let i = 0; i < bounds.length; i++) bounds[i] = bounds[i]! - start
    const bytes = this.#reader.buffer.subarray(start, stop)
    const cut = this.#cutOf(split, first, past)
    const slice = { bytes, bounds, cut, start: from + start, end: from + stop, arrival }
    return new FileBatch(tail, slice, this.#o.settled, this.#o.lags)
  }

  #cutOf(split: Split, first: number, past: number): Uint8Array | undefined {
    if (!split.hasCut) return undefined
    const cut = split.cut.slice(first, past)
    const n = cut.reduce((sum, flag) => sum + flag, 0)
    if (n === 0) return undefined
    this.#o.counters.cut(n)
    return cut
  }

  #after(tail: FileTail, more: boolean, atEnd: AtEnd): void {
    if (more) {
      this.#o.desk.ready.add(tail)
      return
    }
    if (atEnd === 'last' && (tail.ending || tail.place === 'copy')) this.#o.desk.finish(tail)
    else if (tail.unread && tail.place !== 'missing' && tail.place !== 'lost') this.#o.desk.ready.add(tail)
  }
}

/** To `start`, or less far when every output has got more meanwhile by readings of their own (lags.ts). */
function goBack(tail: FileTail, start: number): void {
  tail.read = Math.max(start, tail.tracker.min())
}

function onlyZeros(bytes: Buffer, end: number): boolean {
  for (let i = 0; i < end; i++) if (bytes[i] !== 0) return false
  return true
}
