// The agent's own records (its errors, changes of checks) through its own outputs, without going round in circles.
import type { Batch, Records, Selection, Source } from '../core/component.ts'
import type { Clock } from '../core/clock.ts'
import type { Event } from '../core/event.ts'
import type { Instruments } from '../core/instruments.ts'
import { silentLog } from '../core/log.ts'
import type { Template } from '../core/template.ts'
import { createPipeline } from '../pipeline/pipeline.ts'
import type { LogLine } from '../service/log.ts'
import type { BufferPool } from './buffers.ts'
import { createWire } from './wire.ts'
import type { Sink, Wire } from './wire.ts'

export interface OwnRecordsOptions {
  readonly sinks: readonly Sink[]
  readonly keys: readonly Template[]
  readonly selections?: readonly Selection[]
  readonly constants: Readonly<Event>
  readonly buffers: BufferPool
  readonly clock: Clock
  readonly instruments: Instruments
}

/** Records that wait while an output is slow; further ones are counted and left out. */
const MAX_WAITING = 100

/** Nothing here waits, so a dead output costs at most MAX_WAITING records of memory. */
export class OwnRecords {
  readonly #options: OwnRecordsOptions
  readonly #wires: readonly { readonly output: string; readonly wire: Wire; waiting: number }[]
  readonly #abort = new AbortController()
  readonly #left

  constructor(options: OwnRecordsOptions) {
    this.#options = options
    this.#left = options.instruments.counter(
      'yarder_own_records_left_out_total',
      "The agent's own records that were not shipped, since an output was too slow.",
      ['output']
    )
    this.#wires = options.sinks.map(sink => ({ output: sink.name, waiting: 0, wire: this.#wireTo(sink) }))
  }

  #wireTo(sink: Sink): Wire {
    const { keys, selections = [], buffers, instruments } = this.#options
    const pipeline = createPipeline({
      name: 'yarder',
      steps: [],
      keys,
      selections,
      observers: [],
      buffers,
      instruments,
      log: silentLog
    })
    const run = (batch: Batch): Promise<Records> => pipeline.run(batch)
    const { clock } = this.#options
    return createWire({ run, runAgain: () => run, sinks: [sink], buffers, clock, signal: this.#abort.signal })
  }

  /** A line of the log. An error of an output is never sent to that output: it would make the next one. */
  error(line: LogLine): void {
    this.#add(eventOf(line), line.labels['output'])
  }

  /** A record as it is. */
  record(event: Event): void {
    this.#add(event, undefined)
  }

  #add(event: Event, except: unknown): void {
    for (const target of this.#wires) {
      if (except === target.output) continue
      if (target.waiting >= MAX_WAITING) {
        this.#left.add(1, target.output)
        continue
      }
      target.waiting++
      target.wire.emit(this.#batch(event, () => target.waiting--)).catch(() => {})
    }
  }

  close(): void {
    this.#abort.abort()
  }

  #batch(event: Event, settled: () => void): Batch {
    const source: Source = {
      input: 'yarder',
      id: '',
      path: undefined,
      constants: { ...this.#options.constants, input: { type: 'yarder' } }
    }
    return {
      source,
      arrival: this.#options.clock.now(),
      count: 1,
      bytes: Buffer.alloc(0),
      bounds: new Uint32Array(0),
      offset: 0,
      events: [event],
      settle: settled
    }
  }
}

function eventOf({ level, subsystem, message, labels, error }: LogLine): Event {
  const event: Event = { message, log: { level, logger: `yarder.${subsystem}` }, labels }
  if (error !== undefined) event['error'] = error
  return event
}
