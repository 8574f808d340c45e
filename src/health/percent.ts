// The option kind `85%`.
import type { Field } from '../core/field.ts'

/** A share of a whole; past the field a number from 0 to 100. */
export const percent = (doc: string, extra: { default?: string; example?: string } = {}): Field<number> => ({
  ...extra,
  doc,
  type: 'percentage',
  limits: '0% to 100%',
  json: { type: 'string', pattern: '^\\d+(\\.\\d+)?%$' },
  read: (value, report) => {
    const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)\s*%$/.exec(value.trim()) : null
    const n = match === null ? NaN : Number(match[1])
    if (n <= 100) return n
    return void report('', `must be a percentage such as "85%", got ${JSON.stringify(value)}`)
  }
})
