// Which records an output takes, and what it leaves out of them or adds: `when`, `level`, `fields`, `drop_fields`.
import type { Changes, Selection } from '../../core/component.ts'
import type { Condition } from '../../core/condition.ts'
import { fieldReader } from '../../core/event.ts'
import { anything, choice, condition, fieldRef, LEVEL_WORDS, list, map, optional } from '../../core/field.ts'
import type { Values } from '../../core/field.ts'
import { textOf } from '../../core/template.ts'
import { SEVERITY_NAMES, severityOf } from '../syslog/priority.ts'

const LEVELS = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'] as const
/** Where records have their level; the first that is there and known counts. */
const LEVEL_FIELDS = ['log.level', 'level', 'loglevel', 'severity']

export const selectionFields = {
  when: optional(
    condition(
      'Only records that meet this condition; the others are done for this output, and counted. Without it, all.',
      { example: { response: { gte: 500 } } }
    )
  ),
  level: optional(
    choice(
      LEVELS,
      'Only records that are at least this severe, by the first of `log.level`, `level`, `loglevel`, `severity` that ' +
        "has a level known to syslog or a logger (`WARN`, `fatal`, pino's 40). Records without one pass.",
      { example: 'warning', words: LEVEL_WORDS }
    )
  ),
  fields: optional(
    map(anything('Any value.'), "Put under `fields` on every record for this output, over the input's and the agent's.")
  ),
  drop_fields: list(
    fieldRef('A field.'),
    'Left out of the records for this output. Conditions and the names of indices still see them; the time stays.',
    { default: [], example: ['message', 'host.ip'] }
  )
}
export type SelectionOptions = Values<typeof selectionFields>

/** Undefined when the output gets every record as it is. */
export function selectionOf(output: string, o: SelectionOptions): Selection | undefined {
  const takes = both(o.when, o.level === undefined ? undefined : atLeast(o.level))
  const changes = changesOf(o)
  return takes === undefined && changes === undefined ? undefined : { output, takes, changes }
}

function both(a: Condition | undefined, b: Condition | undefined): Condition | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const test: Condition = (event, cursor) => a(event, cursor) && b(event, cursor)
  return a.reads === undefined || b.reads === undefined
    ? test
    : Object.assign(test, { reads: [...a.reads, ...b.reads] })
}

function atLeast(level: string): Condition {
  const limit = SEVERITY_NAMES.indexOf(level)
  const readers = LEVEL_FIELDS.map(fieldReader)
  const test: Condition = (event, cursor) => {
    for (const read of readers) {
      const severity = severityOf(textOf(read(event, cursor)))
      if (severity !== undefined) return severity <= limit
    }
    return true
  }
  return Object.assign(test, { reads: LEVEL_FIELDS })
}

function changesOf({ fields = {}, drop_fields: drop }: SelectionOptions): Changes | undefined {
  return drop.length + Object.keys(fields).length === 0 ? undefined : { drop, fields }
}
