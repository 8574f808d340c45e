import assert from 'node:assert/strict'
import test from 'node:test'
import { build, run } from '../../../test/lib/step.ts'
import { copy } from './copy.ts'

test('copies values, and objects as copies', () => {
  const { event } = run(build(copy, { message: 'event.original', o: 'p', none: 'x' }), { message: 'm', o: { a: [1] } })
  assert.deepEqual(event, { message: 'm', o: { a: [1] }, event: { original: 'm' }, p: { a: [1] } })
  assert.notEqual(event['p'], event['o'])
})
