import assert from 'node:assert/strict'
import test from 'node:test'
import { build, run, source } from '../../../test/lib/step.ts'
import { uppercase } from './uppercase.ts'

test('writes the text of one field in capitals', () => {
  assert.deepEqual(run(build(uppercase, 'level'), { level: 'info', x: 'y' }).event, { level: 'INFO', x: 'y' })
})

test('changes a copy of what is constant for the source', () => {
  const constants = { host: { name: 'web' } }
  const out = run(build(uppercase, 'host.name'), {}, { source: source('x', constants) })
  assert.deepEqual(out.event, { host: { name: 'WEB' } })
  assert.equal(constants.host.name, 'web')
})
