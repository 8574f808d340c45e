import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { build, run } from '../../../test/lib/step.ts'
import { logfmt } from './logfmt.ts'

const step = build(logfmt, {})
function fields(line: string): unknown {
  const { message, ...rest } = run(step, line).event
  assert.equal(message, line)
  return rest
}

const FAILED = { tags: ['_logfmtparsefailure'] }
const table: Array<[line: string, fields: unknown]> = [
  ['level=info msg="it works" took=1.5ms', { level: 'info', msg: 'it works', took: '1.5ms' }],
  ['a= b="" c=x', { a: '', b: '', c: 'x' }],
  ['msg="say \\"hi\\"\\n\\u00e9 C:\\\\x \\q"', { msg: 'say "hi"\né C:\\x \\q' }],
  ['bad="\\ud800" end="x\\\\"', { bad: '\ufffd', end: 'x\\' }],
  ['  a=1\t b=2  ', { a: '1', b: '2' }],
  ['url=http://x/?a=b&c=d', { url: 'http://x/?a=b&c=d' }],
  ['Started server port=80', { port: '80' }],
  ['a=1 a=2', { a: '2' }],
  ['log.level=warn log.logger=x', { log: { level: 'warn', logger: 'x' } }],
  ['=x "y" ==z a=1', { a: '1' }],
  ['no pairs here', FAILED],
  ['', FAILED],
  ['a=1 msg="never closed', FAILED],
  ['a=1 msg="never closed\\"', FAILED]
]
for (const [line, expected] of table) {
  test(`reads ${JSON.stringify(line)}`, () => assert.deepEqual(fields(line), expected))
}

test('the time of the line is that of the record, and tags are added', () => {
  const out = run(step, { message: '@timestamp=2019-08-09T12:34:43Z tags=b a=1', tags: ['a'] })
  assert.equal(out.time, '2019-08-09T12:34:43.000Z')
  assert.deepEqual(out.event, { message: '@timestamp=2019-08-09T12:34:43Z tags=b a=1', tags: ['a', 'b'], a: '1' })
})

test('puts the whole under a target', () => {
  const aside = build(logfmt, { field: 'text', target: 'app' })
  assert.deepEqual(
    run(aside, { text: 'a.b=1 __proto__=x' }).event['app'],
    JSON.parse('{"a":{"b":"1"},"__proto__":"x"}')
  )
  assert.deepEqual(run(aside, 'a=1').event, { message: 'a=1' })
})

test('reads back what was written', () => {
  const key = fc.stringMatching(/^[a-z_]{1,8}$/).filter(k => k !== 'tags' && k !== 'message' && k !== '__proto__')
  fc.assert(
    fc.property(fc.dictionary(key, fc.string({ unit: 'grapheme' }), { minKeys: 1 }), object => {
      const line = Object.entries(object).map(([k, v]) => `${k}=${JSON.stringify(v)}`)
      assert.deepEqual(fields(line.join(' ')), { ...object })
    })
  )
})

test('no text makes it throw', () => {
  fc.assert(fc.property(fc.string(), text => void run(step, text.replaceAll('a', '="'))))
})
