// Wires one input to its pipeline and its outputs.
//
//   input ──Batch──▶ pipeline.run ──Records──▶ delivery.offer (one per output) ──▶ Output.send
//     ▲                                              │
//     └── position ◀── batch.settle(output) ◀────────┘   and the buffer of the records goes back to the pool
//
import type { Batch, Emit, Records } from '../core/component.ts'
import type { BufferPool } from './buffers.ts'

/** The end of an output that the wiring sees; output/delivery.ts is the thing behind it. */
export interface Sink {
  readonly name: string
  /** Takes the records over; resolves when there is room for more. */
  offer(records: Records): Promise<void>
}

export interface Wiring {
  readonly run: (batch: Batch) => Promise<Records>
  readonly sinks: readonly Sink[]
  readonly buffers: BufferPool
  /** Aborts when the agent stops reading. */
  readonly signal: AbortSignal
}

export interface Wire {
  readonly emit: Emit
  /** Resolves when every batch that was emitted is settled by every output. */
  settled(): Promise<void>
}

/**
 * The way of one input's batches. One at a time goes through the pipeline, in the order of the calls; a batch of which
 * the pipeline left nothing is settled here.
 */
export function createWire({ run, sinks, buffers, signal }: Wiring): Wire {
  let turn: Promise<void> = Promise.resolve()
  let unsettled = 0
  let waiting: (() => void)[] = []
  /** Ends the wait for room, of which there is one at a time; a promise that lives as long as the wire would keep a piece of each wait. */
  let leave = (): void => {}
  signal.addEventListener('abort', () => leave(), { once: true })

  /** Waits for the work, or until the agent stops. */
  const orStopped = (work: Promise<unknown>): Promise<void> =>
    new Promise((resolve, reject) => {
      leave = resolve
      if (signal.aborted) resolve()
      work.then(() => resolve(), reject)
    })

  function done(): void {
    if (--unsettled > 0) return
    for (const resolve of waiting.splice(0)) resolve()
  }

  async function pass(batch: Batch): Promise<void> {
    signal.throwIfAborted()
    let open = sinks.length
    let whole: Buffer | undefined
    // Field by field: an input's batch may be an object with getters.
    const { source, arrival, count, bytes, bounds, offset, cut, events, settledFor = [] } = batch
    const tracked: Batch = {
      source,
      arrival,
      count,
      bytes,
      bounds,
      offset,
      cut,
      events,
      settle(output) {
        batch.settle(output)
        if (--open > 0) return
        if (whole !== undefined) buffers.give(whole)
        done()
      }
    }
    unsettled++
    let records: Records
    try {
      records = await run(tracked)
    } catch (error) {
      done()
      throw error
    }
    whole = Buffer.from(records.bytes.buffer)
    // After a restart one output may have had the whole batch already, which is read again for another.
    const takes = records.count === 0 ? [] : sinks.filter(sink => !settledFor.includes(sink.name))
    for (const sink of sinks) if (!takes.includes(sink)) tracked.settle(sink.name)
    // Handing over is done at once; only the wait for room is, and a stop does not wait for an output that is down.
    if (takes.length > 0) await orStopped(Promise.all(takes.map(sink => sink.offer(records))))
  }

  return {
    emit: batch => {
      const mine = turn.then(() => pass(batch))
      turn = mine.catch(() => {})
      return mine
    },
    settled: () => (unsettled === 0 ? Promise.resolve() : new Promise(resolve => waiting.push(resolve)))
  }
}
