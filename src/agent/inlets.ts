// The inputs with their pipelines, running: started, stopped when they change or go, and started anew.
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Store } from '../metrics/store.ts'
import { createBufferPool } from './buffers.ts'
import type { CheckedConfig, InputUnit } from './components.ts'
import type { MakeContext } from './context.ts'
import { watchedByChecks } from './health-checks.ts'
import type { HealthChecks } from './health-checks.ts'
import { Inlet } from './inlet.ts'
import { isMetered, metricsSignature } from './log-metrics.ts'
import type { RunningMetrics } from './log-metrics.ts'
import type { OutletPlan, Outlets } from './outlets.ts'
import type { Progress } from './progress.ts'
import type { InputStatus } from './status.ts'

/** Idle buffers kept for encoded records; more are freed. */
const IDLE_BUFFER_BYTES = 16 * 1024 * 1024
const BUFFER_BYTES = 1536 * 1024
/** So long an input may stand still for `yarder positions`; the command waits a little longer. */
const PAUSE_MS = 4000
/** So long an input waits for what is under way before it reads that again; later it may arrive twice. */
const UNDER_WAY_MS = 3000

export interface InletsOptions {
  readonly clock: Clock
  /** The root of the agent's log. */
  readonly log: Log
  readonly store: Store
  readonly progress: Progress
  readonly outlets: Outlets
  /** These two are shown the records of an input. */
  readonly metrics: Pick<RunningMetrics, 'observersOf'>
  readonly health: Pick<HealthChecks, 'observersOf'>
  readonly once: boolean
  /** Ends every wait for an output. */
  readonly stopping: AbortSignal
  /** One has come to its end or was stopped. */
  readonly onEnd: () => void
}

/** What inputs are built from. */
export interface InletSetting {
  readonly checked: CheckedConfig
  readonly outlets: OutletPlan
  readonly context: MakeContext
}

export interface InletsPlan {
  /** Stops those that are gone or changed, and waits until what they have read has arrived, or for `patienceMs`. */
  drop(patienceMs: number): Promise<void>
  /** Starts those that do not run; their outputs and observers do by now. */
  start(): void
}

interface InletPlan {
  readonly name: string
  readonly signature: string
  start(): Inlet
}

/** An input runs at most once, and goes on over a reload while its signature stays the same. */
export class Inlets {
  readonly #options: InletsOptions
  readonly #buffers = createBufferPool(BUFFER_BYTES, IDLE_BUFFER_BYTES)
  readonly #running = new Map<string, Inlet>()

  constructor(options: InletsOptions) {
    this.#options = options
  }

  /** Builds what the configuration names; nothing that runs is touched until it is asked for. Throws ConfigError. */
  plan(setting: InletSetting): InletsPlan {
    const planned = setting.checked.units.inputs.map(unit => this.#planOne(unit, setting))
    const wanted = new Map(planned.map(p => [p.name, p.signature]))
    if (!this.#options.once) this.#refuseToReopen(wanted)
    return {
      drop: patienceMs => this.#drop(wanted, patienceMs),
      start: () => {
        for (const plan of planned) if (!this.#running.has(plan.name)) this.#start(plan)
      }
    }
  }

  /**
   * Stops one input, lets what it read arrive, calls `between`, and starts it again, whatever came of that; others go on.
   */
  async restart<T>(unit: InputUnit, setting: InletSetting, between: () => T): Promise<T> {
    const plan = this.#planOne(unit, setting)
    const patience = AbortSignal.any([AbortSignal.timeout(PAUSE_MS), this.#options.stopping])
    await this.#end(this.#running.get(unit.name)!, patience)
    try {
      return between()
    } finally {
      this.#running.delete(unit.name)
      this.#start(plan)
    }
  }

  has(name: string): boolean {
    return this.#running.has(name)
  }

  get size(): number {
    return this.#running.size
  }

  /** Every one has come to its own end; also when there is none. */
  get over(): boolean {
    return [...this.#running.values()].every(inlet => inlet.over)
  }

  /** One ended by a bug, so that not everything was read. */
  get failed(): boolean {
    return this.status().some(({ state }) => state === 'failed')
  }

  /** Resolves when everything that was read is acknowledged. */
  async settled(): Promise<void> {
    await Promise.all([...this.#running.values()].map(inlet => inlet.settled()))
  }

  /** No further reading; what was read goes on its way. */
  async stopReading(): Promise<void> {
    await Promise.all([...this.#running.values()].map(inlet => inlet.stopReading()))
  }

  status(): InputStatus[] {
    return [...this.#running.values()].map(inlet => inlet.status())
  }

  #planOne(unit: InputUnit, { checked, outlets, context }: InletSetting): InletPlan {
    const { pipeline, fields = {}, tags } = unit.common
    const outputs = [...new Set(unit.common.outputs ?? outlets.names)]
    // Where nothing ships, the position of who looks is the only one.
    const extra = { fields, tags, metered: isMetered(checked, unit.name) || outputs.length === 0 }
    const input = unit.build({ ...context('input', unit.name, outputs, extra), rate: unit.common.rate_limit })
    const stepContext = context('pipeline', pipeline?.name ?? unit.name, outputs)
    const steps = (pipeline?.steps ?? []).map(step => ({ ...step.build(stepContext), name: step.name }))
    const signature = signatureOf(unit, checked, outlets.signatureOf(outputs))
    const { clock, log, store, progress, metrics, health } = this.#options
    return {
      name: unit.name,
      signature,
      start: () =>
        new Inlet({
          name: unit.name,
          type: unit.type,
          signature,
          input,
          steps,
          pipelineName: pipeline?.inline === false ? pipeline.name : unit.name,
          sinks: this.#options.outlets.sinks(outputs),
          keys: outlets.keysOf(outputs),
          selections: outlets.selectionsOf(outputs),
          observers: [...metrics.observersOf(unit.name), ...health.observersOf(checked, unit.name)],
          buffers: this.#buffers,
          rateLimit: unit.common.rate_limit,
          clock,
          progress,
          log,
          instruments: store.instruments
        })
    }
  }

  /** Standard input can't be opened a second time: an input that reads it goes on as it is, or goes. */
  #refuseToReopen(wanted: ReadonlyMap<string, string>): void {
    for (const { name, signature, finite, over } of this.#running.values()) {
      if (!finite || over || !wanted.has(name) || wanted.get(name) === signature) continue
      const what = 'it, its pipeline, its outputs, the metrics or the section agent'
      throw new Error(
        `inputs.${name} reads a stream that cannot be opened again, and ${what} changed; restart for that`
      )
    }
  }

  #start(plan: InletPlan): void {
    const inlet = plan.start()
    this.#running.set(plan.name, inlet)
    void inlet.finished.then(this.#options.onEnd)
  }

  async #drop(wanted: ReadonlyMap<string, string>, patienceMs: number): Promise<void> {
    const gone = [...this.#running.values()].filter(inlet => wanted.get(inlet.name) !== inlet.signature)
    const patience = AbortSignal.any([AbortSignal.timeout(Math.max(1, patienceMs)), this.#options.stopping])
    await Promise.all(
      gone.map(async inlet => {
        if (wanted.has(inlet.name)) await this.#end(inlet, patience)
        else {
          await inlet.stopReading()
          await inlet.settled(patience)
          await this.#options.store.forget('input', inlet.name)
        }
        this.#running.delete(inlet.name)
      })
    )
  }

  /** Stops an input that will be started anew. What has not arrived in time it reads again then, so no output keeps it. */
  async #end(inlet: Inlet, patience: AbortSignal): Promise<void> {
    const { outlets, clock, stopping } = this.#options
    await inlet.stopReading()
    if ((await inlet.settled(patience)) || stopping.aborted) return
    await Promise.race([outlets.withdraw(inlet.name), clock.wait(UNDER_WAY_MS, stopping)])
  }
}

/** Changes when anything that the input runs with does. */
function signatureOf(unit: InputUnit, checked: CheckedConfig, outputs: string): string {
  return [
    unit.signature,
    unit.common.pipeline?.signature,
    checked.sections.agent.signature,
    outputs,
    // Its observers are part of it: an input whose metrics change starts anew with the new ones.
    metricsSignature(checked),
    String(watchedByChecks(checked, unit.name))
  ].join('\n')
}
