import assert from 'node:assert/strict'
import test from 'node:test'
import { build, run } from '../../../test/lib/step.ts'
import { join } from './join.ts'

test('makes a text of a list, and leaves other values alone', () => {
  assert.deepEqual(run(build(join, { a: '', b: ' ' }), { a: ['x', 1, null, { k: 2 }], b: 'y' }).event, {
    a: 'x1{"k":2}',
    b: 'y'
  })
})
