// Options that are numbers, bare or with a unit.
import type { Rate } from '../rate.ts'
import { rule } from './kind.ts'
import type { Extra, Field } from './kind.ts'
import { parseDuration, parseRate, parseSize } from './units.ts'

interface Limits {
  min?: number | string
  max?: number | string
}

/** A parsed unit and its limits, in one rule: `must be a duration such as … , at least 10ms`. */
function measured<T extends number>(
  doc: string,
  type: string,
  json: Record<string, unknown>,
  what: string,
  parse: (v: unknown) => number | undefined,
  extra: Extra<T> & Limits
): Field<number> {
  const min = extra.min === undefined ? -Infinity : parse(extra.min)!
  const max = extra.max === undefined ? Infinity : parse(extra.max)!
  const limits = [
    extra.min === undefined ? '' : `at least ${extra.min}`,
    extra.max === undefined ? '' : `at most ${extra.max}`
  ]
    .filter(s => s !== '')
    .join(', ')
  const must = limits === '' ? what : `${what}, ${limits}`
  return rule<number>(
    doc,
    type,
    json,
    must,
    v => {
      const n = parse(v)
      return n !== undefined && n >= min && n <= max ? n : undefined
    },
    { ...extra, ...(limits === '' ? {} : { limits }) } as Extra<number> & { limits?: string }
  )
}

const numeric = (v: unknown): number | undefined => {
  const n =
    typeof v === 'number'
      ? v
      : typeof v === 'string' && /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(v.trim())
        ? Number(v)
        : NaN
  return Number.isFinite(n) ? n : undefined
}

export const number = (doc: string, extra: Extra<number> & Limits = {}): Field<number> =>
  measured(doc, 'number', { type: 'number' }, 'a number', numeric, extra)

export const integer = (doc: string, extra: Extra<number> & Limits = {}): Field<number> =>
  measured(
    doc,
    'integer',
    { type: 'integer' },
    'a whole number',
    v => {
      const n = numeric(v)
      return n !== undefined && Number.isSafeInteger(n) ? n : undefined
    },
    extra
  )

/** Past the field it is milliseconds. */
export const duration = (doc: string, extra: Extra<number> & Limits = {}): Field<number> =>
  measured(
    doc,
    'duration',
    { type: ['string', 'integer'], pattern: '^(0|(\\d+(\\.\\d+)?(ms|s|m|h|d|w))+)$' },
    'a duration such as "500ms", "5s" or "1m"',
    parseDuration,
    extra
  )

/** Past the field it is bytes. */
export const size = (doc: string, extra: Extra<number> & Limits = {}): Field<number> =>
  measured(doc, 'size', { type: ['string', 'integer'] }, 'a size such as "64KiB", "10MiB" or 4096', parseSize, extra)

/** Past the field it is records or bytes a second. */
export const rate = (doc: string, extra: { example?: string } = {}): Field<Rate> =>
  rule(doc, 'rate', { type: 'string' }, 'a rate such as "1000/s", "5000/m" or "2MiB/s"', parseRate, extra)
