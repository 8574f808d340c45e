import assert from 'node:assert/strict'
import test from 'node:test'
import { build, run, source } from '../../../test/lib/step.ts'
import { rename } from './rename.ts'

const plain = (event: unknown): unknown => JSON.parse(JSON.stringify(event))

test('renames fields, into nested ones and out of them', () => {
  const step = build(rename, { clientip: 'source.address', 'a.b': 'c', none: 'x', same: 'same' })
  assert.deepEqual(plain(run(step, { clientip: '::1', a: { b: 1, z: 2 }, c: 0, same: 1 }).event), {
    source: { address: '::1' },
    a: { z: 2 },
    c: 1,
    same: 1
  })
  assert.deepEqual(step.writes, ['tags', '_@timestamp', 'clientip', 'source', 'a', 'c', 'none', 'x', 'same', 'same'])
})

test('a field may move into an object of its own name', () => {
  assert.deepEqual(plain(run(build(rename, { log: 'log.text' }), { log: 'x' }).event), { log: { text: 'x' } })
})

test('under the name @timestamp a time becomes that of the record', () => {
  const step = build(rename, { ts: '@timestamp' })
  const out = run(step, { ts: '2019-05-29T22:45:04Z' })
  assert.deepEqual([out.event, out.time], [{}, '2019-05-29T22:45:04.000Z'])
  const bad = run(step, { ts: 'soon' })
  assert.deepEqual(bad.event, { '_@timestamp': 'soon', tags: ['_timestampparsefailure'] })
})

test('renames what is constant for the source', () => {
  const out = run(
    build(rename, { 'host.name': 'server' }),
    {},
    { source: source('x', { host: { name: 'a', id: 'i' } }) }
  )
  assert.deepEqual(plain(out.event), { host: { id: 'i' }, server: 'a' })
})
