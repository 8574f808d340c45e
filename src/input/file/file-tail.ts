// One stream of bytes that is read: a file from its first byte to its truncation, wherever its bytes lie by now.
import { dirname } from 'node:path'
import type { Source } from '../../core/component.ts'
import type { Event } from '../../core/event.ts'
import type { Carrier, Packing } from './carrier.ts'
import {
  CONTEXT_BYTES,
  HEAD_BYTES,
  NO_HEAD,
  bytesAt,
  checkpointFits,
  checkpointOf,
  headFits,
  headOf
} from './identity.ts'
import type { Checkpoint, Head } from './identity.ts'
import { newFileId, sourceId } from './identity.ts'
import { Ledger } from './ledger.ts'
import type { Position } from './ledger.ts'
import { Tracker } from './tracker.ts'

/**
 * Where its bytes lie:
 * live: under a path of the patterns; rotated: its inode has another name; deleted: its inode has no name, only our
 * descriptor; copy: in a copy of what the inode held before it was cut, or in a compressed one; lost: not known, to be
 * looked for; missing: looked for in vain, or its folder is away; done: read to its end, nothing can follow.
 */
export type Place = 'live' | 'rotated' | 'deleted' | 'copy' | 'lost' | 'missing' | 'done'

/** Milliseconds of a UTC day: what a daily index is made of. */
export const DAY = 86_400_000

/** From `offset` on the bytes were first read at `ms`. */
export type Arrival = readonly [offset: number, ms: number]

/** Old checkpoints are thinned out beyond this many. */
const MAX_CHECKPOINTS = 64

/**
 * Marks of arrival, one a day, that are kept although all before them is settled: what is sent again by `yarder positions
 * set` gets its old time of arrival, and with it the same daily index.
 */
const MAX_ARRIVALS = 9

/** What is known of a stream when it is made: new, or from its row. */
export interface Known {
  readonly fileId?: string
  readonly generation?: number
  readonly path: string
  readonly input: string
  readonly constants: Readonly<Event>
  readonly positions: Iterable<readonly [output: string, offset: number]>
  /** Instead of positions of its own. */
  readonly tracker?: Tracker
}

/** State of one stream. The others decide; what it does itself concerns its own bytes and positions only. */
export class FileTail {
  readonly fileId: string
  readonly generation: number
  /** Source.id; also the key of its row. */
  readonly id: string
  /** The name it was found under, for `log.file.path`. */
  readonly path: string
  readonly source: Source
  readonly tracker: Tracker
  readonly ledger: Ledger
  place: Place = 'live'
  /** The name under which its bytes lie now. */
  at: string
  /** The folder in which its bytes lie, symbolic links followed. */
  home: string
  dev = 0
  ino = 0
  born = 0
  head: Head = NO_HEAD
  /** Ascending; the last is at `read` once something was read. */
  checkpoints: Checkpoint[] = []
  /** As last seen: bytes, mtime, and the wall clock when it was last looked at under its name. */
  size = 0
  mtime = 0
  seen = 0
  /** Everything before it was handed out or left out. Always where a record starts. */
  read: number
  /** Everything before it was looked at; beyond `read` lies an unterminated line or an open record. */
  scanned: number
  /** The bytes before `read`; undefined when not read since the start. */
  context: Buffer | undefined
  /** Ends that a record was given although its file might have gone on there; a record never reaches over one. */
  ends: number[] = []
  /** Places where a cut line goes on: reading that starts there skips to the next newline. */
  skips: number[] = []
  arrivals: Arrival[] = []
  /** When bytes were last handed out, wall clock. */
  lastArrival = 0
  /** Nothing beyond it was ever handed out, by what is durable; bytes before `resume` may have been before a restart. */
  high = 0
  resume = 0
  packing: Packing | undefined
  /** It changed, and for want of a descriptor it can't be seen whether it was cut. */
  unsure = false
  /** The whole of a short file that was seen to be a copy of what this one begins with; it may be compressed since. */
  copied: Head = NO_HEAD
  /** It was made as a copy of a file that was read, and so counts as read. */
  isCopy = false
  carrier: Carrier | undefined
  /** Paths of the patterns that lead to it. */
  readonly names = new Set<string>()
  /** A read is under way: hands off the carrier. */
  reading = false
  /** Nothing of it is durable yet. */
  fresh = true
  /** Clock.elapsed() until which an unchanged mtime proves nothing, and of the last change. */
  racyUntil = 0
  changedAt = 0
  /** Clock.elapsed() since when a record is held open; 0 when none is. */
  openSince = 0
  /** Clock.elapsed() since when it is out of sight. */
  vanishedAt = 0
  /** How often its bytes were looked for in vain. */
  searches = 0
  /** Only our descriptor leads to it, as far as could be seen. */
  hidden = false
  /** Clock.elapsed() before which it is not looked for again. */
  notBefore = 0
  /** Its unread rest was counted as lost. */
  counted = false
  /** Why its bytes went out of sight. */
  loss: 'deleted' | 'truncated' = 'deleted'
  /** How many bytes it is known to have had when they went. */
  expected = 0
  /** An open record has waited long enough. */
  flush = false
  /** No more bytes will come: the unterminated line is given as well. */
  ending = false
  /** Set on a second reading for one output (lags.ts): the output, and the first reading, whose positions it shares. */
  again: string | undefined
  of: FileTail | undefined
  /** Outputs that were behind, and up to where each got it from a second reading. */
  readonly caughtUpTo = new Map<string, number>()
  /** Wall clock when an output last had everything that was there. */
  currentAt = 0

  constructor(known: Known) {
    this.fileId = known.fileId ?? newFileId()
    this.generation = known.generation ?? 0
    this.id = sourceId(this.fileId, this.generation)
    this.path = known.path
    this.at = known.path
    this.home = dirname(known.path)
    this.source = {
      input: known.input,
      id: this.id,
      path: known.path,
      constants: { ...known.constants, input: { type: 'log' }, log: { file: { path: known.path } } }
    }
    this.tracker = known.tracker ?? new Tracker(known.positions)
    const start = this.tracker.next()
    this.read = start
    this.scanned = start
    this.ledger = new Ledger(start, this.tracker.min())
  }

  /** A second reading of it from `offset` on, for one output. */
  static again(of: FileTail, output: string, offset: number): FileTail {
    const { fileId, generation, path, source, tracker } = of
    const { input, constants } = source
    const tail = new FileTail({ fileId, generation, path, input, constants, positions: [], tracker })
    tail.of = of
    tail.again = output
    tail.read = offset
    tail.scanned = offset
    tail.checkpoints = of.checkpoints.filter(c => c.at <= offset)
    tail.follow()
    return tail
  }

  /** Takes over what the first reading knows by now; nothing beyond its position is read a second time. */
  follow(): void {
    const of = this.of!
    this.size = of.read
    this.at = of.at
    this.home = of.home
    this.dev = of.dev
    this.ino = of.ino
    this.born = of.born
    this.packing = of.packing
    this.place = of.place === 'deleted' ? 'deleted' : 'live'
    this.head = of.head
    this.ends = of.ends
    this.skips = of.skips
    this.arrivals = of.arrivals
    this.lastArrival = of.lastArrival
    this.resume = of.read
  }

  /** What its ledger is held against. */
  position(): Position {
    const { size, expected, read, place } = this
    return { size, expected, read, acked: this.tracker.min(), over: place === 'done' || place === 'missing' }
  }

  /** Bytes that are there and not yet looked at. */
  get unread(): boolean {
    return this.size > this.scanned || (this.place === 'copy' && this.packing !== undefined && !this.ending)
  }

  get settled(): boolean {
    return this.tracker.min() >= this.read
  }

  /** At a start: bytes were handed out before it, perhaps, that not every output has taken over. */
  get owed(): boolean {
    return this.tracker.min() < this.resume
  }

  /** Takes over the descriptor's bytes as what they are known by; afterwards `check` compares with it. */
  learn(fd: number): void {
    this.head = headOf(bytesAt(fd, 0, Math.min(HEAD_BYTES, this.size)))
    this.loadContext(fd)
  }

  /**
   * True when the file still holds what was read: its first bytes, and those before the position. An append leaves
   * both as they are. On the way the fingerprint grows with the file.
   */
  check(fd: number, size: number): boolean {
    if (size < this.head.n || size < this.read || !headFits(fd, this.head)) return false
    if (this.context === undefined) {
      const last = this.checkpoints.at(-1)
      if (last !== undefined && last.at <= this.read && !checkpointFits(fd, last)) return false
      this.loadContext(fd)
    } else if (!bytesAt(fd, this.read - this.context.length, this.context.length).equals(this.context)) return false
    if (this.head.n < HEAD_BYTES && size > this.head.n) {
      this.head = headOf(bytesAt(fd, 0, Math.min(HEAD_BYTES, size)))
    }
    return true
  }

  /**
   * What a file says that may be a copy of this stream: 'same' when it holds the first bytes and those before a
   * position that was read, 'short' when it ends before either can be seen.
   */
  compare(fd: number, size: number): 'same' | 'other' | 'short' {
    if (this.head.n === 0) return this.read === 0 ? 'other' : 'short'
    const last = this.checkpoints.findLast(c => c.at <= size && c.n > 0)
    if (size >= this.head.n) {
      if (!headFits(fd, this.head)) return 'other'
      if (last === undefined) return this.checkpoints.length === 0 || this.head.n === HEAD_BYTES ? 'same' : 'short'
    }
    if (last === undefined) return 'short'
    return checkpointFits(fd, last) ? 'same' : 'other'
  }

  loadContext(fd: number): void {
    const n = Math.min(CONTEXT_BYTES, this.read)
    const bytes = bytesAt(fd, this.read - n, n)
    if (bytes.length < n) {
      this.context = undefined
      return
    }
    this.#keepContext(bytes)
    if (this.checkpoints.length === 0 && n > 0) this.checkpoints.push(checkpointOf(bytes, this.read))
  }

  /** In memory of its own: a slice of Node's pool would keep a whole block of it for each of thousands of streams. */
  #keepContext(bytes: Buffer): void {
    if (this.context?.length !== bytes.length) this.context = Buffer.allocUnsafeSlow(bytes.length)
    bytes.copy(this.context)
  }

  /** Bytes up to `end` were handed out; `before` are those before it. */
  advance(end: number, before: Buffer): void {
    this.read = end
    if (this.scanned < end) this.scanned = end
    const n = Math.min(CONTEXT_BYTES, before.length)
    const context = before.subarray(before.length - n)
    this.#keepContext(context)
    this.checkpoints.push(checkpointOf(context, end))
    if (this.checkpoints.length > MAX_CHECKPOINTS) {
      // Old ones become sparse, the newest stay: a copy may lack the very last writes.
      const keep = MAX_CHECKPOINTS / 2
      this.checkpoints = this.checkpoints.filter((_, i, list) => i >= list.length - keep || i % 2 === 0)
    }
  }

  /** The newest checkpoint that a reader who starts again at `position` can use. */
  checkpointAt(position: number): Checkpoint | undefined {
    return this.checkpoints.findLast(c => c.at <= position)
  }

  /** When bytes from `offset` on were first read, and up to where that holds. */
  arrivalAt(offset: number, now: number): { ms: number; until: number } {
    if (offset >= this.resume) return { ms: now, until: Infinity }
    let i = this.arrivals.length - 1
    while (i > 0 && this.arrivals[i]![0] > offset) i--
    const mark = this.arrivals[i]
    if (mark === undefined) return { ms: now, until: Infinity }
    const following = this.arrivals[i + 1]
    if (following !== undefined) return { ms: mark[1], until: Math.min(following[0], this.resume) }
    const sameDay = Math.floor(this.lastArrival / DAY) === Math.floor(now / DAY)
    return sameDay ? { ms: now, until: Infinity } : { ms: this.lastArrival || mark[1], until: this.resume }
  }

  /** Marks of what nobody will read again are forgotten. */
  prune(): void {
    const min = this.tracker.min()
    while (this.arrivals.length > MAX_ARRIVALS && this.arrivals[1]![0] <= min) this.arrivals.shift()
    if (this.ends.length > 0) this.ends = this.ends.filter(end => end > min)
    if (this.skips.length > 0) this.skips = this.skips.filter(skip => skip >= min)
  }

  close(): void {
    this.carrier?.close()
    this.carrier = undefined
  }
}
