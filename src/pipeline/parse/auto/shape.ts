// One known format: how its lines look, and what becomes of the pieces.
import { fail } from '../../../core/event.ts'
import type { Cursor, Event } from '../../../core/event.ts'
import { FirstThatFits } from '../date/first-that-fits.ts'
import { compileDate } from '../date/parser.ts'
import type { Zone } from '../date/zone.ts'

/** How a format stands in the table. */
export interface Shape {
  readonly name: string
  /** The characters its lines begin with: `0-9`, `A-Z` and the like, as in a character class. */
  readonly starts: string
  /** Anchored at the start, linear, with numbered groups. */
  readonly pattern: RegExp
  /**
   * What each group is: the name of a field, `name:int` for a number, `-` for nothing. `@time` is the time, `@request`
   * the request line of an access log, `@text` the message proper, which may hold more.
   */
  readonly groups: string
  /** Formats of `@time`, as of the `date` step; without them ISO 8601. */
  readonly time?: readonly string[]
  /** Signs that stand for a level, and the level. */
  readonly levels?: Readonly<Record<string, string>>
  /** Fields that are the same in every line of the format. */
  readonly fields?: Readonly<Event>
}

export interface Compiled {
  readonly name: string
  /** True when the text is of the format; the record has its fields then. */
  take(text: string, event: Event, cursor: Cursor): boolean
}

type Put = (value: string, event: Event, cursor: Cursor) => void

// PostgreSQL and others print `CET` and the like where ISO 8601 has an offset.
const ISO_FORMATS = ['ISO8601', 'yyyy-MM-dd HH:mm:ss.SSS ZZZ', 'yyyy-MM-dd HH:mm:ss ZZZ', 'yyyy-MM-dd HH:mm:ss,SSS ZZZ']

/** Decides once what is done with each group. `inside` looks into the message proper. */
export function compileShape(shape: Shape, zone: Zone, inside: Put): Compiled {
  const dates = new FirstThatFits((shape.time ?? ISO_FORMATS).map(format => compileDate(format, zone)))
  const puts = shape.groups.split(' ').map(group => putOf(group, dates, inside, shape.levels))
  const constants = Object.entries(shape.fields ?? {})
  const { pattern } = shape
  // A lone dash says that there is nothing, but where it is a sign.
  const signs = shape.levels !== undefined
  return {
    name: shape.name,
    take(text, event, cursor) {
      const m = pattern.exec(text)
      if (m === null) return false
      for (let i = 0; i < constants.length; i++) event[constants[i]![0]] = constants[i]![1]
      for (let i = 0; i < puts.length; i++) {
        const value = m[i + 1]
        if (value !== undefined && value !== '' && (value !== '-' || signs)) puts[i]!(value, event, cursor)
      }
      return true
    }
  }
}

function putOf(group: string, dates: FirstThatFits, inside: Put, levels?: Readonly<Record<string, string>>): Put {
  if (group === '-') return () => {}
  if (group === '@text') return inside
  if (group === '@request') return putRequest
  if (group === '@time') return (value, event, cursor) => putTimestamp(value, dates, event, cursor)
  if (group === '@priority') return putPriority
  if (group === 'level' && levels !== undefined) return (value, event) => void (event['level'] = levels[value] ?? value)
  const [name = '', kind] = group.split(':')
  if (kind === 'int') {
    return (value, event) => {
      const n = Number(value)
      event[name] = Number.isSafeInteger(n) ? n : value
    }
  }
  if (kind === 'number') return (value, event) => void (event[name] = Number(value))
  return (value, event) => {
    event[name] = value
  }
}

function putTimestamp(text: string, dates: FirstThatFits, event: Event, cursor: Cursor): void {
  const ms = dates.at(text, cursor.arrival)
  event['timestamp'] = text
  if (ms !== ms) fail(event, cursor, '_dateparsefailure')
  else {
    cursor.time = ms
    if (dates.assumed.length > 0) event['time_assumed'] = [...dates.assumed]
  }
}

// RFC 5424, section 6.2.1: the lowest three bits.
const SEVERITIES = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug']

function putPriority(value: string, event: Event): void {
  const priority = Number(value)
  event['syslog_pri'] = priority
  event['level'] = SEVERITIES[priority & 7]
}

const REQUEST = /^([A-Za-z][\w-]*)(?: +(\S+))??(?: +HTTP\/(\d(?:\.\d)?))?$/

/** `GET /path HTTP/1.1`; also without the path or the version. What is none of these is kept as `rawrequest`. */
export function putRequest(line: string, event: Event): void {
  const m = REQUEST.exec(line)
  if (m === null) {
    event['rawrequest'] = line
    return
  }
  event['verb'] = m[1]
  if (m[2] !== undefined) event['request'] = m[2]
  if (m[3] !== undefined) event['httpversion'] = m[3]
}
