import assert from 'node:assert/strict'
import test from 'node:test'
import { build, run } from '../../../test/lib/step.ts'
import { split } from './split.ts'

test('makes a list of a text, and leaves other values alone', () => {
  const step = build(split, { a: ', ', n: ',' })
  assert.deepEqual(run(step, { a: 'x, y, z', n: 3 }).event, { a: ['x', 'y', 'z'], n: 3 })
  assert.deepEqual(run(step, { a: 'x' }).event, { a: ['x'] })
})
