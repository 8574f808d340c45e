import assert from 'node:assert/strict'
import test from 'node:test'
import { build, run } from '../../../test/lib/step.ts'
import { lowercase } from './lowercase.ts'

test('writes texts small, lists text by text, and leaves other values and missing fields alone', () => {
  const step = build(lowercase, ['a', 'b.c', 'n', 'none'])
  assert.deepEqual(run(step, { a: 'ÄB', b: { c: ['X', 1, 'y'] }, n: 5 }).event, {
    a: 'äb',
    b: { c: ['x', 1, 'y'] },
    n: 5
  })
  assert.deepEqual(step.writes, ['a', 'b', 'n', 'none'])
})
