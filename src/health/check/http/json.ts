// `expect_json` of the `http` check: values at paths of a JSON body, each told by its name when it is not as expected.
import type { Source } from '../../../core/component.ts'
import { compileCondition, ConditionError } from '../../../core/condition.ts'
import type { Condition } from '../../../core/condition.ts'
import { fieldReader } from '../../../core/event.ts'
import type { Cursor, Event } from '../../../core/event.ts'
import { isMap } from '../../../core/field.ts'
import type { Field } from '../../../core/field.ts'

interface Expectation {
  readonly path: string
  readonly holds: Condition
  readonly read: ReturnType<typeof fieldReader>
  /** As the configuration has it. */
  readonly wanted: string
}

const source: Source = { input: '', id: '', path: undefined, constants: {} }
const cursor: Cursor = { source, time: NaN, arrival: 0, offset: 0, failed: '' }

/** Paths such as `status` or `nodes.0.state`, each with what `when` of a step takes for a field. */
export const jsonField = (doc: string, extra: { example?: unknown } = {}): Field<readonly Expectation[]> => ({
  ...extra,
  doc,
  type: 'map of path to value',
  json: { type: 'object' },
  read: (value, report) => {
    if (!isMap(value) || Object.keys(value).length === 0)
      return void report('', `must be a map of paths to values, got ${JSON.stringify(value)}`)
    let good = true
    const found: Expectation[] = []
    for (const [path, wanted] of Object.entries(value)) {
      try {
        const holds = compileCondition({ [path]: wanted })
        found.push({ path, holds, read: fieldReader(path), wanted: JSON.stringify(wanted) })
      } catch (error) {
        good = false
        report(`.${error instanceof ConditionError ? error.path : path}`, (error as Error).message)
      }
    }
    return good ? found : undefined
  }
})

/** The first thing that is not as expected; undefined when all is. */
export function jsonFault(body: string, expected: readonly Expectation[]): string | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    return `the body is no JSON: ${JSON.stringify(body.slice(0, 80))}`
  }
  if (typeof parsed !== 'object' || parsed === null) return `the body is ${JSON.stringify(parsed)}, no object or list`
  const event = parsed as Event
  const wrong = expected.find(e => !e.holds(event, cursor))
  if (wrong === undefined) return undefined
  const is = wrong.read(event, cursor)
  return `${wrong.path} is ${is === undefined ? 'not there' : JSON.stringify(is).slice(0, 80)}, expected ${wrong.wanted}`
}
