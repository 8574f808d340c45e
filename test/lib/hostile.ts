// Values and lines that no component may stumble over, and records made of them.
import { REMOVED } from '../../src/core/event.ts'
import type { Event } from '../../src/core/event.ts'

const LONG = 64 * 1024

/** Texts that a line or a field of it may be. */
export const hostileTexts: readonly string[] = [
  '',
  ' ',
  '-',
  '"',
  '"-"',
  'x',
  '0',
  '-1',
  '1e999',
  '9'.repeat(400),
  '9007199254740993',
  'true',
  '\0',
  'a\0b',
  '\n\r\n\n',
  '\ufeff',
  '\ud800',
  'a\udc00b',
  '😀😀',
  'é'.repeat(1000),
  '\u2028\u2029\u0085',
  '%{message}',
  '%{+yyyy}',
  '$1 $& $` \\1',
  '__proto__',
  'constructor=1 __proto__=2 toString=3 hasOwnProperty=4',
  '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
  '{"@timestamp":1e300,"tags":{"a":1},"message":null,"host":7}',
  '{"@timestamp":{"a":[]},"a.b":1,"a":{"b":{"c":2}},"":"",".":1,"..a":2}',
  '{"\\ud800":"\\udfff"}',
  '{"a":'.repeat(3000),
  `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`,
  `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
  '0000-00-00T00:00:00Z',
  '9999-99-99T99:99:99.999999999999+99:99',
  '+275760-09-13T00:00:00.001Z',
  '99/Zzz/0000:99:99:99 +9999',
  '127.0.0.1 - - [',
  '"a","b""c,d',
  ',,,,,,,,',
  '='.repeat(1000),
  'a=b '.repeat(2000),
  'a="b'.repeat(2000),
  '[[[[]]]] {{{{ }}}} <<<<>>>>',
  ' '.repeat(LONG),
  '"'.repeat(LONG),
  ','.repeat(LONG),
  'a.'.repeat(LONG / 2),
  '1'.repeat(LONG / 8),
  'a'.repeat(1024 * 1024)
]

/** What else may stand in a field, with what `remove` leaves where a constant was. */
const hostileValues: readonly unknown[] = [
  undefined,
  null,
  true,
  false,
  0,
  -0,
  NaN,
  Infinity,
  -1e308,
  2 ** 53,
  [],
  [null],
  ['a', 1, null, ['b'], { c: 1 }],
  Array.from({ length: 2000 }, (_, i) => i),
  {},
  { a: { b: { c: null } } },
  { '': 1, '.': 2, 'a.b': 3 },
  JSON.parse('{"__proto__":{"polluted":true},"toString":1,"hasOwnProperty":null}') as unknown,
  { toJSON: 'x', length: -1, valueOf: null },
  nest(30),
  REMOVED,
  ...hostileTexts
]

function nest(depth: number): unknown {
  return depth === 0 ? 1 : { a: [nest(depth - 1)] }
}

const copy = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? (JSON.parse(JSON.stringify(value)) as unknown) : value

/** A record that holds the value under the name: as it is spelled, and for `a.b` also nested. */
function* under(field: string, value: unknown): Iterable<Event> {
  const one: Event = { message: 'a line' }
  Object.defineProperty(one, field, { value: copy(value), enumerable: true, configurable: true, writable: true })
  yield one
  const keys = field.split('.')
  // What `remove` leaves of a constant stands at the top only; inside it leaves undefined.
  if (keys.length === 1 || value === REMOVED) return
  let inner: unknown = copy(value)
  for (const key of keys.slice(1).toReversed()) inner = { [key]: inner }
  yield { message: 'a line', [keys[0]!]: inner }
  yield { [keys[0]!]: copy(value) }
}

const isLong = (value: unknown): boolean => typeof value === 'string' && value.length > 10_000

/** Records that hold every hostile value in each of these fields, one at a time, and each in all of them; long texts in the first one. */
export function* hostileRecords(fields: readonly string[]): Iterable<Event> {
  yield {}
  for (const value of hostileValues) {
    for (const field of isLong(value) ? fields.slice(0, 1) : fields) yield* under(field, value)
    if (isLong(value)) continue
    const plain = fields.filter(field => !field.includes('.'))
    yield Object.fromEntries(plain.map(field => [field, copy(value)]))
  }
}
