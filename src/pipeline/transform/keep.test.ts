import assert from 'node:assert/strict'
import test from 'node:test'
import { build, run } from '../../../test/lib/step.ts'
import { keep } from './keep.ts'

test('leaves out what does not meet the condition', () => {
  const step = build(keep, { when: { response: { gte: 400 } } })
  assert.equal(run(step, { response: '404' }).kept, true)
  assert.equal(run(step, { response: 200 }).kept, false)
  assert.equal(run(step, {}).kept, false)
})
