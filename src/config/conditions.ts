// What a condition is: its page of the reference, and its JSON Schema.
import { CONDITION_WORDS } from '../core/condition.ts'
import type { Page, Row } from './reference.ts'

/** An example of the page, with a record that meets it and one that does not. */
export interface ConditionExample {
  readonly title: string
  readonly yaml: string
  readonly meets: Readonly<Record<string, unknown>>
  readonly misses: Readonly<Record<string, unknown>>
}

export const CONDITIONS = 'conditions'
/** Other words that lead to the page. */
export const CONDITION_PAGE_WORDS: readonly string[] = ['condition', 'when']

const row = (name: string, type: string, text: string): Row => ({ name, type, presence: '', text })

const FORMS = [
  row(
    'field: value',
    'text, number or boolean',
    'The field has this value. A number written as text equals the number; of a field that is a list, one item must fit.'
  ),
  row('field: [a, b]', 'list', 'The field has any of these values.'),
  row('field: null', '', 'The field is not there, or is null.'),
  row('field: { test: operand }', 'map', 'The field passes the test; with several tests in the map, all of them.'),
  row('any: [ … ]', 'list of conditions', 'At least one of them holds.'),
  row('all: [ … ]', 'list of conditions', 'All of them hold; for several conditions on one field, or several `any`.'),
  row('not: { … }', 'condition', 'The condition does not hold.')
]

const NUMBER = 'What is no number, also as text, does not pass.'
const TESTS: Readonly<Record<(typeof CONDITION_WORDS)[number], readonly [operand: string, text: string]>> = {
  equals: ['text, number or boolean', 'The same as `field: value`.'],
  exists: ['boolean', '`true`: the field is there and not null. `false`: it is not.'],
  matches: ['regex', 'Somewhere in the text; `^` and `$` tie it to the ends. A JavaScript regular expression.'],
  contains: ['text', 'The text has this in it; of a list, an item has.'],
  starts_with: ['text', 'The text begins so.'],
  ends_with: ['text', 'The text ends so.'],
  gt: ['number', `Greater than. ${NUMBER}`],
  gte: ['number', 'Greater or equal.'],
  lt: ['number', 'Less than.'],
  lte: ['number', 'Less or equal.'],
  cidr: ['network or list', 'The address is in the network, or in one of them: `10.0.0.0/8`, `fe80::/10`, `192.0.2.1`.']
}

export const CONDITION_EXAMPLES: readonly ConditionExample[] = [
  {
    title: 'Errors of the server',
    yaml: 'when: { response: { gte: 500 } }',
    meets: { response: 502 },
    misses: { response: 404 }
  },
  {
    title: 'Several fields: all must hold',
    yaml: 'when: { service: checkout, method: [POST, PUT], response: { gte: 400, lt: 500 } }',
    meets: { service: 'checkout', method: 'PUT', response: '422' },
    misses: { service: 'checkout', method: 'GET', response: 404 }
  },
  {
    title: 'Either of two',
    yaml: 'when:\n  any:\n    - level: [error, fatal]\n    - message: { contains: OutOfMemory }',
    meets: { level: 'info', message: 'java.lang.OutOfMemoryError' },
    misses: { level: 'info', message: 'started' }
  },
  {
    title: 'Not from inside, and with a user',
    yaml: 'when:\n  not: { client.ip: { cidr: [10.0.0.0/8, 127.0.0.0/8] } }\n  user: { exists: true }',
    meets: { client: { ip: '192.0.2.7' }, user: 'anna' },
    misses: { client: { ip: '10.1.2.3' }, user: 'anna' }
  },
  {
    title: 'All but health checks and pictures',
    yaml: "when:\n  not:\n    any:\n      - path: { starts_with: /health }\n      - path: { matches: '\\.(png|ico)$' }",
    meets: { path: '/cart' },
    misses: { path: '/favicon.ico' }
  },
  {
    title: 'A field that is called as a word of conditions',
    yaml: 'when: { "[not]": 1 }',
    meets: { not: 1 },
    misses: {}
  }
]

/** The page of the reference. */
export const conditionsPage = (): Page => ({
  path: CONDITIONS,
  name: CONDITIONS,
  kind: 'section',
  summary: 'Which records: what `when` and other options of the kind “condition” take.',
  paragraphs: [
    'A condition is a map of fields and what is asked of them. With several fields in it, all must hold; an empty one is refused. A field within another is `a.b` or `[a][b]`.',
    'A test on a field that is not there does not hold, but for `exists: false` and `null`.'
  ],
  groups: [
    { title: 'Forms', rows: FORMS },
    { title: 'Tests', rows: CONDITION_WORDS.map(name => row(name, ...TESTS[name])) }
  ],
  examples: CONDITION_EXAMPLES.map(({ title, yaml }) => ({ title, yaml })),
  parts: []
})

const PLAIN = { type: ['string', 'number', 'boolean'] }
const TEXT = { type: 'string' }
const NUMERIC = { type: 'number' }

const OPERANDS: Readonly<Record<(typeof CONDITION_WORDS)[number], Record<string, unknown>>> = {
  equals: PLAIN,
  exists: { type: 'boolean' },
  matches: TEXT,
  contains: TEXT,
  starts_with: TEXT,
  ends_with: TEXT,
  gt: NUMERIC,
  gte: NUMERIC,
  lt: NUMERIC,
  lte: NUMERIC,
  cidr: { anyOf: [TEXT, { type: 'array', items: TEXT, minItems: 1 }] }
}

/** JSON Schema of a condition, to stand at `#/$defs/condition`. */
export function conditionSchema(): Record<string, unknown> {
  const self = { $ref: '#/$defs/condition' }
  const several = { type: 'array', items: self, minItems: 1 }
  const tests = Object.fromEntries(
    CONDITION_WORDS.map(name => [name, { ...OPERANDS[name], description: TESTS[name][1] }])
  )
  return {
    type: 'object',
    minProperties: 1,
    properties: {
      any: { ...several, description: 'At least one of them holds.' },
      all: { ...several, description: 'All of them hold.' },
      not: self
    },
    additionalProperties: {
      anyOf: [
        { type: ['string', 'number', 'boolean', 'null'] },
        { type: 'array', items: PLAIN, minItems: 1 },
        { type: 'object', properties: tests, additionalProperties: false, minProperties: 1 }
      ]
    }
  }
}
