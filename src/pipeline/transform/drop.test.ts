import assert from 'node:assert/strict'
import test from 'node:test'
import { build, faults, run } from '../../../test/lib/step.ts'
import { drop } from './drop.ts'

test('leaves out what meets the condition, and only that', () => {
  const step = build(drop, { when: { request: { matches: '^/healthz' }, response: 200 } })
  assert.equal(run(step, { request: '/healthz', response: '200' }).kept, false)
  assert.equal(run(step, { request: '/healthz', response: '500' }).kept, true)
  assert.equal(run(step, { request: '/' }).kept, true)
  assert.equal(run(step, {}).kept, true)
})

test('refuses a condition that holds for everything', () => {
  assert.match(faults(drop, { when: {} }).join(), /when: must name at least one field/)
  assert.match(faults(drop, {}).join(), /when: is required/)
})
