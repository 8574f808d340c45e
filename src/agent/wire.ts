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

/**
 * The `emit` of an input. One batch at a time goes through the pipeline, in the order of the calls; a batch of which
 * the pipeline left nothing is settled here.
 */
export function createEmit({ run, sinks, buffers, signal }: Wiring): Emit {
  let turn: Promise<void> = Promise.resolve()

  async function pass(batch: Batch): Promise<void> {
    signal.throwIfAborted()
    let open = sinks.length
    let whole: Buffer | undefined
    const settled: Batch = {
      ...batch,
      settle(output) {
        batch.settle(output)
        if (--open === 0 && whole !== undefined) buffers.give(whole)
      }
    }
    const records = await run(settled)
    whole = Buffer.from(records.bytes.buffer)
    if (records.count === 0) {
      for (const sink of sinks) settled.settle(sink.name)
      return
    }
    await Promise.all(sinks.map(sink => sink.offer(records)))
  }

  return batch => {
    const mine = turn.then(() => pass(batch))
    turn = mine.catch(() => {})
    return mine
  }
}
