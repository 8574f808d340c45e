import assert from 'node:assert/strict'
import test from 'node:test'
import { REMOVED } from '../../core/event.ts'
import { build, faults, run, source } from '../../../test/lib/step.ts'
import { remove } from './remove.ts'

test('removes fields, nested ones too, and passes over what is not there', () => {
  const out = run(build(remove, ['a', 'b.c', '[d][e]', 'none.at.all']), { a: 1, b: { c: 2, x: 3 }, d: { e: 1 } })
  assert.deepEqual(JSON.parse(JSON.stringify(out.event)), { b: { x: 3 }, d: {} })
})

test('removes what is constant for the source from the record alone', () => {
  const constants = { agent: { id: 'x' }, host: { name: 'a', os: { kernel: 'k' } } }
  const out = run(build(remove, ['agent', 'host.os.kernel']), {}, { source: source('x', constants) })
  assert.deepEqual(out.event, { agent: REMOVED, host: { name: 'a', os: { kernel: undefined } } })
  assert.equal(constants.host.os.kernel, 'k')
})

test('refuses to remove the time', () => assert.match(faults(remove, ['@timestamp']).join(), /every record has a time/))
