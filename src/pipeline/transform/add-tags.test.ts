import assert from 'node:assert/strict'
import test from 'node:test'
import { build, run } from '../../../test/lib/step.ts'
import { addTags } from './add-tags.ts'

test('adds each tag once, whatever was there', () => {
  const step = build(addTags, ['a', 'b'])
  assert.deepEqual(run(step, {}).event, { tags: ['a', 'b'] })
  assert.deepEqual(run(step, { tags: ['b'] }).event, { tags: ['b', 'a'] })
  assert.deepEqual(run(step, { tags: 'x' }).event, { tags: ['x', 'a', 'b'] })
})

test('records share no list of tags', () => {
  const step = build(addTags, 'a')
  assert.notEqual(run(step, {}).event['tags'], run(step, {}).event['tags'])
})
