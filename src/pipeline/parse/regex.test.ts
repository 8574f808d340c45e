import assert from 'node:assert/strict'
import test from 'node:test'
import { build, faults, run } from '../../../test/lib/step.ts'
import { regex } from './regex.ts'
import { compileNumbered } from './regex/numbered.ts'

/** The fields beside `message`. */
function match(pattern: string, line: string, more: object = {}): unknown {
  const { message, ...fields } = run(build(regex, { pattern, ...more }), line).event
  assert.equal(message, line)
  return fields
}

const BOOK = String.raw`(?P<IP>\d+\.\d+\.\d+\.\d+) - (?P<User>\w+) \[(?P<Time>\d\d/\w{3}/\d{4}:\d{2}:\d{2}:\d{2} [-+]\d{4})\] (?P<Request>".+")`
const LINE = '127.0.0.1 - rj [13/Nov/2019:14:34:30 -0000] "GET HTTP/1.0" 200'

for (const [spelling, pattern] of [
  ["Python's", BOOK],
  ["JavaScript's", BOOK.replaceAll('?P<', '?<')]
] as const) {
  test(`the book's pattern in ${spelling} spelling takes its line apart`, () => {
    assert.deepEqual(match(pattern, LINE), {
      IP: '127.0.0.1',
      User: 'rj',
      Time: '13/Nov/2019:14:34:30 -0000',
      Request: '"GET HTTP/1.0"'
    })
  })
}

const table: Array<[pattern: string, line: string, fields: unknown]> = [
  ['(?<a>x)|(?<b>y)', 'y', { b: 'y' }],
  ['(?<a>x)|(?<a>y)', 'y', { a: 'y' }],
  ['(?:(un)named)? ?(?<a>\\w+)', 'unnamed yes', { a: 'yes' }],
  ['(?<q>["\'])(?<in>.*?)\\k<q>', `say 'hi "you"'`, { q: "'", in: 'hi "you"' }],
  ['(?P<q>["\'])(?P<in>.*?)(?P=q)0', `'hi'0`, { q: "'", in: 'hi' }],
  ['[(?<no>](?<a>.)', '(x', { a: 'x' }],
  ['[]](?<a>.)', ']x', { tags: ['_regexparsefailure'] }],
  ['\\((?<a>.)\\)', '(x)', { a: 'x' }],
  ['(?<=b)(?<a>.)(?<!c)', 'bd', { a: 'd' }],
  ['(?<a>b)(?=c)(?!d)', 'bc', { a: 'b' }],
  ['(?i)level=(?<level>\\w+)', 'LEVEL=Info', { level: 'Info' }],
  ['\\A(?<a>.)\\Z', 'x', { a: 'x' }],
  ['\\A(?<a>.)\\Z', 'x\n', { tags: ['_regexparsefailure'] }],
  ['(?<source.ip>\\S+) (?<[source][port]>\\d+)', '::1 80', { source: { ip: '::1', port: '80' } }],
  ['(?<name>\\p{Lu}\\p{L}+)', 'über Ärger', { name: 'Ärger' }],
  ['(?<a>z)', 'xy', { tags: ['_regexparsefailure'] }]
]
for (const [pattern, line, fields] of table) {
  test(`matches ${JSON.stringify(line)} by ${pattern}`, () => assert.deepEqual(match(pattern, line), fields))
}

test('the first pattern that matches counts', () => {
  const step = build(regex, { pattern: ['^(?<n>\\d+)$', '^(?<word>\\w+)$'], target: 'got' })
  assert.deepEqual(run(step, '17').event, { message: '17', got: { n: '17' } })
  assert.deepEqual(run(step, 'x17').event, { message: 'x17', got: { word: 'x17' } })
  assert.equal(run(step, '?').failed, '_regexparsefailure')
})

test('ignore_case does', () => assert.deepEqual(match('^(?<a>get)', 'GET /', { ignore_case: true }), { a: 'GET' }))

test('a group named @timestamp is the time of the record', () => {
  const out = run(build(regex, { pattern: '^(?<@timestamp>\\S+)' }), '2019-05-29T22:45:04Z y')
  assert.equal(out.time, '2019-05-29T22:45:04.000Z')
  assert.equal('@timestamp' in out.event, false)
})

test('no group of the compiled expression has a name', () => {
  const { regex: compiled, names } = compileNumbered(BOOK)
  assert.equal(compiled.exec(LINE)!.groups, undefined)
  assert.deepEqual(names, [undefined, 'IP', 'User', 'Time', 'Request'])
})

test('refuses what is no expression or names no field', () => {
  const wrong = (pattern: string): string => faults(regex, { pattern }).join()
  assert.match(wrong('(?<a>x'), /^pattern: must be a regular expression: Unterminated group/)
  assert.match(wrong('(x)'), /at least one named group/)
  assert.match(wrong('(?<a.>x)'), /"a\." is no name for a field/)
  assert.match(wrong('(?<a>x)\\k<b>'), /no group named "b"/)
})
