// `convert`: texts to numbers, booleans or back; where a value is missing there is no field.
import { defineValueStep } from '../../core/component.ts'
import { fail, fieldReader, fieldRemover, fieldWriter } from '../../core/event.ts'
import type { Cursor, Event } from '../../core/event.ts'
import { choice, map } from '../../core/field.ts'
import { topOf } from '../parse/put.ts'

/** What a conversion gives when the value means "nothing here", or can't be converted. */
const MISSING = Symbol('missing')
const WRONG = Symbol('wrong')

type Convert = (value: unknown) => unknown

const CONVERT: Record<'integer' | 'float' | 'boolean' | 'string', Convert> = {
  integer: toInteger,
  float: toFloat,
  boolean: toBoolean,
  string: toText
}

export const convert = defineValueStep({
  name: 'convert',
  summary: 'Gives fields another type: integer, float, boolean or string.',
  description: `A value that says there is none (an empty text, \`-\`, or \`"-"\` with its quotes, as web servers log it) makes the field
disappear, whatever the type. What can't be converted stays as it is, and the record is tagged \`_convertfailure\`. Whole
numbers beyond 2^53 stay exact, as text. Lists are converted value by value.

Booleans: true, t, yes, y, on, 1 and false, f, no, n, off, 0, in any case.`,
  value: map(choice(['integer', 'float', 'boolean', 'string'], 'The type.'), 'Fields and the types they get.', {
    min: 1,
    example: { response: 'integer', request_time: 'float' }
  }),
  examples: [
    { title: 'Numbers of an access log', yaml: 'convert: { response: integer, bytes: integer, auth: string }\n' }
  ],
  build(types) {
    const each = Object.entries(types).map(([field, type]) => ({
      read: fieldReader(field),
      write: fieldWriter(field),
      remove: fieldRemover(field),
      to: CONVERT[type]
    }))
    const integers = Object.values(types).every(type => type === 'integer')
    return {
      ...(integers ? { fuse: { kind: 'integers' as const, fields: Object.keys(types) } } : {}),
      writes: ['tags', ...Object.keys(types).map(topOf)],
      run: (event: Event, cursor: Cursor) => {
        for (let i = 0; i < each.length; i++) {
          const { read, write, remove, to } = each[i]!
          const value = read(event, cursor)
          if (value === undefined || value === null || typeof value === 'symbol') continue
          const result = Array.isArray(value) ? listTo(value, to) : to(value)
          if (result === WRONG) fail(event, cursor, '_convertfailure')
          else if (result === MISSING) remove(event, cursor)
          else if (result !== value) write(event, cursor, result)
        }
        return true
      }
    }
  }
})

function listTo(values: readonly unknown[], to: Convert): unknown {
  const out = values.map(to)
  return out.includes(WRONG) ? WRONG : out.filter(v => v !== MISSING)
}

const missing = (text: string): boolean => text === '-' || text === '' || text === '"-"'

function toInteger(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? value : WRONG
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value !== 'string') return WRONG
  const small = digits(value)
  if (small >= 0) return small
  const text = value.trim()
  if (missing(text)) return MISSING
  if (!/^[+-]?\d+(?:\.0*)?$/.test(text)) return WRONG
  const n = Number(text)
  // Minus zero is written as 0 anyway; the sum makes it one.
  return Number.isSafeInteger(n) ? n + 0 : text
}

/** The number of up to 15 plain digits, nearly all there is in logs; -1 for other texts. */
function digits(text: string): number {
  const size = text.length
  if (size === 0 || size > 15) return -1
  let n = 0
  for (let i = 0; i < size; i++) {
    const d = text.charCodeAt(i) - 48
    if (d < 0 || d > 9) return -1
    n = n * 10 + d
  }
  return n
}

function toFloat(value: unknown): unknown {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value !== 'string') return WRONG
  const text = value.trim()
  if (missing(text)) return MISSING
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return WRONG
  const n = Number(text)
  return Number.isFinite(n) ? n : WRONG
}

const TRUE = new Set(['true', 't', 'yes', 'y', 'on', '1', '1.0'])
const FALSE = new Set(['false', 'f', 'no', 'n', 'off', '0', '0.0'])

function toBoolean(value: unknown): unknown {
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return value === 1 ? true : value === 0 ? false : WRONG
  if (typeof value !== 'string') return WRONG
  const word = value.trim().toLowerCase()
  return missing(word) ? MISSING : TRUE.has(word) ? true : FALSE.has(word) ? false : WRONG
}

function toText(value: unknown): unknown {
  if (typeof value === 'string') return missing(value) ? MISSING : value
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
