// Conditions as they are written on a command line: `response>=500`, `request~^/api`, `clientip=10.0.0.0/8`.
import { isIP } from 'node:net'
import { compileCondition, ConditionError } from '../core/condition.ts'
import type { Condition } from '../core/condition.ts'
import { YarderError } from '../core/errors.ts'
import type { Cursor, Event } from '../core/event.ts'

export const WHERE_HELP = `Conditions: FIELD=VALUE, != for unlike; ~ and !~ for a regular expression; > >= < <= for numbers.
A network such as clientip=10.0.0.0/8 means every address in it. Several must all hold.`

const FORM = /^\s*([^=~<>!\s][^=~<>!]*?)\s*(==?|!=|!~|~|>=|<=|>|<)\s*(.*?)\s*$/s
const LIMITS: Record<string, string> = { '>': 'gt', '>=': 'gte', '<': 'lt', '<=': 'lte' }

/** Compiles one condition; throws YarderError (USAGE) that says what would be right. */
export function parseWhere(text: string): Condition {
  const [, name = '', operator = '', value = ''] = FORM.exec(text) ?? []
  const wrong = (what: string, cause?: unknown): YarderError =>
    new YarderError('USAGE', `the condition ${JSON.stringify(text)} ${what}`, { cause })
  if (name === '') throw wrong('must be a field, one of = != ~ !~ > >= < <=, and a value, such as "response>=500"')
  // These words join conditions in the configuration; here they can only be fields.
  const field = ['any', 'all', 'not'].includes(name) ? `[${name}]` : name
  const limit = LIMITS[operator]
  if (limit !== undefined && (value === '' || !Number.isFinite(Number(value)))) {
    throw wrong(`compares with a number, got ${JSON.stringify(value)}`)
  }
  const test =
    limit !== undefined ? { [limit]: Number(value) } : operator.endsWith('~') ? { matches: value } : equal(value)
  const spec = { [field]: test }
  try {
    return compileCondition(operator.startsWith('!') ? { not: spec } : spec)
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error
    throw wrong(error.message, error)
  }
}

/** What `=` means: a network holds its addresses, a text or number is itself. */
function equal(value: string): unknown {
  const [address = '', bits = ''] = value.split('/')
  return isIP(address) !== 0 && /^\d{1,3}$/.test(bits) ? { cidr: value } : value
}

const DAY_MS = 86_400_000
/** A time of day with its zone, in a line of a log. */
const ZONED = /\d\d:\d\d(?::\d\d)?(?:[.,]\d+)? ?(?:Z|([+-])(\d\d):?(\d\d))(?![\d:])/

/**
 * Records of one day, `YYYY-MM-DD`, as the lines themselves write it: by the offset that stands in a line, else in
 * `zone`. With `always` the zone counts for every line. A record that has no time of its own is of no day.
 */
export function onDay(day: string, zone: string, always: boolean): Condition {
  const { start, from, to } = boundsOf(day, zone)
  return (event, cursor) => {
    const { time } = cursor
    const offset = always ? NaN : offsetIn(event)
    if (offset !== offset) return time >= from && time < to
    const local = time + offset
    return local >= start && local < start + DAY_MS
  }
}

function boundsOf(day: string, zone: string): { start: number; from: number; to: number } {
  if (!/^\d{4}-\d\d-\d\d$/.test(day)) {
    throw new YarderError('USAGE', `the date must be written YYYY-MM-DD, got ${JSON.stringify(day)}`)
  }
  try {
    const date = Temporal.PlainDate.from(day, { overflow: 'reject' })
    const midnight = (of: Temporal.PlainDate, at: string): number => of.toZonedDateTime(at).epochMilliseconds
    return { start: midnight(date, 'UTC'), from: midnight(date, zone), to: midnight(date.add({ days: 1 }), zone) }
  } catch (cause) {
    throw new YarderError('USAGE', `there is no day ${day} in the time zone ${zone}`, { cause })
  }
}

/** Milliseconds east of UTC that the record's line names; NaN when it names no offset. */
function offsetIn(event: Event): number {
  const line = event['message']
  const found = typeof line === 'string' ? ZONED.exec(line) : null
  if (found === null) return NaN
  const [, sign, hours, minutes] = found
  return sign === undefined ? 0 : (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
}

/** All must hold. */
export const every =
  (conditions: readonly Condition[]): Condition =>
  (event: Event, cursor: Cursor) =>
    conditions.every(condition => condition(event, cursor))
