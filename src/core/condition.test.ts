import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileCondition, ConditionError } from './condition.ts'
import type { Cursor, Event } from './event.ts'

const cursor = (constants: Event = {}): Cursor => ({
  source: { input: 'i', id: 'f', path: undefined, constants },
  time: NaN,
  arrival: 0,
  offset: 0,
  failed: ''
})
const holds = (spec: unknown, event: Event, constants?: Event): boolean =>
  compileCondition(spec)(event, cursor(constants))

test('names that every object has are fields like others: there when the record has them', () => {
  for (const name of ['constructor', 'toString', 'hasOwnProperty', '__proto__']) {
    assert.equal(holds({ [`[${name}]`]: { exists: true } }, {}), false, name)
    assert.equal(holds({ [`[${name}]`]: { exists: false } }, {}), true, name)
  }
  assert.equal(holds({ constructor: 'acme' }, { constructor: 'acme' }), true)
  assert.equal(holds({ constructor: 'acme' }, {}, { constructor: 'acme' }), true)
})

test('names that every object has are no tests', () => {
  for (const name of ['constructor', 'toString', 'valueOf']) {
    assert.throws(
      () => compileCondition({ status: { [name]: 5 } }),
      (error: unknown) =>
        error instanceof ConditionError && error.path === `status.${name}` && /unknown test/.test(error.message)
    )
  }
})

test('a number written as a text is the number, and what is no number is neither above nor below', () => {
  assert.equal(holds({ status: { gte: 500 } }, { status: '502' }), true)
  assert.equal(holds({ status: 502 }, { status: '502' }), true)
  for (const status of ['', ' ', 'x', null, undefined, true, {}, []]) {
    assert.equal(holds({ status: { gte: 0 } }, { status }), false, JSON.stringify(status))
    assert.equal(holds({ status: { lt: 1e9 } }, { status }), false, JSON.stringify(status))
  }
})

test('networks hold addresses and nothing else', () => {
  const inside = { client: { cidr: ['10.0.0.0/8', 'fe80::/10'] } }
  assert.equal(holds(inside, { client: '10.1.2.3' }), true)
  assert.equal(holds(inside, { client: 'fe80::1%eth0' }), true)
  for (const client of ['11.0.0.1', '10.0.0.1.example.com', '', 10, null, ['10.0.0.1'], '::1'])
    assert.equal(holds(inside, { client }), false, JSON.stringify(client))
})

const refused = (spec: unknown): string => {
  try {
    compileCondition(spec)
  } catch (error) {
    assert.ok(error instanceof ConditionError)
    return `${error.path}: ${error.message}`
  }
  return 'taken'
}

test('the words of other agents are told with what is written here', () => {
  for (const [spec, told] of [
    [{ and: [{ a: 1 }] }, 'and: is no word of conditions; a map means all of it; for a list of conditions write "all"'],
    [{ and: { a: 1 } }, 'and: is no word of conditions; a map means all of it; for a list of conditions write "all"'],
    [{ or: [{ a: 1 }, { b: 1 }] }, 'or: is no word of conditions; write "any" for conditions of which one is enough'],
    [
      { not: { or: [{ a: 1 }] } },
      'not.or: is no word of conditions; write "any" for conditions of which one is enough'
    ],
    [{ has_fields: ['foo', 'bar'] }, 'has_fields: is no test; write "foo: { exists: true }" for each field'],
    [{ has_fields: [] }, 'has_fields: is no test; write "FIELD: { exists: true }" for each field'],
    [
      { equals: { status: 500 } },
      'equals: stands where a field belongs, the test comes after it; write "status: { equals: 500 }"'
    ],
    [
      { regexp: { message: '^x' } },
      'regexp: stands where a field belongs, the test comes after it; write "message: { matches: "^x" }"'
    ],
    [
      { range: { code: { gte: 400 } } },
      'range: stands where a field belongs, the test comes after it; write "code: {"gte":400}"'
    ],
    [{ a: { eq: 5 } }, 'a.eq: unknown test; did you mean "equals"?'],
    [{ a: { contian: 'x' } }, 'a.contian: unknown test; did you mean "contains"?'],
    [{ a: { not: 5 } }, 'a.not: unknown test; "not" stands before the field, not after it']
  ] as const)
    assert.equal(refused(spec), told)
})

test('a field may be called as a word of other agents', () => {
  assert.equal(holds({ and: 'x', or: ['y', 'z'], has_fields: true }, { and: 'x', or: 'z', has_fields: true }), true)
  assert.equal(holds({ range: { gte: 5 }, equals: { exists: true } }, { range: 5, equals: 1 }), true)
  assert.equal(holds({ '[has_fields]': ['foo'] }, { has_fields: 'foo' }), true)
})
