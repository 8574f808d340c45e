// What sends the metrics elsewhere, running.
import type { Context, Exporter } from '../core/component.ts'
import type { MetricReader } from '../core/instruments.ts'
import type { Log } from '../core/log.ts'
import type { ExporterUnit } from './components.ts'

interface Running {
  readonly signature: string
  readonly exporter: Exporter
  readonly abort: AbortController
  readonly done: Promise<void>
}

/** Starts, swaps and stops exporters; one whose options and surroundings are the same goes on over a reload. */
export class Exporters {
  readonly #reader: MetricReader
  readonly #log: Log
  readonly #running = new Map<string, Running>()

  constructor(reader: MetricReader, log: Log) {
    this.#reader = reader
    this.#log = log
  }

  /** Builds all, and touches nothing until `apply`. `surroundings` change when names that prefixes are made of do. */
  plan(
    units: readonly ExporterUnit[],
    surroundings: string,
    contextOf: (name: string) => Context
  ): { apply(): Promise<void> } {
    const planned = units.map(unit => ({
      name: unit.name,
      signature: `${unit.signature}\n${surroundings}`,
      exporter: unit.build(contextOf(unit.name))
    }))
    return {
      apply: async () => {
        const wanted = new Map(planned.map(p => [p.name, p.signature]))
        const gone = [...this.#running].filter(([name, r]) => wanted.get(name) !== r.signature)
        await Promise.all(gone.map(([name]) => this.#end(name)))
        for (const p of planned) if (!this.#running.has(p.name)) this.#start(p.name, p.signature, p.exporter)
      }
    }
  }

  #start(name: string, signature: string, exporter: Exporter): void {
    const abort = new AbortController()
    const done = exporter.run(this.#reader, abort.signal).catch((error: unknown) => {
      this.#log.error({ err: error, exporter: name }, 'The exporter ended by a bug.')
    })
    this.#running.set(name, { signature, exporter, abort, done })
  }

  async #end(name: string): Promise<void> {
    const running = this.#running.get(name)!
    this.#running.delete(name)
    running.abort.abort()
    await running.done
    await running.exporter.close()
  }

  /** Each sends once more and ends. */
  async stop(): Promise<void> {
    await Promise.all([...this.#running.keys()].map(name => this.#end(name)))
  }
}
