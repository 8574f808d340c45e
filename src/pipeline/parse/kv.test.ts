import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { build, run } from '../../../test/lib/step.ts'
import { kv } from './kv.ts'

function fields(line: string, options: object = {}): unknown {
  const { message, ...rest } = run(build(kv, options), line).event
  assert.equal(message, line)
  return rest
}

const FAILED = { tags: ['_kvparsefailure'] }
const QUERY = { field_split: '&?' }
const table: Array<[line: string, fields: unknown, options?: object]> = [
  ['ip=1.2.3.4 error=REFUSED', { ip: '1.2.3.4', error: 'REFUSED' }],
  [`a="b c" d='e f' g=(h i) j=[k l] m=<n o>`, { a: 'b c', d: 'e f', g: 'h i', j: 'k l', m: 'n o' }],
  ['g=(h i)', { g: '(h' }, { include_brackets: false }],
  ['a="open b=1', { a: '"open', b: '1' }],
  ['"quoted key"=1 b=2', { 'quoted key': '1', b: '2' }],
  ['a = b c=d e= f=g h =i', { a: 'b', c: 'd', f: 'g', h: 'i' }],
  ['a= b=1', { a: '', b: '1' }, { allow_empty_values: true }],
  ['IN=eth0 SYN SRC=10.0.0.1 URGP=0', { IN: 'eth0', SRC: '10.0.0.1', URGP: '0' }],
  ['/x?a=1&b=2&a=3', { a: ['1', '3'], b: '2' }, QUERY],
  ['a=1&a=1&a=2&a=1', { a: ['1', '2'] }, { ...QUERY, allow_duplicate_values: false }],
  ['a=1&a=1', { a: ['1', '1'] }, QUERY],
  ['a:1|b:2', { a: '1', b: '2' }, { field_split: '|', value_split: ':' }],
  ['url=http://x/?q=1 b=2', { url: 'http://x/?q=1', b: '2' }],
  ['a=1 b=2 c=3', { x_a: '1', x_c: '3' }, { prefix: 'x_', exclude_keys: ['b'] }],
  ['A=1 B=2', { a: '1' }, { include_keys: ['A'], transform_key: 'lowercase' }],
  ['<a>=1, b=2,', { a: '1', b: '2' }, { trim_key: '<>', trim_value: ',' }],
  ['a=1', { k: { v: { a: '1' } } }, { target: 'k.v' }],
  ['no pairs', FAILED],
  ['', FAILED],
  ['=', FAILED],
  ['a=', FAILED]
]
for (const [line, expected, options] of table) {
  test(`reads ${JSON.stringify(line)}${options === undefined ? '' : ` with ${JSON.stringify(options)}`}`, () =>
    assert.deepEqual(fields(line, options), expected))
}

test('a record without the field is left alone', () => {
  assert.deepEqual(run(build(kv, { field: 'query' }), 'a=1').event, { message: 'a=1' })
})

test('ends on any text, and reads back pairs that were written', () => {
  const step = build(kv, { allow_empty_values: true })
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '=', ' ', '"', "'", '(', ')', 'b') }),
      text => void run(step, text)
    )
  )
  const word = fc.stringMatching(/^[a-z0-9/:.]{1,8}$/)
  const key = fc.stringMatching(/^[a-z]{1,5}$/).filter(k => k !== 'tags')
  fc.assert(
    fc.property(fc.dictionary(key, word, { minKeys: 1 }), object => {
      const line = Object.entries(object).map(([k, v]) => `${k}=${v}`)
      assert.deepEqual(fields(line.join(' ')), { ...object })
    })
  )
})
