// Outputs that are behind the others: each reads what it missed again, at its own pace, until it has caught up.
//
// A lag is a second reading of one stream for one output: a tail of its own with its own place in the file, on the same
// identity and the same positions. Where the bytes lie now is the first reading's business (Paths, Changes, Search); a lag
// only goes where they are.
import { openSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { METRICS } from '../../core/component.ts'
import type { Context, Emit } from '../../core/component.ts'
import { Bell } from './bell.ts'
import { Descriptors } from './descriptors.ts'
import { Feed } from './feed.ts'
import type { Settled } from './file-batch.ts'
import { FileTail } from './file-tail.ts'
import type { Gauges } from './gauges.ts'
import type { Registry } from './registry.ts'
import type { Settings } from './settings.ts'
import type { Table } from './table.ts'
import type { Troubles } from './troubles.ts'

/** A place that gives nothing so often is given up. */
const MAX_FAILURES = 5

/** Bytes of a stream that nobody finds any more, for one output. */
export type LagLost = (tail: FileTail, output: string, bytes: number) => void

/** One output's second readings, and the loop that does them. */
interface Lane {
  readonly output: string
  readonly feed: Feed
  readonly ready: Set<FileTail>
  /** Streams whose bytes are out of sight or can't be opened now. */
  readonly stuck: Set<FileTail>
  readonly bell: Bell
  /** Streams that it is behind in. */
  count: number
  /** The loop that works on them, while there are any. */
  work: Promise<void> | undefined
  /** Somebody was told that it is behind. */
  told: boolean
  /** Bytes it has caught up with since it was told. */
  bytes: number
}

export interface LagsSetup {
  readonly table: Table
  readonly registry: Registry
  readonly context: Context
  readonly settings: Settings
  readonly troubles: Troubles
  readonly gauges: Gauges
  readonly settled: Settled
  readonly lost: LagLost
}

export class Lags {
  readonly #o: LagsSetup
  readonly #descriptors: Descriptors
  readonly #lanes = new Map<string, Lane>()
  /** By first reading, then by output. */
  readonly #lags = new Map<FileTail, Map<string, FileTail>>()
  #start: ((lane: Lane) => void) | undefined

  constructor(setup: LagsSetup) {
    this.#o = setup
    this.#descriptors = new Descriptors(setup.settings.maxOpenFiles)
  }

  /** Files that second readings may have open, all together. */
  atMost(files: number): void {
    this.#descriptors.atMost(files)
  }

  /** From now on lags are worked on; `failed` hears of a bug. */
  run(emit: Emit, signal: AbortSignal, failed: (error: unknown) => void): void {
    this.#start = lane => {
      lane.work = this.#loop(lane, emit, signal)
        .catch(failed)
        .finally(() => (lane.work = undefined))
    }
    for (const lane of this.#lanes.values()) if (lane.count > 0) this.#start(lane)
  }

  /** Resolves when no reading is under way any more, after the signal of `run`. */
  async ended(): Promise<void> {
    for (const lane of this.#lanes.values()) await lane.work
  }

  /** What an earlier run left: each output goes on from its own position. */
  load(): void {
    for (const tail of this.#o.table.tails)
      for (const [output, position] of Object.entries(tail.tracker.positions()))
        if (position < tail.read && output !== METRICS) this.#begin(tail, output, position)
  }

  /** The output has no room for what begins there. */
  decline(tail: FileTail, output: string, offset: number): void {
    if (this.#lags.get(tail)?.has(output) === true) return
    const lane = this.#begin(tail, output, offset)
    if (lane.told) return
    lane.told = true
    lane.bytes = 0
    this.#o.context.log.warn(
      { output },
      'An output has no room for long; the others go on, and its part is read again when it has.'
    )
  }

  /** Outputs that don't get what begins at `offset` from the first reading. */
  behind(tail: FileTail, offset: number): string[] {
    for (const [output, until] of tail.caughtUpTo) if (until <= offset) tail.caughtUpTo.delete(output)
    return [...(this.#lags.get(tail)?.keys() ?? []), ...tail.caughtUpTo.keys()]
  }

  /** An output that was behind has what begins at `offset` by now, and waits for more. */
  awaited(tail: FileTail, offset: number): boolean {
    return [...tail.caughtUpTo.values()].some(until => until > offset)
  }

  /** How many streams, and bytes of them, each output is behind. */
  summary(): Map<string, { files: number; bytes: number }> {
    const sums = new Map<string, { files: number; bytes: number }>()
    for (const [tail, lags] of this.#lags)
      for (const [output, lag] of lags) {
        const sum = sums.get(output) ?? { files: 0, bytes: 0 }
        sums.set(output, { files: sum.files + 1, bytes: sum.bytes + tail.read - lag.read })
      }
    return sums
  }

  get empty(): boolean {
    return this.#lags.size === 0
  }

  /** Once: reads all that can be read now. */
  async feed(emit: Emit, signal: AbortSignal): Promise<void> {
    for (const lane of this.#lanes.values()) await this.#round(lane, emit, signal)
  }

  close(): void {
    for (const tail of this.#descriptors) this.#descriptors.close(tail)
    this.#lags.clear()
  }

  async #loop(lane: Lane, emit: Emit, signal: AbortSignal): Promise<void> {
    const { context, settings } = this.#o
    try {
      while (!signal.aborted && lane.count > 0) {
        await this.#round(lane, emit, signal)
        if (lane.count > 0) await lane.bell.wait(context.clock, settings.poll, signal)
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  async #round(lane: Lane, emit: Emit, signal: AbortSignal): Promise<void> {
    this.#locate(lane)
    for (let n = 1; !signal.aborted; n++) {
      const next = lane.ready.values().next()
      if (next.done === true) return
      await this.#turn(lane, next.value, emit, signal)
      if (n % 8 === 0) await turn()
    }
  }

  async #turn(lane: Lane, lag: FileTail, emit: Emit, signal: AbortSignal): Promise<void> {
    const before = lag.read
    lag.follow()
    await lane.feed.turn(lag, emit, signal)
    if (signal.aborted) return
    lag.follow()
    if (lag.read > before) lag.searches = 0
    if (lag.read >= lag.of!.read) this.#end(lane, lag)
    else if (lag.unread && !lane.stuck.has(lag)) lane.ready.add(lag)
    else if (lag.read === before) {
      // A copy that ends before the rest, or a disk that gives nothing: not for ever.
      lane.ready.delete(lag)
      lane.stuck.add(lag)
      this.#descriptors.close(lag)
      if (++lag.searches > MAX_FAILURES) this.#giveUp(lane, lag)
    }
  }

  #begin(tail: FileTail, output: string, offset: number): Lane {
    const lane = this.#lane(output)
    const lag = FileTail.again(tail, output, offset)
    const lags = this.#lags.get(tail) ?? new Map<string, FileTail>()
    lags.set(output, lag)
    this.#lags.set(tail, lags)
    tail.caughtUpTo.delete(output)
    lane.count++
    lane.stuck.add(lag)
    // Held at once, since rotation may delete the file long before its turn comes.
    if (tail.carrier !== undefined && this.#descriptors.room) this.#place(lane, lag)
    if (lane.work === undefined) this.#start?.(lane)
    else lane.bell.ring()
    return lane
  }

  #end(lane: Lane, lag: FileTail): void {
    const tail = lag.of!
    this.#descriptors.close(lag)
    lane.ready.delete(lag)
    lane.stuck.delete(lag)
    const lags = this.#lags.get(tail)
    lags?.delete(lane.output)
    if (lags?.size === 0) this.#lags.delete(tail)
    lane.count--
    tail.caughtUpTo.set(lane.output, lag.read)
    if (!lane.told || lane.count > 0) return
    lane.told = false
    this.#o.context.log.info({ output: lane.output, bytes: lane.bytes }, 'An output has caught up with the others.')
  }

  /** Goes where the bytes of each stream lie now, when they can be read there. */
  #locate(lane: Lane): void {
    for (const lag of lane.stuck) {
      if (this.#o.table.tails.has(lag.of!)) this.#place(lane, lag)
      else this.#giveUp(lane, lag)
    }
  }

  #place(lane: Lane, lag: FileTail): void {
    lag.follow()
    try {
      if (!this.#open(lag, lag.of!)) return
      lane.stuck.delete(lag)
      lane.ready.add(lag)
    } catch (error) {
      this.#o.troubles.begin(lag.at, error)
    }
  }

  /** False when it is not (yet) to be had; then whoever looks for streams is asked, or nobody is left to ask. */
  #open(lag: FileTail, tail: FileTail): boolean {
    if (lag.carrier !== undefined) return true
    const fd = tail.carrier?.fd
    if ((tail.place === 'deleted' || tail.hidden) && fd !== undefined && tail.packing === undefined) {
      // Its inode has no name any more, or none that is known; the first reading's descriptor leads to it (proc(5)).
      this.#descriptors.adopt(lag, openSync(`/proc/self/fd/${fd}`, 'r'))
      return true
    }
    if (tail.place === 'lost') return false
    if (tail.ino !== 0 && this.#descriptors.open(lag)) return true
    if (tail.place === 'missing' || (tail.place === 'done' && tail.ino === 0)) this.#giveUp(this.#lane(lag.again!), lag)
    else if (tail.place === 'done') this.#o.table.seek(tail)
    return false
  }

  /** What was looked for in vain is lost for this output; it goes on behind it. */
  #giveUp(lane: Lane, lag: FileTail): void {
    const { lost, registry } = this.#o
    const tail = lag.of!
    const bytes = tail.read - lag.read
    if (bytes > 0) lost(tail, lane.output, bytes)
    tail.ledger.miss(lag.read, tail.read)
    tail.tracker.settle(lane.output, lag.read, tail.read)
    lag.read = tail.read
    registry.changed(tail)
    this.#end(lane, lag)
  }

  #lane(output: string): Lane {
    const known = this.#lanes.get(output)
    if (known !== undefined) return known
    const { registry, context, settings, troubles, gauges, settled } = this.#o
    const ready = new Set<FileTail>()
    const stuck = new Set<FileTail>()
    const desk = {
      ready,
      stuck,
      // Out of sight: where its bytes are will be seen at the next round.
      wanted: stuck,
      descriptors: this.#descriptors,
      finish: (lag: FileTail) => void stuck.add(lag)
    }
    const judge = {
      // Another file lies there: the first reading finds out, and where the bytes went.
      recheck: (lag: FileTail) => {
        this.#descriptors.close(lag)
        stuck.add(lag)
      }
    }
    const counters = {
      lines: () => {},
      bytes: (n: number) => {
        lane.bytes += n
        gauges.again(n, output)
      },
      cut: () => {}
    }
    const feed = new Feed({ desk, judge, registry, context, settings, troubles, counters, settled })
    const lane: Lane = {
      output,
      feed,
      ready,
      stuck,
      bell: new Bell(),
      count: 0,
      work: undefined,
      told: false,
      bytes: 0
    }
    this.#lanes.set(output, lane)
    return lane
  }
}
