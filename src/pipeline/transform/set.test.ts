import assert from 'node:assert/strict'
import test from 'node:test'
import { build, cursorAt, faults, run, source } from '../../../test/lib/step.ts'
import { set } from './set.ts'

test('sets constants of all kinds and texts made of fields', () => {
  const step = build(set, {
    env: 'prod',
    n: 3,
    ok: false,
    none: null,
    url: 'https://%{host.name}%{request}',
    list: ['a', '%{request}', 1]
  })
  const out = run(step, { request: '/x', env: 'dev' }, { source: source('x', { host: { name: 'web' } }) })
  assert.deepEqual(out.event, {
    request: '/x',
    env: 'prod',
    n: 3,
    ok: false,
    none: null,
    url: 'https://web/x',
    list: ['a', '/x', 1]
  })
})

test('a map sets the fields in it and leaves the others', () => {
  const step = build(set, { service: { name: 'shop', node: { id: 7 } }, empty: {} })
  assert.deepEqual(run(step, { service: { version: 1 } }).event, {
    service: { version: 1, name: 'shop', node: { id: 7 } },
    empty: {}
  })
  assert.deepEqual(step.writes, ['tags', '_@timestamp', 'service', 'empty'])
})

test('a text that is nothing but a missing field sets nothing', () => {
  assert.deepEqual(run(build(set, { a: '%{none}', b: '<%{none}>' }), {}).event, { b: '<>' })
})

test('records share no value that a later step could change', () => {
  const step = build(set, { l: [1] })
  const [a, b] = [{ n: 1 }, { n: 2 }] as Array<Record<string, unknown>>
  step.run(a!, cursorAt())
  step.run(b!, cursorAt())
  assert.notEqual(a!['l'], b!['l'])
})

test('setting @timestamp sets the time of the record', () => {
  const out = run(build(set, { '@timestamp': '%{ts}' }), { ts: '2019-05-29T22:45:04Z' })
  assert.deepEqual([out.event, out.time], [{ ts: '2019-05-29T22:45:04Z' }, '2019-05-29T22:45:04.000Z'])
})

test('refuses malformed templates and names', () => {
  assert.match(faults(set, { a: '%{x' }).join(), /a: %\{ without \}/)
  assert.match(faults(set, { 'a..b': 1 }).join(), /malformed field reference/)
})
