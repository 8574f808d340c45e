// Cron lines: what they mean by node-cron, and when they are next due, right over changes of the clock and its zone.
//
// node-cron's own runner pauses for an hour when summer time ends, leaves out what falls into the hour that summer time
// skips, and works off every missed second after a suspend (docs/dependencies.md). So it reads the lines and judges the
// days; the wall clock is walked here, and turned into instants by the zone's own transitions.
import { createTask, parse, validateDetailed } from 'node-cron'
import type { Field } from '../core/field.ts'

const FIELD_NAMES: Record<string, string> = { dayOfMonth: 'day of month', dayOfWeek: 'day of week' }
const DAY_MS = 86_400_000
/** 29 February comes again after at most so many days (over a century that has none). */
const MAX_DAYS = 8 * 366 + 1

/** A cron line of five fields, or six with seconds first. */
export const cronField = (doc: string, extra: { example?: string } = {}): Field<string> => ({
  ...extra,
  doc,
  type: 'cron line',
  limits: 'five fields, or six with seconds first',
  json: { type: 'string' },
  read: (value, report) => {
    if (typeof value !== 'string')
      return void report('', `must be a cron line such as "*/15 * * * * *", got ${JSON.stringify(value)}`)
    const { valid, errors } = validateDetailed(value)
    if (valid) return value
    for (const { field, value: part, message } of errors) {
      const what = field === 'expression' ? message : `${FIELD_NAMES[field] ?? field} cannot be "${part ?? ''}"`
      report('', `must be a cron line such as "*/15 * * * * *": ${what}, got ${JSON.stringify(value)}`)
    }
    return undefined
  }
})

/** An IANA time zone that this host knows. */
export const zoneField = (doc: string, extra: { example?: string } = {}): Field<string> => ({
  ...extra,
  doc,
  type: 'time zone',
  json: { type: 'string' },
  read: (value, report) => {
    if (typeof value === 'string' && isZone(value)) return value
    return void report('', `must be an IANA zone such as "Europe/Berlin", got ${JSON.stringify(value)}`)
  }
})

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) instanceof Intl.DateTimeFormat
  } catch {
    return false
  }
}

/** The first instant after `now` (both milliseconds since the epoch) that a line names; undefined when there is none. */
export type NextRun = (now: number) => number | undefined

/**
 * As cron does: a line with every hour in it goes on through the end of summer time; any other runs once in the hour
 * that comes twice, and at the end of the hour that is skipped if that would have held its time.
 */
export function compileCron(line: string, zone: string): NextRun {
  const wall = wallClock(line)
  const everyHour = parse(line).hour.length === 24

  return now => {
    let offset = offsetAt(now, zone)
    let from = now + offset + 1
    for (let at = now; ;) {
      const next = wall(from)
      if (next === undefined) return undefined
      const change = transitionAfter(at, zone)
      if (change === undefined || next - offset < change) return next - offset
      const after = offsetAt(change, zone)
      if (after > offset && !everyHour && next < change + after) return change
      from = change + (everyHour ? after : Math.max(offset, after))
      offset = after
      at = change
    }
  }
}

/** The first wall time at or after `from` that the line names. Wall times are counted as if they were UTC. */
function wallClock(line: string): (from: number) => number | undefined {
  const { second, minute, hour, month } = parse(line)
  const times = { second: sorted(second), minute: sorted(minute), hour: sorted(hour) }
  const task = createTask(line, () => {}, { timezone: 'UTC' })
  void task.destroy()
  const first = ((times.hour[0]! * 60 + times.minute[0]!) * 60 + times.second[0]!) * 1000
  // A look at the calendar costs node-cron 50 us, so the month is asked first.
  const isDay = (day: number): boolean =>
    month.includes(new Date(day).getUTCMonth() + 1) && task.match(new Date(day + first))

  return from => {
    let day = Math.floor(from / DAY_MS) * DAY_MS
    const rest = isDay(day) ? timeFrom(times, Math.ceil((from - day) / 1000)) : undefined
    if (rest !== undefined) return day + rest * 1000
    for (let i = 0; i < MAX_DAYS; i++) {
      day += DAY_MS
      if (isDay(day)) return day + first
    }
    return undefined
  }
}

interface Times {
  readonly second: readonly number[]
  readonly minute: readonly number[]
  readonly hour: readonly number[]
}

/** The first second of a day at or after `from` that is among the times. */
function timeFrom({ second, minute, hour }: Times, from: number): number | undefined {
  for (const h of hour) {
    if (h * 3600 + 3599 < from) continue
    for (const m of minute) {
      const start = h * 3600 + m * 60
      if (start + 59 < from) continue
      const s = second.find(at => start + at >= from)
      if (s !== undefined) return start + s
    }
  }
  return undefined
}

const sorted = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b)

const zoned = (at: number, zone: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(Math.floor(at)).toZonedDateTimeISO(zone)

const offsetAt = (at: number, zone: string): number => zoned(at, zone).offsetNanoseconds / 1e6

const transitionAfter = (at: number, zone: string): number | undefined =>
  zoned(at, zone).getTimeZoneTransition('next')?.epochMilliseconds
