// Runs an exporter as the agent does, on a clock of the test's, and keeps what it says and counts.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Exporter, ExporterDefinition } from '../../src/core/component.ts'
import { readFields } from '../../src/core/field.ts'
import type { Family, MetricReader } from '../../src/core/instruments.ts'
import type { LogData } from '../../src/core/log.ts'
import { silentLog } from '../../src/core/log.ts'
import { createStore } from '../../src/metrics/store.ts'
import { manualClock } from './manual-clock.ts'
import { context } from './step.ts'

export interface RunningExporter {
  /** Levels and errnos of what it logged. */
  readonly lines: string[]
  /** Lets ten seconds pass and waits until what they bring is sent, or has failed. */
  flush(): Promise<void>
  /** Sends what is left and ends. */
  stop(): Promise<void>
  /** How often each errno came. */
  errors(): Promise<Record<string, number>>
}

/** What `lint` and the reading of options say; none when they are right. */
export function optionFaults(definition: ExporterDefinition, options: Record<string, unknown>): string[] {
  const faults: string[] = []
  const read = readFields(definition.fields, options, (option, message) => void faults.push(`${option}: ${message}`))
  if (read !== undefined)
    for (const [option, message] of definition.lint?.(read as never) ?? []) faults.push(`${option}: ${message}`)
  return faults
}

const FLUSH_MS = 10_000

/** Starts it with a first reading already taken; its `flush` is ten seconds. */
export async function startExporter(
  t: TestContext,
  definition: ExporterDefinition,
  options: Record<string, unknown>,
  reader: MetricReader
): Promise<RunningExporter> {
  assert.deepEqual(optionFaults(definition, { prefix: 'p', flush: '10s', ...options }), [])
  const manual = manualClock()
  let rounds = 0
  const clock = {
    ...manual,
    wait: (ms: number, signal?: AbortSignal) => {
      if (ms === FLUSH_MS) rounds++
      return manual.wait(ms, signal)
    }
  }
  const store = createStore()
  const lines: string[] = []
  const say = (level: string) => (data: LogData) => void lines.push(`${level} ${String(data['errno'] ?? '')}`.trim())
  const log = { ...silentLog, warn: say('warn'), info: say('info') }
  const values = readFields(definition.fields, { prefix: 'p', flush: '10s', ...options }, assert.fail)
  const exporter: Exporter = definition.build(
    values as never,
    context({ name: definition.name, clock, log, instruments: store.instruments })
  )
  const abort = new AbortController()
  const ran = exporter.run(reader, abort.signal)
  await t.waitFor(() => assert.equal(rounds, 1), { timeout: 10_000, interval: 2 })
  const stop = async (): Promise<void> => {
    abort.abort()
    await ran
    await exporter.close()
  }
  t.after(stop)
  return {
    lines,
    stop,
    async flush() {
      const before = rounds
      await manual.advance(FLUSH_MS)
      await t.waitFor(
        async () => {
          // What it waits for within a flush passes too.
          if (rounds === before) await manual.advance(2)
          assert.ok(rounds > before)
        },
        { timeout: 60_000, interval: 2 }
      )
    },
    async errors() {
      const found = (await store.read()).find(({ name }) => name === 'yarder_exporter_errors_total')
      return Object.fromEntries([...(found?.samples ?? [])].map(({ labels, value }) => [labels['errno']!, value]))
    }
  }
}

/** A reader of these families, which may change between readings. */
export const readerOf = (families: () => Family[]): MetricReader => ({ read: () => Promise.resolve(families()) })
