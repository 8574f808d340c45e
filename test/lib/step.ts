// Runs one step on one record as the pipeline does.
import type { BuiltStep, Context, Source } from '../../src/core/component.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { Cursor, Event } from '../../src/core/event.ts'
import { readFields } from '../../src/core/field.ts'
import type { Field, Fields } from '../../src/core/field.ts'
import { silentInstruments } from '../../src/core/instruments.ts'
import { silentLog } from '../../src/core/log.ts'
import { memoryState } from '../../src/core/state.ts'

/** 2026-11-22T12:00:00Z, a Sunday. */
export const ARRIVAL = Date.UTC(2026, 10, 22, 12)

export const source = (id = 'f1', constants: Event = {}): Source => ({
  input: 'test',
  id,
  path: '/var/log/test.log',
  constants
})

export const cursorAt = (over: Partial<Cursor> = {}): Cursor => ({
  source: source(),
  time: NaN,
  arrival: ARRIVAL,
  offset: 0,
  failed: '',
  ...over
})

export const context = (over: Partial<Context> = {}): Context => ({
  name: 'test',
  log: silentLog,
  clock: systemClock,
  instruments: silentInstruments,
  state: memoryState(),
  dataDir: '/nonexistent',
  configDir: '/nonexistent',
  schema: 'logstash',
  timezone: 'UTC',
  constants: {},
  once: false,
  outputs: [],
  ...over
})

interface Definition {
  readonly name: string
  readonly fields?: Fields
  readonly value?: Field<unknown>
  lint?(options: never): Iterable<readonly [string, string]>
  build(options: never, context: Context): BuiltStep
}

/** What the configuration says about options: every fault, `option: message`. */
export function faults(definition: Definition, options: unknown): string[] {
  const out: string[] = []
  const read = readOptions(definition, options, (path, message) => out.push(`${path}: ${message}`))
  if (out.length === 0)
    for (const [option, message] of definition.lint?.(read as never) ?? []) out.push(`${option}: ${message}`)
  return out
}

/** Builds a step from options as they stand in YAML; throws when they are wrong. */
export function build(definition: Definition, options: unknown, over: Partial<Context> = {}): BuiltStep {
  const wrong = faults(definition, options)
  if (wrong.length > 0) throw new TypeError(wrong.join('\n'))
  return definition.build(readOptions(definition, options, () => {}) as never, context(over))
}

function readOptions(
  definition: Definition,
  options: unknown,
  report: (path: string, message: string) => void
): unknown {
  return definition.fields === undefined
    ? definition.value!.read(options, report)
    : readFields(definition.fields, options, report)
}

/** What a step makes of a line or a record. `time` is ISO, '' for none. */
export function run(
  step: BuiltStep,
  record: string | Event,
  over: Partial<Cursor> = {}
): { event: Event; time: string; failed: string; kept: boolean } {
  const event: Event = typeof record === 'string' ? { message: record } : structuredClone(record)
  const cursor = cursorAt(over)
  const kept = step.run(event, cursor)
  return {
    event,
    time: Number.isNaN(cursor.time) ? '' : new Date(cursor.time).toISOString(),
    failed: cursor.failed,
    kept
  }
}
