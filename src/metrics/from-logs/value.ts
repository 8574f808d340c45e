// The options `value`, `unit` and `scale`: from each record a number in the unit that the metric's name promises.
import { fieldReader } from '../../core/event.ts'
import type { Cursor, Event } from '../../core/event.ts'
import * as f from '../../core/field.ts'

/** Of one unit of the field there are so many of the base unit: times seconds, sizes bytes, percent a ratio of 1. */
const UNITS = {
  ns: [1, 1e9],
  us: [1, 1e6],
  ms: [1, 1e3],
  s: [1, 1],
  min: [60, 1],
  h: [3600, 1],
  B: [1, 1],
  KB: [1e3, 1],
  MB: [1e6, 1],
  KiB: [1024, 1],
  MiB: [1024 ** 2, 1],
  GiB: [1024 ** 3, 1],
  percent: [1, 100]
} as const
type Unit = keyof typeof UNITS

export const conversionFields = {
  unit: f.optional(
    f.choice(
      Object.keys(UNITS) as Unit[],
      'The unit of the field. Times are converted to seconds, sizes to bytes and percent to a ratio, which Prometheus expects.',
      { example: 'ms' }
    )
  ),
  scale: f.optional(
    f.number('What the field is multiplied with, where no `unit` fits.', {
      example: 0.001
    })
  )
}

interface ValueOptions {
  readonly value?: string | undefined
  readonly unit?: Unit | undefined
  readonly scale?: number | undefined
}

/** What of these options doesn't fit together. */
export function* lintValue({
  value,
  unit,
  scale
}: ValueOptions): Generator<readonly ['value' | 'unit' | 'scale', string]> {
  if (unit !== undefined && scale !== undefined) yield ['scale', 'must not stand beside unit; one of them converts']
  if (value === undefined && unit !== undefined) yield ['unit', 'needs a value to convert']
  if (value === undefined && scale !== undefined) yield ['scale', 'needs a value to convert']
  if (scale === 0) yield ['scale', 'must not be 0, which would make every value 0']
}

export interface ValueReader {
  /** The reference of the field. */
  readonly reads: readonly string[]
  /** A finite number, or NaN. */
  measure(event: Event, cursor: Cursor): number
  /** Why it is NaN: `missing`, `not_a_number` or `not_finite`. */
  reason(event: Event, cursor: Cursor): string
}

/** Compiles the reader of the field. */
export function valueReader(ref: string, options: ValueOptions): ValueReader {
  const read = fieldReader(ref)
  const [times, over] = conversion(options)
  return {
    reads: [ref],
    measure: (event, cursor) => {
      const n = (numberOf(read(event, cursor)) * times) / over
      return Number.isFinite(n) ? n : NaN
    },
    reason: (event, cursor) => {
      const value = read(event, cursor)
      if (value === undefined || value === null || typeof value === 'symbol') return 'missing'
      const isNumber = typeof value === 'number' || !Number.isNaN(numberOf(value))
      return isNumber ? 'not_finite' : 'not_a_number'
    }
  }
}

/** Dividing by 1000 gives the nearest double, multiplying by 0.001 mostly its neighbour. */
function conversion({ unit, scale }: ValueOptions): readonly [times: number, over: number] {
  if (unit !== undefined) return UNITS[unit]
  if (scale === undefined) return [1, 1]
  const inverse = 1 / scale
  return Number.isInteger(inverse) ? [1, inverse] : [scale, 1]
}

const DECIMAL = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/

/** Grok yields texts, so decimal texts are numbers here; a hexadecimal one or a list such as `0.1, 0.2` is none. */
function numberOf(value: unknown): number {
  if (typeof value === 'number') return value
  if (typeof value === 'string') {
    const n = digitsIn(value)
    return n === -1 ? (DECIMAL.test(value) ? Number(value) : NaN) : n
  }
  return typeof value === 'boolean' || typeof value === 'bigint' ? Number(value) : NaN
}

/** What nearly all texts of logs are, at a fifth of the cost; -1 for any other. Fifteen digits are exact in a double. */
function digitsIn(text: string): number {
  if (text.length > 15 || text === '') return -1
  let n = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return -1
    n = n * 10 + digit
  }
  return n
}
