// Turns: each ready stream in its turn gives one chunk, cut into records, handed out as batches.
import { fstatSync } from 'node:fs'
import { METRICS } from '../../core/component.ts'
import type { Batch, Context, Emit, Source } from '../../core/component.ts'
import { errnoOf } from '../../core/errors.ts'
import { Splitter } from '../lines.ts'
import type { AtEnd, Split } from '../lines.ts'
import { DAY } from './file-tail.ts'
import type { FileTail } from './file-tail.ts'
import type { Descriptors } from './descriptors.ts'
import { HEAD_BYTES, headOf } from './identity.ts'
import type { Registry } from './registry.ts'
import type { Settings } from './settings.ts'
import type { Troubles } from './troubles.ts'

const LF = 10
/** A compressed copy that can't be read so often is given up. */
const MAX_FAILURES = 5
/** Records a batch, so that a chunk of very short lines doesn't hold up the loop in the pipeline. */
const MAX_RECORDS = 4096
/**
 * Before bytes are handed out it is durable that they may have been, so that their time of arrival is kept when they
 * are read again after a crash. That is noted so many bytes ahead, not for every batch.
 */
const LEASE = 4 * 1024 * 1024

export interface Counters {
  lines(n: number): void
  bytes(n: number): void
  cut(n: number): void
}

/** Told when a batch was settled. */
export type Settled = (tail: FileTail, output: string, start: number, end: number) => void

/** Whose turn it is, and what becomes of streams that can't be read now. */
export interface Desk {
  readonly ready: Set<FileTail>
  /** Tried again at the next look. */
  readonly stuck: Set<FileTail>
  /** To be looked for. */
  readonly wanted: Set<FileTail>
  readonly descriptors: Descriptors
  /** It was read to its end and nothing can follow. */
  finish(tail: FileTail): void
}

/** Told when the bytes before the position are not those that were read. */
export interface Judge {
  recheck(tail: FileTail): void
}

/** Who is behind in a stream; see lags.ts. */
export interface Behind {
  behind(tail: FileTail, offset: number): readonly string[]
  awaited(tail: FileTail, offset: number): boolean
  decline(tail: FileTail, output: string, offset: number): void
}

export class Feed {
  #table: Desk
  #changes: Judge
  #registry: Pick<Registry, 'changed' | 'commit'>
  #context: Context
  #troubles: Troubles
  #counters: Counters
  #settled: Settled
  #lags: Behind | undefined
  #splitter: Splitter
  #buffer: Buffer
  /** Bytes read at a time. */
  readonly #chunk: number
  /** Streams that hold a record open, waiting for lines to join. */
  readonly open = new Set<FileTail>()

  constructor(
    table: Desk,
    changes: Judge,
    registry: Pick<Registry, 'changed' | 'commit'>,
    context: Context,
    settings: Settings,
    troubles: Troubles,
    counters: Counters,
    settled: Settled,
    lags?: Behind
  ) {
    this.#table = table
    this.#changes = changes
    this.#registry = registry
    this.#context = context
    this.#troubles = troubles
    this.#counters = counters
    this.#settled = settled
    this.#lags = lags
    this.#splitter = new Splitter(settings.maxLineBytes, settings.multiline)
    // One buffer serves all files: memory doesn't depend on how many there are, or how long their lines.
    this.#chunk = settings.chunkBytes
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(settings.chunkBytes, this.#splitter.room) + 64)
  }

  /** Reads and emits one chunk of the stream; it stays ready when there is more. */
  async turn(tail: FileTail, emit: Emit, signal: AbortSignal): Promise<void> {
    this.#table.ready.delete(tail)
    const read = await this.#read(tail)
    if (read === undefined) return
    const { from, start, used, full } = read
    const atEnd = this.#atEnd(tail, full)
    const at = this.#leaveOut(tail, from, start, used)
    if (at === used) {
      tail.scanned = Math.max(tail.scanned, from + used)
      return this.#after(tail, full, atEnd)
    }
    const limit = this.#forcedEnd(tail, from, used)
    const split = this.#splitter.split(this.#buffer, at, limit ?? used, limit === undefined ? atEnd : 'last')
    this.#mark(tail, from, split, atEnd, limit)
    if (split.next > at) tail.advance(from + split.next, this.#buffer.subarray(0, split.next))
    tail.scanned = from + (split.skip || limit !== undefined ? split.next : used)
    this.#held(tail, split)
    if (split.count > 0) await this.#hand(tail, from, at, split, emit, signal)
    this.#after(tail, full || split.skip || limit !== undefined, atEnd)
  }

  /** Bytes from a little before the position on, known to follow what was read before. */
  async #read(tail: FileTail) {
    try {
      if (!this.#table.descriptors.open(tail)) {
        // Its path leads elsewhere by now: the next look sees where, or it is looked for.
        if (tail.place === 'live') this.#table.stuck.add(tail)
        else this.#table.wanted.add(tail)
        return undefined
      }
      const carrier = tail.carrier!
      if (carrier.fd !== undefined && !this.#fits(tail, carrier.fd)) return undefined
      if (tail.place === 'copy' && carrier.fd !== undefined && tail.size <= tail.read) {
        this.#table.finish(tail)
        return undefined
      }
      const before = tail.context ?? Buffer.alloc(0)
      const from = tail.read - before.length
      // The whole buffer is for a record that doesn't end within a chunk: larger batches would only cost memory.
      const room = tail.scanned - tail.read >= this.#chunk / 2 ? this.#buffer.length : this.#chunk
      const bounded = carrier.fd !== undefined || tail.again !== undefined
      const length = bounded ? Math.min(room, Math.max(0, tail.size - from)) : room
      tail.reading = true
      const used = await carrier.read(this.#buffer, length, from)
      tail.reading = false
      if (!this.#follows(tail, before, from, used)) {
        // A compressed copy may end before what was read of the file itself.
        if (carrier.fd === undefined) this.#table.finish(tail)
        else this.#changes.recheck(tail)
        return undefined
      }
      if (carrier.fd === undefined && tail.head.n === 0 && from === 0) {
        tail.head = headOf(this.#buffer.subarray(0, Math.min(used, HEAD_BYTES)))
      }
      this.#troubles.end(tail.at)
      // Packed data says where it ends; a file ends where it was last seen to.
      const full = bounded ? from + used < tail.size : used === length
      return { from, start: before.length, used, full }
    } catch (error) {
      tail.reading = false
      this.#table.descriptors.close(tail)
      this.#troubles.begin(tail.at, error)
      // For want of a descriptor nothing was tried that could have failed.
      const tried = !['EMFILE', 'ENFILE'].includes(errnoOf(error))
      if (tail.place === 'copy' && tried && ++tail.searches > MAX_FAILURES) this.#table.finish(tail)
      else this.#table.stuck.add(tail)
      return undefined
    } finally {
      tail.reading = false
    }
  }

  /** What was read last stands before the new bytes; near its start the file's fingerprint decides as well. */
  #follows(tail: FileTail, before: Buffer, from: number, used: number): boolean {
    if (used < before.length || !this.#buffer.subarray(0, before.length).equals(before)) return false
    const { n, sum } = tail.head
    // A second reading ends where the first is, perhaps within the fingerprint: it was compared when it was opened.
    if (used < n && tail.again !== undefined) return true
    return from > 0 || n === 0 || (used >= n && headOf(this.#buffer.subarray(0, n)).sum === sum)
  }

  /** A file of an earlier run is compared before anything of it is believed. */
  #fits(tail: FileTail, fd: number): boolean {
    if (tail.place === 'copy') tail.size = fstatSync(fd).size
    if (tail.context !== undefined) return true
    const st = fstatSync(fd)
    if (tail.check(fd, st.size)) return true
    this.#changes.recheck(tail)
    return false
  }

  #atEnd(tail: FileTail, full: boolean): AtEnd {
    if (full) return 'more'
    // The first reading has ended a record there.
    if (tail.again !== undefined) return 'last'
    if (tail.ending || tail.place === 'copy' || this.#context.once) return 'last'
    return tail.flush ? 'pause' : 'more'
  }

  /** Index in the buffer where records begin: behind the rest of a cut line, or behind the hole of a truncation. */
  #leaveOut(tail: FileTail, from: number, start: number, used: number): number {
    let at = start
    if (tail.skips.includes(tail.read)) {
      const end = this.#buffer.subarray(0, used).indexOf(LF, at)
      at = end < 0 ? used : end + 1
      if (end < 0) tail.skips.push(from + used)
    } else if (tail.generation > 0 && this.#buffer[at] === 0 && this.#onlyZeros(0, start)) {
      // A writer without O_APPEND goes on where it was: the kernel fills the cut part with zeros.
      while (at < used && this.#buffer[at] === 0) at++
    }
    if (at === start) return at
    const end = from + at
    tail.tracker.leaveOut(tail.read, end)
    tail.ledger.leaveOut(tail.read, end)
    tail.advance(end, this.#buffer.subarray(0, at))
    this.#registry.changed(tail)
    return at
  }

  #onlyZeros(start: number, end: number): boolean {
    for (let i = start; i < end; i++) if (this.#buffer[i] !== 0) return false
    return true
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
    tail.openSince = split.open ? this.#context.clock.elapsed() : 0
    if (split.open) this.open.add(tail)
    else this.open.delete(tail)
  }

  async #hand(tail: FileTail, from: number, at: number, split: Split, emit: Emit, signal: AbortSignal): Promise<void> {
    const { bounds, count } = split
    const now = this.#context.clock.now()
    const end = from + split.next
    tail.ledger.due(end)
    let first = 0
    let start = at
    while (first < count && !signal.aborted) {
      const { ms, until } = tail.arrivalAt(from + bounds[first * 2]!, now)
      let past = Math.min(count, first + MAX_RECORDS)
      while (past > first + 1 && from + bounds[past * 2 - 2]! >= until) past--
      const stop = past === count ? split.next : bounds[past * 2]!
      this.#secure(tail, from + start, Math.max(from + stop, end), ms)
      const batch = this.#batch(tail, from, start, stop, split, first, past, ms)
      this.#counters.lines(batch.count)
      this.#counters.bytes(stop - start)
      tail.ledger.hand(batch)
      await emit(batch)
      first = past
      start = stop
    }
  }

  #batch(
    tail: FileTail,
    from: number,
    start: number,
    stop: number,
    split: Split,
    first: number,
    past: number,
    arrival: number
  ): Batch {
    const bounds = split.bounds.slice(first * 2, past * 2)
    if (start > 0) for (let i = 0; i < bounds.length; i++) bounds[i] = bounds[i]! - start
    let cut: Uint8Array | undefined
    if (split.hasCut) {
      const flags = split.cut.slice(first, past)
      const n = flags.reduce((sum, flag) => sum + flag, 0)
      if (n > 0) {
        cut = flags
        this.#counters.cut(n)
      }
    }
    const bytes = this.#buffer.subarray(start, stop)
    return new FileBatch(tail, this.#settled, this.#lags, bytes, bounds, cut, from + start, from + stop, arrival)
  }

  /**
   * Durable before the first byte leaves: the stream's identity, the day of its arrival, and how far bytes may have been
   * handed out. One commit serves every stream whose turn is near.
   */
  #secure(tail: FileTail, start: number, end: number, ms: number): void {
    if (tail.again !== undefined) return
    let urgent = tail.fresh
    tail.lastArrival = Math.max(tail.lastArrival, ms)
    if (start >= tail.resume) {
      const last = tail.arrivals.at(-1)
      if (last === undefined || Math.floor(last[1] / DAY) !== Math.floor(ms / DAY)) {
        tail.arrivals.push([start, ms])
        tail.lastArrival = ms
        urgent = true
      }
    }
    if (end > tail.high) {
      this.#lease(tail, end)
      for (const other of this.#table.ready) if (other.size > other.high) this.#lease(other, other.size)
      urgent = true
    }
    if (!urgent) return
    this.#registry.changed(tail)
    this.#registry.commit()
    // A disk that refuses is told by the state; waiting for it would stop the logs when they are needed most.
    tail.fresh = false
  }

  #lease(tail: FileTail, end: number): void {
    tail.high = end + LEASE
    this.#registry.changed(tail)
  }

  #after(tail: FileTail, more: boolean, atEnd: AtEnd): void {
    if (more) {
      this.#table.ready.add(tail)
      return
    }
    if (atEnd === 'last' && (tail.ending || tail.place === 'copy')) this.#table.finish(tail)
    else if (tail.unread && tail.place !== 'missing' && tail.place !== 'lost') this.#table.ready.add(tail)
  }
}

/** A slice of a file. Settling works for as long as somebody holds it, also after the input has stopped. */
class FileBatch implements Batch {
  readonly source: Source
  readonly bytes: Buffer
  readonly bounds: Uint32Array
  readonly cut: Uint8Array | undefined
  readonly offset: number
  readonly arrival: number
  readonly only: string | undefined
  readonly behind: readonly string[] | undefined
  #tail: FileTail
  #settled: Settled
  #lags: Behind | undefined
  #end: number

  constructor(
    tail: FileTail,
    settled: Settled,
    lags: Behind | undefined,
    bytes: Buffer,
    bounds: Uint32Array,
    cut: Uint8Array | undefined,
    start: number,
    end: number,
    arrival: number
  ) {
    this.source = tail.source
    this.bytes = bytes
    this.bounds = bounds
    this.cut = cut
    this.offset = start
    this.arrival = arrival
    this.only = tail.again
    this.behind = lags?.behind(tail, start)
    // A second reading takes part in the life of the first.
    this.#tail = tail.of ?? tail
    this.#settled = settled
    this.#lags = lags
    this.#end = end
  }

  get count(): number {
    return this.bounds.length / 2
  }

  get awaited(): boolean {
    return this.#lags?.awaited(this.#tail, this.offset) === true
  }

  settle(output: string): void {
    this.#settled(this.#tail, output, this.offset, this.#end)
  }

  counted(lines: number): void {
    const until = lines < this.count ? this.offset + this.bounds[lines * 2]! : this.#end
    this.#settled(this.#tail, METRICS, this.offset, until)
  }

  decline(output: string): void {
    this.#lags?.decline(this.#tail, output, this.offset)
  }
}
