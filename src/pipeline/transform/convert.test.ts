import assert from 'node:assert/strict'
import test from 'node:test'
import { build, faults, run, source } from '../../../test/lib/step.ts'
import { convert } from './convert.ts'

const WRONG = 'wrong'
const GONE = 'gone'
const table: Array<[type: string, value: unknown, result: unknown]> = [
  ['integer', '200', 200],
  ['integer', '-5', -5],
  ['integer', '+5', 5],
  ['integer', ' 7 ', 7],
  ['integer', '007', 7],
  ['integer', '3.0', 3],
  ['integer', '3.7', WRONG],
  ['integer', 3, 3],
  ['integer', 3.5, WRONG],
  ['integer', true, 1],
  ['integer', '-', GONE],
  ['integer', '', GONE],
  ['integer', '"-"', GONE],
  ['integer', 'abc', WRONG],
  ['integer', '12abc', WRONG],
  ['integer', '0x1f', WRONG],
  ['integer', {}, WRONG],
  ['integer', '9007199254740991', 9007199254740991],
  ['integer', '9007199254740993', '9007199254740993'],
  ['integer', '-0', 0],
  ['integer', ['1', '-', '2'], [1, 2]],
  ['integer', ['1', 'x'], WRONG],
  ['float', '0.005', 0.005],
  ['float', '-1e3', -1000],
  ['float', '.5', 0.5],
  ['float', '5', 5],
  ['float', '-', GONE],
  ['float', '1e999', WRONG],
  ['float', 'NaN', WRONG],
  ['float', 'Infinity', WRONG],
  ['float', '1,5', WRONG],
  ['boolean', 'Yes', true],
  ['boolean', 'off', false],
  ['boolean', 0, false],
  ['boolean', 2, WRONG],
  ['boolean', 'maybe', WRONG],
  ['boolean', '-', GONE],
  ['string', 200, '200'],
  ['string', true, 'true'],
  ['string', { a: 1 }, '{"a":1}'],
  ['string', 'x', 'x'],
  ['string', '-', GONE],
  ['string', 'a-b', 'a-b']
]
for (const [type, value, result] of table) {
  const says =
    result === WRONG ? 'leaves and tags' : result === GONE ? 'removes' : `gives ${JSON.stringify(result)} for`
  test(`${type} ${says} ${JSON.stringify(value)}`, () => {
    const { event, failed } = run(build(convert, { x: type }), { x: value })
    if (result === WRONG) assert.deepEqual(event, { x: value, tags: ['_convertfailure'] })
    else if (result === GONE) assert.deepEqual(event, {})
    else assert.deepEqual(event, { x: result })
    assert.equal(failed, result === WRONG ? '_convertfailure' : '')
  })
}

test('converts nested fields and constants, without touching the constants', () => {
  const constants = { host: { cpus: '4', name: 'a' } }
  const out = run(
    build(convert, { 'a.b': 'integer', 'host.cpus': 'integer' }),
    { a: { b: '1' } },
    { source: source('x', constants) }
  )
  assert.deepEqual(out.event, { a: { b: 1 }, host: { cpus: 4, name: 'a' } })
  assert.equal(constants.host.cpus, '4')
})

test('says which fields it writes, and refuses unknown types', () => {
  assert.deepEqual(build(convert, { 'a.b': 'integer', c: 'float' }).writes, ['tags', 'a', 'c'])
  assert.match(faults(convert, { a: 'int' }).join(), /must be one of integer, float, boolean, string/)
  assert.match(faults(convert, {}).join(), /at least one/)
})
