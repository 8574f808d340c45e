// One input with its pipeline, running.
import type { Clock } from '../core/clock.ts'
import type { Emit, Input, Observer, Selection } from '../core/component.ts'
import { describe } from '../core/errors.ts'
import { silentInstruments } from '../core/instruments.ts'
import type { Instruments } from '../core/instruments.ts'
import type { Log } from '../core/log.ts'
import { RateLimiter } from '../core/rate.ts'
import type { Rate } from '../core/rate.ts'
import type { Template } from '../core/template.ts'
import { createPipeline } from '../pipeline/pipeline.ts'
import type { NamedStep } from '../pipeline/pipeline.ts'
import type { BufferPool } from './buffers.ts'
import type { Progress } from './progress.ts'
import type { InputStatus } from './status.ts'
import { createWire } from './wire.ts'
import type { Sink, Wire } from './wire.ts'

export interface InletOptions {
  readonly name: string
  readonly type: string
  /** Changes when anything it was built from does. */
  readonly signature: string
  readonly input: Input
  readonly steps: readonly NamedStep[]
  readonly pipelineName: string
  readonly sinks: readonly Sink[]
  readonly keys: readonly Template[]
  readonly selections?: readonly Selection[]
  readonly observers: readonly Observer[]
  readonly buffers: BufferPool
  readonly rateLimit: Rate | undefined
  readonly clock: Clock
  readonly progress: Progress
  readonly log: Log
  readonly instruments: Instruments
}

/** Starts reading when it is made. */
export class Inlet {
  readonly name: string
  readonly signature: string
  /** Resolves when the input has come to its end or was stopped. */
  readonly finished: Promise<void>
  readonly #options: InletOptions
  readonly #abort = new AbortController()
  readonly #wire: Wire
  #state: InputStatus['state'] = 'running'
  #message = 'reading'

  constructor(options: InletOptions) {
    this.#options = options
    this.name = options.name
    this.signature = options.signature
    const { steps, keys, selections = [], observers, buffers, instruments, log, clock, progress } = options
    const documents = options.sinks.length > 0
    const common = {
      name: options.pipelineName,
      steps,
      keys,
      selections,
      documents,
      buffers,
      log: log.child('pipeline')
    }
    const pipeline = createPipeline({ ...common, tellsMisfit: true, observers, instruments })
    this.#wire = createWire({
      run: batch => progress.through(batch.count, () => pipeline.run(batch)),
      runAgain: () => {
        const second = createPipeline({ ...common, observers: [], instruments: silentInstruments })
        return batch => second.run(batch)
      },
      counts: observers.length > 0,
      sinks: options.sinks,
      buffers,
      clock,
      signal: this.#abort.signal
    })
    this.finished = this.#run()
  }

  /** The wire's, no faster than `rate_limit`. What is read again has been let through before. */
  #emit(): Emit {
    const { rateLimit, clock, instruments } = this.#options
    const { emit } = this.#wire
    if (rateLimit === undefined) return emit
    const { signal } = this.#abort
    const limiter = new RateLimiter(rateLimit, clock)
    const throttled = instruments.counter(
      'yarder_input_throttled_seconds_total',
      'Time that reading waited for `rate_limit`.',
      ['input']
    )
    return async batch => {
      if (batch.only !== undefined) return emit(batch)
      for (let ms = limiter.waitMs(); ms > 0 && !signal.aborted; ms = limiter.waitMs()) {
        await clock.wait(ms, signal)
        throttled.add(ms / 1000, this.name)
      }
      limiter.take(batch.count, batch.size ?? batch.bytes.length)
      await emit(batch)
    }
  }

  async #run(): Promise<void> {
    try {
      await this.#options.input.run(this.#emit(), this.#abort.signal)
      if (this.#abort.signal.aborted) return
      this.#state = 'finished'
      this.#message = 'read to the end'
    } catch (error) {
      if (this.#abort.signal.aborted) return
      this.#state = 'failed'
      this.#message = describe(error)
      this.#options.log.child('input', { input: this.name }).error({ err: error }, 'The input ended by a bug.')
    }
  }

  /** It reads something that has an end. */
  get finite(): boolean {
    return this.#options.input.finite === true
  }

  /** Nothing more will come of it, and nobody has stopped it. */
  get over(): boolean {
    return this.#state !== 'running'
  }

  /** No further reading; what was read goes on its way. */
  async stopReading(): Promise<void> {
    this.#abort.abort()
    await this.finished
  }

  /** True when all that was read is settled, false when `patience` ended first. */
  settled(patience?: AbortSignal): Promise<boolean> {
    if (patience === undefined) return this.#wire.settled().then(() => true)
    return new Promise(resolve => {
      if (patience.aborted) resolve(false)
      patience.addEventListener('abort', () => resolve(false), { once: true })
      void this.#wire.settled().then(() => resolve(true))
    })
  }

  status(): InputStatus {
    const described = this.#options.input.describe?.()
    return {
      name: this.name,
      type: this.#options.type,
      state: this.#state === 'running' && described?.degraded === true ? 'degraded' : this.#state,
      message: described?.message ?? this.#message,
      files: [...(described?.files ?? [])]
    }
  }
}
