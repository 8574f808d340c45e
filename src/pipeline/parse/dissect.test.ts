import assert from 'node:assert/strict'
import test from 'node:test'
import { build, faults, run } from '../../../test/lib/step.ts'
import { dissect } from './dissect.ts'

/** The fields beside `message`. */
function cut(mapping: string, line: string): unknown {
  const { message, ...fields } = run(build(dissect, { mapping }), line).event
  assert.equal(message, line)
  return fields
}

const table: Array<[pattern: string, line: string, fields: unknown]> = [
  ['%{a} %{b}', '1 2 3', { a: '1', b: '2 3' }],
  ['<%{pri}>%{rest}', '<34>text', { pri: '34', rest: 'text' }],
  ['%{a} %{b}', ' x', { a: '', b: 'x' }],
  ['%{ts} %{+ts} %{level}', '2019-05-29 22:45:04 INFO', { ts: '2019-05-29 22:45:04', level: 'INFO' }],
  ['%{+ts} %{+ts} %{x}', 'a b c', { ts: 'a b', x: 'c' }],
  ['[%{d}/%{+d}/%{+d}]', '[03/Aug/2019]', { d: '03/Aug/2019' }],
  ['%{+a/2} %{+a/1} %{+a/4} %{+a/3}', '1 2 3 go', { a: '2 1 go 3' }],
  ['%{?skip} %{} %{b}', '1 2 3', { b: '3' }],
  ['%{?k}=%{&k}', 'code=200', { code: '200' }],
  ['%{*k}=%{&k};%{x}', 'code=200;y', { code: '200', x: 'y' }],
  ['%{?k}: %{&k}', 'a.b: 1', { a: { b: '1' } }],
  ['%{a->} %{b}', 'x    y', { a: 'x', b: 'y' }],
  ['%{a->}, %{b}', 'x, , y', { a: 'x', b: 'y' }],
  ['%{->} %{b}', 'x    y', { b: 'y' }],
  ['%{source.ip}:%{[source][port]} %{x}', '::1:80 y', { source: { ip: '', port: ':1:80' }, x: 'y' }],
  ['id=%{id};', 'id=7;', { id: '7' }],
  ['%{a} %{b}', 'x', { tags: ['_dissectfailure'] }],
  ['id=%{id}', 'no', { tags: ['_dissectfailure'] }],
  ['%{a} - %{b}', '1 - 2 - 3', { a: '1', b: '2 - 3' }],
  ['%{a}|%{b}', 'line\nbreak|x', { a: 'line\nbreak', b: 'x' }]
]

for (const [pattern, line, fields] of table) {
  test(`cuts ${JSON.stringify(line)} by ${pattern}`, () => assert.deepEqual(cut(pattern, line), fields))
}

test('a failure leaves no half of the fields, and the next record is whole again', () => {
  const step = build(dissect, { mapping: '%{a} %{b} [%{c}]' })
  assert.deepEqual(run(step, 'x y z').event, { message: 'x y z', tags: ['_dissectfailure'] })
  assert.equal(run(step, 'x y z').failed, '_dissectfailure')
  assert.deepEqual(run(step, 'x y [z]').event, { message: 'x y [z]', a: 'x', b: 'y', c: 'z' })
})

test('a map cuts several fields, one of them made by the one before', () => {
  const step = build(dissect, {
    mapping: { message: '%{verb} %{path}?%{query}', query: 'id=%{id}' },
    target_prefix: 'http'
  })
  assert.deepEqual(run(step, 'GET /x?id=7').event, {
    message: 'GET /x?id=7',
    http: { verb: 'GET', path: '/x', query: 'id=7' }
  })
  const flat = build(dissect, { mapping: { message: '%{verb} %{path}?%{query}', query: 'id=%{id}' } })
  assert.equal(run(flat, 'GET /x?id=7').event['id'], '7')
})

test('a time under the name @timestamp is the time of the record, never a field', () => {
  const out = run(build(dissect, { mapping: '%{@timestamp} %{x}' }), '2019-05-29T22:45:04Z y')
  assert.deepEqual(out.event, { message: '2019-05-29T22:45:04Z y', x: 'y' })
  assert.equal(out.time, '2019-05-29T22:45:04.000Z')
})

test('says which fields it writes', () => {
  assert.deepEqual(build(dissect, { mapping: '%{a.b} %{+c} %{?d}' }).writes, ['tags', 'a', 'c'])
  assert.equal(build(dissect, { mapping: '%{?k}=%{&k}' }).writes, 'any')
})

test('refuses patterns that cannot be cut by', () => {
  const wrong = (mapping: unknown): string => faults(dissect, { mapping }).join()
  assert.match(wrong('no fields'), /has no %\{field\}/)
  assert.match(wrong('%{a}%{b}'), /nothing between "%\{a\}" and "%\{b\}"/)
  assert.match(wrong('%{a} %{&b}'), /needs a %\{\?b\}/)
  assert.match(wrong('%{*b} %{a}'), /needs a %\{&b\}/)
  assert.match(wrong('%{a} %{b'), /without \}/)
  assert.match(wrong('%{+} x'), /malformed/)
  assert.match(wrong({}), /at least one/)
})
