// The numbers of the host, running: swapped when their options change.
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import { createHostMetrics } from '../metrics/collect/host.ts'
import type { Store } from '../metrics/store.ts'
import type { CheckedConfig } from './components.ts'

/** At most one set of collectors. */
export class RunningHostMetrics {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Log
  #signature: string | undefined
  #stop: (() => Promise<void>) | undefined

  constructor(store: Store, clock: Clock, log: Log) {
    this.#store = store
    this.#clock = clock
    this.#log = log
  }

  /** Resolves when the first numbers are there. */
  async apply({ values, signature }: CheckedConfig['sections']['host_metrics']): Promise<void> {
    if (signature === this.#signature) return
    await this.stop()
    this.#signature = signature
    if (!values.enabled) return
    const host = createHostMetrics(values, { clock: this.#clock, log: this.#log })
    const abort = new AbortController()
    await host.collect()
    const forget = this.#store.addSource(() => host.families())
    const ran = host.run(abort.signal)
    this.#stop = async () => {
      abort.abort()
      forget()
      await ran
    }
  }

  async stop(): Promise<void> {
    await this.#stop?.()
    this.#stop = undefined
    this.#signature = undefined
  }
}
