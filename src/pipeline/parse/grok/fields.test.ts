import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getPath, putPath, textOf, toFloat, toInt } from './fields.ts'

test('to_i takes the digits at the beginning', () => {
  for (const [text, expected] of [
    ['42', 42],
    ['007', 7],
    ['+5', 5],
    ['-0', 0],
    ['-12x', -12],
    [' \t\v12', 12],
    ['1_000', 1000],
    ['1__0', 1],
    ['0x1A', 0],
    ['3.9', 3],
    ['', 0],
    ['x', 0],
    ['123456789012345', 123456789012345],
    ['9007199254740991', 9007199254740991]
  ] as const) {
    assert.equal(toInt(text), expected, text)
  }
})

test('to_f takes the number at the beginning', () => {
  for (const [text, expected] of [
    ['1.5', 1.5],
    ['.5', 0.5],
    ['-1.5e3x', -1500],
    ['1e', 1],
    ['5.', 5],
    ['1_0.2_5', 10.25],
    ['0x1A', 0],
    ['-0', -0],
    ['x', 0]
  ] as const) {
    assert.equal(toFloat(text), expected, text)
  }
})

test('to_s writes values as Ruby does', () => {
  for (const [value, expected] of [
    [undefined, ''],
    [null, ''],
    ['a"b', 'a"b'],
    [12, '12'],
    [1e21, '1000000000000000000000'],
    [0.00001, '1.0e-05'],
    [0.25, '0.25'],
    [false, 'false'],
    [[1, 'a', null], '[1, "a", nil]'],
    [{ a: { b: ['x'] } }, '{"a"=>{"b"=>["x"]}}']
  ] as const) {
    assert.equal(textOf(value), expected)
  }
})

test('a write that something stands in the way of changes nothing', () => {
  const event: Record<string, unknown> = { a: 'x', list: ['p'] }
  const before = structuredClone(event)
  assert.equal(putPath(event, ['a', 'b'], 1, false), false)
  assert.equal(putPath(event, ['a', 'b', 'c'], 1, true), false)
  assert.equal(putPath(event, ['list', 'b'], 1, false), false)
  assert.equal(putPath(event, ['list', '7'], 1, false), false)
  assert.deepEqual(event, before)
  assert.equal(putPath(event, ['list', '-1'], 'q', true), true)
  assert.deepEqual(getPath(event, ['list', '0']), 'q')
})
