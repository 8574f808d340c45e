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
