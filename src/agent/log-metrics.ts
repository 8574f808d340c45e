// The metrics that are made out of records, running.
import type { Clock } from '../core/clock.ts'
import type { Context, Observer } from '../core/component.ts'
import type { State } from '../core/state.ts'
import { createLogMetric } from '../metrics/from-logs/metric.ts'
import { createLogMetrics } from '../metrics/from-logs/set.ts'
import type { LogMetrics } from '../metrics/from-logs/set.ts'
import type { Store } from '../metrics/store.ts'
import type { CheckedConfig } from './components.ts'

/** Changes when one of the metrics, or what all are built with, does. */
export const metricsSignature = (checked: CheckedConfig): string =>
  [checked.sections.agent, ...checked.units.metrics].map(({ signature }) => signature).join('\n')

/** Whether metrics are made of an input's records. */
export const isMetered = (checked: CheckedConfig, input: string): boolean =>
  checked.units.metrics.some(({ common }) => common.input === undefined || common.input.includes(input))

/** One set at a time; series of a metric that has not changed its shape go on over a reload and a restart. */
export class RunningMetrics {
  readonly #store: Store
  readonly #clock: Clock
  #signature: string | undefined
  #set: LogMetrics | undefined
  #forget: (() => void) | undefined

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** Builds all, and touches nothing until `apply`. Throws ConfigError. */
  plan(checked: CheckedConfig, state: State, contextOf: (name: string) => Context): { apply(): void } {
    const signature = metricsSignature(checked)
    const metrics = checked.units.metrics.map(unit =>
      createLogMetric(unit.name, unit.common, unit.build(contextOf(unit.name)), this.#clock)
    )
    return {
      apply: () => {
        // Inputs that go on write to these very ones.
        if (signature === this.#signature) return
        this.#signature = signature
        // What inputs that have stopped by now have counted goes to the new set, by way of the state.
        state.commit()
        this.#set?.close()
        this.#forget?.()
        const set = createLogMetrics(metrics, this.#store.instruments)
        set.open(state)
        this.#set = set
        this.#forget = this.#store.addSource(() => set.families())
      }
    }
  }

  /** For the pipeline of an input. They are those of this set: a new set needs a new pipeline. */
  observersOf(input: string): Observer[] {
    return this.#set?.observersOf(input) ?? []
  }
}
