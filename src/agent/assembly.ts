// All that a configuration names, running together: built beside what runs, swapped in, and emptied in the data's order.
import type { Event } from '../core/event.ts'
import { YarderError } from '../core/errors.ts'
import type { Store } from '../metrics/store.ts'
import { createBufferPool } from './buffers.ts'
import type { CheckedConfig } from './components.ts'
import { contextMaker } from './context.ts'
import type { MakeContext, Surroundings } from './context.ts'
import { Exporters } from './exporters.ts'
import { HealthChecks } from './health-checks.ts'
import { RunningHostMetrics } from './host-metrics.ts'
import { Inlets } from './inlets.ts'
import { RunningMetrics } from './log-metrics.ts'
import { Outlets } from './outlets.ts'
import type { OutletPlan } from './outlets.ts'
import { OwnRecords } from './own-records.ts'
import { paced } from './paced.ts'
import type { Progress } from './progress.ts'
import type { StatusParts } from './status.ts'

/** What checks still have to tell has so long to arrive at a stop. */
const NOTIFY_AT_STOP_MS = 2000

export interface AssemblyOptions extends Omit<Surroundings, 'checked' | 'instruments'> {
  readonly store: Store
  readonly progress: Progress
  /** The agent stops: no wait for an output any more, and no pause. */
  readonly stopping: AbortSignal
  /** This output can take nothing any more. */
  readonly onBroken: (output: string) => void
  /** An input has come to its end or was stopped. */
  readonly onEnd: () => void
}

/** It keeps no configuration: what runs is what was last applied. */
export class Assembly {
  readonly outlets: Outlets
  readonly inlets: Inlets
  readonly health: HealthChecks
  readonly #options: AssemblyOptions
  readonly #metrics: RunningMetrics
  readonly #host: RunningHostMetrics
  readonly #exporters: Exporters
  #ownRecords: OwnRecords | undefined

  constructor(options: AssemblyOptions) {
    const { clock, logs, state, stopping, store, onBroken } = options
    const log = logs.root
    this.#options = options
    this.outlets = new Outlets(
      clock,
      onBroken,
      paced(() => state.commit(), { clock, stopping })
    )
    this.#metrics = new RunningMetrics(store, clock)
    this.#host = new RunningHostMetrics(store, clock, log.child('metrics'))
    this.health = new HealthChecks({
      clock,
      log: log.child('health'),
      instruments: store.instruments,
      state,
      metrics: store,
      ship: event => this.#ownRecords?.record(event)
    })
    const reader = {
      read: () => store.read(),
      checks: () => this.health.status().filter(check => check.lastRun !== undefined)
    }
    this.#exporters = new Exporters(reader, log.child('metrics'))
    this.inlets = new Inlets({ ...options, log, outlets: this.outlets, metrics: this.#metrics, health: this.health })
  }

  /**
   * Builds all that the configuration names; what is returned swaps it in, and waits so long for what changed inputs have
   * read. Throws ConfigError; nothing has changed then.
   */
  plan(checked: CheckedConfig): (patienceMs: number) => Promise<void> {
    const { once, state } = this.#options
    const context = this.#contexts(checked)
    const outlets = this.#planOutlets(checked, context)
    const inlets = this.inlets.plan({ checked, outlets, context })
    const numbers = this.#metrics.plan(checked, state, name => context('metrics', name))
    const checks = this.health.plan(checked, context)
    const exporters = this.#exporters.plan(checked.units.exporters, checked.sections.agent.signature, name =>
      context('metrics', name)
    )
    const own = context('input', 'yarder').constants
    return async patienceMs => {
      await inlets.drop(patienceMs)
      state.commit()
      await outlets.apply()
      numbers.apply()
      // Before the exporters, whose first reading is what later ones are compared with.
      if (!once) await this.#host.apply(checked.sections.host_metrics)
      await exporters.apply()
      inlets.start()
      this.#shipOwnRecords(checked, outlets, own)
      // Under --once there is nothing to watch.
      if (!once) await checks.apply()
    }
  }

  /**
   * Stops one input, lets what it read arrive, calls `edit`, commits, and starts it again as this configuration, the one
   * in force, has it. Rejects when it can't.
   */
  async pause<T>(checked: CheckedConfig, name: string, edit: () => T): Promise<T> {
    const { state, stopping } = this.#options
    const unit = checked.units.inputs.find(u => u.name === name)
    if (stopping.aborted || unit === undefined || !this.inlets.has(name))
      throw new YarderError('REFUSED', `the input ${name} is being stopped or changed; try again in a moment`)
    const context = this.#contexts(checked)
    const setting = { checked, outlets: this.#planOutlets(checked, context), context }
    return this.inlets.restart(unit, setting, () => {
      try {
        state.commit()
        return edit()
      } finally {
        state.commit()
      }
    })
  }

  /** Nothing is read any more, and what was has until `deadline` (monotonic, ms) to arrive. True when it has. */
  async drain(deadline: number): Promise<boolean> {
    const { clock, logs } = this.#options
    await this.health.stop(NOTIFY_AT_STOP_MS)
    // What is held back of its errors is shipped while that can still arrive.
    logs.flush()
    this.#ownRecords?.close()
    await this.inlets.stopReading()
    return this.outlets.drain(Math.max(0, deadline - clock.elapsed()))
  }

  /** After `drain`, once all is durable: the last numbers are sent. */
  async close(): Promise<void> {
    await this.#exporters.stop()
    await this.#host.stop()
  }

  status(): StatusParts {
    return { outputs: this.outlets.status(), inputs: this.inlets.status(), checks: this.health.status() }
  }

  #contexts(checked: CheckedConfig): MakeContext {
    return contextMaker({ ...this.#options, checked, instruments: this.#options.store.instruments })
  }

  #planOutlets(checked: CheckedConfig, context: MakeContext): OutletPlan {
    const { inputs, outputs } = checked.units
    const shipsNothing = inputs.length > 0 && inputs.every(({ common }) => common.outputs?.length === 0)
    return this.outlets.plan(outputs, name => context('output', name), !shipsNothing)
  }

  #shipOwnRecords(checked: CheckedConfig, outlets: OutletPlan, constants: Readonly<Event>): void {
    const { clock, store, once, logs } = this.#options
    this.#ownRecords?.close()
    const own = new OwnRecords({
      sinks: this.outlets.sinks(outlets.names),
      keys: outlets.keysOf(outlets.names),
      selections: outlets.selectionsOf(outlets.names),
      constants,
      buffers: createBufferPool(64 * 1024, 64 * 1024),
      clock,
      instruments: store.instruments
    })
    this.#ownRecords = own
    const ships = checked.sections.agent.values.ship_own_errors && !once
    logs.onError = ships ? line => own.error(line) : undefined
  }
}
