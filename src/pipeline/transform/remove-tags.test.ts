import assert from 'node:assert/strict'
import test from 'node:test'
import { build, run } from '../../../test/lib/step.ts'
import { removeTags } from './remove-tags.ts'

test('takes tags off, and the field with the last one', () => {
  const step = build(removeTags, ['a', 'b'])
  const left = (tags: unknown): unknown => run(step, { tags }).event['tags']
  assert.deepEqual(left(['a', 'c', 'b']), ['c'])
  assert.equal(left(['a']), undefined)
  assert.equal(left('b'), undefined)
  assert.equal(left('c'), 'c')
  assert.deepEqual(left([]), [])
  assert.deepEqual(run(step, {}).event, {})
})
