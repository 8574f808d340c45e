// Nagios ranges, the way `warning` and `critical` are written: `90%`, `10:20`, `@10:20`, `~:5`, with units.
import type { CheckReason, CheckResult, CheckState } from '../core/component.ts'
import { optional, parseDuration, parseSize } from '../core/field.ts'
import type { Field } from '../core/field.ts'

/** Numbers that raise an alarm: those outside of low to high, or with `inside` those within; both ends belong to it. */
export interface Range {
  readonly low: number
  readonly high: number
  readonly inside: boolean
  /** What is expected, for messages: `at most 90%`. */
  readonly expected: string
}

export const alarms = (range: Range, n: number): boolean => (n >= range.low && n <= range.high) === range.inside

/** What the ends of a range are written in. */
export interface Scale {
  /** In words, for the reference. */
  readonly unit: string
  readonly example: string
  parse(text: string): number | undefined
}

const decimal = (text: string): number | undefined =>
  /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined

const seconds = (text: string): number | undefined => {
  const ms = parseDuration(text)
  return ms === undefined ? undefined : ms / 1000
}

export const SCALES = {
  number: { unit: 'numbers', example: '10', parse: decimal },
  percent: {
    unit: 'percentages',
    example: '85%',
    parse: text => {
      const n = /^\d+(\.\d+)?\s*%$/.test(text) ? Number.parseFloat(text) : NaN
      return n <= 100 ? n : undefined
    }
  },
  /** Past the field it is bytes. */
  size: { unit: 'sizes', example: '10GiB', parse: text => parseSize(text) },
  /** Past the field it is seconds. */
  duration: { unit: 'durations', example: '5m', parse: seconds }
} as const satisfies Record<string, Scale>

/**
 * Reads a range (Nagios plugin guidelines, "Threshold and Ranges"): `10` alarms below 0 and above 10, `10:` below 10,
 * `~:10` above 10, `10:20` outside, `@10:20` inside. Undefined when it is none.
 */
export function parseRange(text: string, parse: Scale['parse']): Range | undefined {
  const match = /^(@?)(?:([^:]*)(:))?([^:]*)$/.exec(text.trim())
  if (match === null) return undefined
  const lowText = match[2]?.trim() ?? ''
  const highText = match[4]!.trim()
  if (lowText === '' && highText === '') return undefined
  const low = lowText === '' ? 0 : lowText === '~' ? -Infinity : parse(lowText)
  const high = highText === '' && match[3] === ':' ? Infinity : parse(highText)
  if (low === undefined || high === undefined || low > high) return undefined
  const inside = match[1] === '@'
  const within =
    high === Infinity ? `at least ${lowText}` : low <= 0 ? `at most ${highText}` : `${lowText} to ${highText}`
  return { low, high, inside, expected: inside ? `not ${within}` : within }
}

/** A range; numbers are taken as they would print. */
export const range = (doc: string, scale: Scale, extra: { default?: string; example?: string } = {}): Field<Range> => ({
  ...extra,
  doc,
  type: 'range',
  limits: `of ${scale.unit}`,
  json: { type: ['string', 'number'] },
  read: (value, report) => {
    const text = typeof value === 'string' || typeof value === 'number' ? String(value) : ''
    const found = parseRange(text, scale.parse)
    if (found !== undefined) return found
    const e = scale.example
    return void report(
      '',
      `must be a range such as "${e}" (at most) or "${e}:" (at least), got ${JSON.stringify(value)}`
    )
  }
})

/** The two ranges of a number, as every kind that has one takes them. */
export interface Ranges {
  readonly warning: Range | undefined
  readonly critical: Range | undefined
}

const RULE =
  'A Nagios range: `X` allows up to X, `"X:"` from X on, `"X:Y"` from X to Y, `"@X:Y"` all but that; quote what has a `:` or `@`.'

/** `warning` and `critical`, both optional, for a kind that judges one number. `what` is that number, in words. */
export const rangeFields = (
  what: string,
  scale: Scale,
  examples: readonly [warning: string, critical: string]
): { warning: Field<Range | undefined>; critical: Field<Range | undefined> } => ({
  warning: optional(range(`${what} outside of it is a warning. ${RULE}`, scale, { example: examples[0] })),
  critical: optional(
    range(`${what} outside of it is critical; written as \`warning\`.`, scale, { example: examples[1] })
  )
})

/** For `lint`: a warning that comes only after the critical is a mistake. */
export function* lintRanges(
  warning: Range | undefined,
  critical: Range | undefined,
  names: readonly [warning: string, critical: string] = ['warning', 'critical']
): Iterable<readonly [option: string, message: string]> {
  if (warning === undefined || critical === undefined || warning.inside || critical.inside) return
  if (warning.high > critical.high) yield [names[0], `must not be above ${names[1]}`]
  if (warning.low < critical.low) yield [names[0], `must not be below ${names[1]}`]
}

/** What one number, or one rule, says about the whole. */
export interface Part {
  readonly state: CheckState
  readonly reason: CheckReason
  readonly message: string
}

/** Judges a number; `message` says what it is, and what was expected is added when it is not that. */
export function judge(n: number, { warning, critical }: Ranges, reason: CheckReason, message: string): Part {
  const broken = [critical, warning].find(r => r !== undefined && alarms(r, n))
  if (broken === undefined) return { state: 'ok', reason: 'ok', message }
  const state = broken === critical ? 'critical' : 'warning'
  return { state, reason, message: `${message}, expected ${broken.expected}` }
}

const RANK: readonly CheckState[] = ['ok', 'unknown', 'warning', 'critical']

/** The worst part speaks first; every part that is not ok has its say. The first part speaks when all are ok. */
export function worst(parts: readonly [Part, ...Part[]]): CheckResult {
  const bad = parts.filter(p => p.state !== 'ok').sort((a, b) => RANK.indexOf(b.state) - RANK.indexOf(a.state))
  if (bad.length === 0) return { ...parts[0], reason: 'ok' }
  return { state: bad[0]!.state, reason: bad[0]!.reason, message: bad.map(p => p.message).join('; ') }
}
