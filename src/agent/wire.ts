// Wires one input to its pipeline and its outputs.
//
//   input ──Batch──▶ pipeline.run ──Records──▶ delivery.offer (one per output) ──▶ Output.send
//     ▲                                              │
//     └── position ◀── batch.settle(output) ◀────────┘   and the buffer of the records goes back to the pool
//
// An output that keeps the others waiting is left behind: `batch.decline(output)` tells the input, which reads that part
// again for this output alone (`batch.only`), on a lane of its own.
import type { Clock } from '../core/clock.ts'
import type { Batch, Emit, Records } from '../core/component.ts'
import type { BufferPool } from './buffers.ts'
import { Patience } from './patience.ts'

/** The end of an output that the wiring sees; output/delivery.ts is the thing behind it. */
export interface Sink {
  readonly name: string
  /** Takes the records over at once; resolves when there is room for more. */
  offer(records: Records): Promise<void>
  /** It has as much as it should. */
  readonly full: boolean
  /** Resolves when it isn't full. */
  room(): Promise<void>
  /** Others need not wait for it. */
  readonly detaches: boolean
  /** Its destination takes nothing at the moment. */
  readonly down: boolean
}

type Run = (batch: Batch) => Promise<Records>

export interface Wiring {
  /** The pipeline of the input. */
  readonly run: Run
  /** One more of the same that counts nothing, for what is read again. */
  readonly runAgain: () => Run
  /** Metrics are made of what goes through `run`: they go on while every output is down. */
  readonly counts?: boolean
  readonly sinks: readonly Sink[]
  readonly buffers: BufferPool
  readonly clock: Clock
  /** Aborts when the agent stops reading. */
  readonly signal: AbortSignal
}

export interface Wire {
  readonly emit: Emit
  /** Resolves when every batch that was emitted is settled by every output that took it. */
  settled(): Promise<void>
}

/** A buffer that is so many times larger than what is in it is not kept for that. */
const ROOMY = 8

/** How often it is asked whether an output that was behind has caught up, while all others have no room. */
const ASK_MS = 250

/**
 * The way of one input's batches. One at a time goes through each pipeline, in the order of the calls; a batch of which
 * the pipeline left nothing is settled here.
 */
export function createWire({ run, runAgain, counts = false, sinks, buffers, clock, signal }: Wiring): Wire {
  const patience = new Patience(clock)
  const lanes = new Map<string, (batch: Batch) => Promise<void>>()
  let unsettled = 0
  let waiting: (() => void)[] = []

  function done(): void {
    if (--unsettled > 0) return
    for (const resolve of waiting.splice(0)) resolve()
  }

  /** One batch at a time, in order. */
  function lane(pass: (batch: Batch, orStopped: OrStopped) => Promise<void>): (batch: Batch) => Promise<void> {
    const orStopped = stoppable(signal)
    let turn: Promise<void> = Promise.resolve()
    return batch => {
      const mine = turn.then(() => pass(batch, orStopped))
      turn = mine.catch(() => {})
      return mine
    }
  }

  /** Runs the pipeline and hands the records to those that take them; the rest of the sinks is not concerned. */
  async function hand(batch: Batch, work: Run, choose: Choose): Promise<Promise<void>[]> {
    signal.throwIfAborted()
    let open = Infinity
    let whole: Buffer | undefined
    const release = (): void => {
      if (whole !== undefined) buffers.give(whole)
      done()
    }
    // Field by field: an input's batch may be an object with getters.
    const { source, arrival, count, bytes, bounds, offset, cut, events, offsets, times } = batch
    const tracked: Batch = {
      source,
      arrival,
      count,
      bytes,
      bounds,
      offset,
      cut,
      events,
      offsets,
      times,
      counted: lines => batch.counted?.(lines),
      settle(output) {
        batch.settle(output)
        if (--open === 0) release()
      }
    }
    unsettled++
    let takes: readonly Sink[]
    let records: Records
    try {
      records = await work(tracked)
      whole = Buffer.from(records.bytes.buffer)
      if (records.bytes.length * ROOMY < whole.length) {
        // Thousands of small batches may wait at a time: each keeps what it needs, not a whole buffer.
        const bytes = Buffer.allocUnsafeSlow(records.bytes.length)
        records.bytes.copy(bytes)
        records = { ...records, bytes }
        buffers.give(whole)
        whole = undefined
      }
      takes = await choose(records)
    } catch (error) {
      open = Infinity
      release()
      throw error
    }
    open = takes.length
    if (open === 0) release()
    if (records.count > 0) return takes.map(sink => sink.offer(partOf(records, sink)))
    for (const sink of takes) tracked.settle(sink.name)
    return []
  }

  /** Those of `batch` that may take it: all but those that are behind. */
  const concerned = ({ behind = [] }: Batch): Sink[] => sinks.filter(sink => !behind.includes(sink.name))

  /**
   * Waits until whoever takes the batch has room, but for those that have used up the others' patience: they are told.
   * Somebody must be able to go on; else there is nothing to do but wait. An output that wants nothing of the batch
   * needs no room for it.
   */
  async function choose(batch: Batch, records: Records, orStopped: OrStopped): Promise<readonly Sink[]> {
    const takes = concerned(batch)
    for (;;) {
      const full = takes.filter(sink => sink.full && partOf(records, sink).count > 0)
      if (full.length === 0 || signal.aborted) return takes
      const others = takes.length > full.length || batch.awaited === true || (counts && full.every(sink => sink.down))
      const slow = batch.decline !== undefined && others ? full.filter(sink => sink.detaches) : []
      const late = slow.filter(sink => patience.left(sink.name) === 0)
      if (late.length === full.length) {
        for (const sink of late) batch.decline!(sink.name)
        return takes.filter(sink => !late.includes(sink))
      }
      await waitForRoom(full, slow, orStopped)
    }
  }

  async function waitForRoom(full: readonly Sink[], slow: readonly Sink[], orStopped: OrStopped): Promise<void> {
    const since = clock.elapsed()
    const left = slow.map(sink => patience.left(sink.name)).filter(ms => ms > 0)
    const timer = new AbortController()
    const rooms = full.map(sink => sink.room())
    if (sinks.length > 1 || counts) rooms.push(clock.wait(Math.min(ASK_MS, ...left), timer.signal))
    await orStopped(Promise.race(rooms))
    timer.abort()
    for (const sink of slow) patience.spend(sink.name, clock.elapsed() - since)
  }

  const main = lane(async (batch, orStopped) => {
    const rooms = await hand(batch, run, records => choose(batch, records, orStopped))
    // With several consumers the next batch finds out who has room; with one there is nothing to find out.
    if (sinks.length === 1 && !counts) await orStopped(Promise.all(rooms))
  })

  function again(output: string): (batch: Batch) => Promise<void> {
    const known = lanes.get(output)
    if (known !== undefined) return known
    const work = runAgain()
    const takes = sinks.filter(sink => sink.name === output)
    const made = lane(async (batch, orStopped) => {
      const rooms = await hand(batch, work, () => Promise.resolve(takes))
      await orStopped(Promise.all(rooms))
    })
    lanes.set(output, made)
    return made
  }

  return {
    emit: batch => (batch.only === undefined ? main : again(batch.only))(batch),
    settled: () => (unsettled === 0 ? Promise.resolve() : new Promise(resolve => waiting.push(resolve)))
  }
}

/** Who takes the records. */
type Choose = (records: Records) => Promise<readonly Sink[]>

/** What of the records is for this output. */
const partOf = (records: Records, sink: Sink): Records => records.selected?.get(sink.name) ?? records

/** Waits for the work, or until the agent stops. */
type OrStopped = (work: Promise<unknown>) => Promise<void>

/** One wait at a time; a promise that lives as long as the wire would keep a piece of each wait. */
function stoppable(signal: AbortSignal): OrStopped {
  let leave = (): void => {}
  signal.addEventListener('abort', () => leave(), { once: true })
  return work =>
    new Promise((resolve, reject) => {
      leave = resolve
      if (signal.aborted) resolve()
      work.then(() => resolve(), reject)
    })
}
