import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeRecords } from '../../../test/lib/records.ts'
import { compileTemplate } from '../../core/template.ts'
import type { LineOptions } from './line.ts'
import { LineMaker } from './line.ts'
import { facilityOf, severityOf } from './priority.ts'

const PLAIN: LineOptions = {
  format: 'rfc5424',
  facility: compileTemplate('user'),
  severity: undefined,
  hostname: undefined,
  appName: undefined,
  procId: undefined,
  msgId: undefined,
  structuredData: undefined,
  content: 'message',
  template: undefined,
  maxBytes: 8192,
  hostName: 'here',
  timezone: 'UTC'
}

const line = (doc: object | string, options: Partial<LineOptions> = {}, times?: number): string =>
  new LineMaker({ ...PLAIN, ...options })
    .make(makeRecords({ docs: [doc], ...(times === undefined ? {} : { times }) }), 0)
    .toString()

test('a message of RFC 5424 with nothing known but its text', () => {
  assert.equal(line({ message: 'hello' }), '<14>1 2026-11-22T12:00:00.000Z here yarder - - - hello')
})

test('what a record has is found under the names of ECS, of Logstash and of loggers', () => {
  const ecs = { message: 'm', log: { level: 'ERROR' }, host: { name: 'web1' }, process: { name: 'nginx', pid: 7 } }
  assert.equal(line(ecs), '<11>1 2026-11-22T12:00:00.000Z web1 nginx 7 - - m')
  const plain = { message: 'm', level: 40, host: 'web2', program: 'cron', pid: '8' }
  assert.equal(line(plain), '<12>1 2026-11-22T12:00:00.000Z web2 cron 8 - - m')
})

test('templates decide where they are given, and what they leave empty falls back', () => {
  const options = {
    facility: compileTemplate('%{f}'),
    severity: compileTemplate('%{s}'),
    hostname: compileTemplate('%{h}'),
    appName: compileTemplate('a-%{x}'),
    msgId: compileTemplate('%{id}')
  }
  assert.equal(
    line({ message: 'm', f: 'local7', s: 'emerg', h: 'q', x: 1, id: 'i' }, options).split(' m')[0],
    '<184>1 2026-11-22T12:00:00.000Z q a-1 - i -'
  )
  assert.equal(
    line({ message: 'm', f: 'nonsense', s: 'nonsense' }, options).split(' m')[0],
    '<14>1 2026-11-22T12:00:00.000Z here a- - - -'
  )
})

test('nothing in a record ends its line: not line ends of any kind, not controls, in no part of it', () => {
  const evil = 'a\nb\rc\u0000d\u0085e\u2028f\u2029g\u001bh\u007fi\tj'
  const made = line(
    { message: evil, host: evil, program: evil, pid: evil, level: evil },
    {
      structuredData: { id: 'x@1', params: [['p', compileTemplate('%{message}')]] },
      msgId: compileTemplate('%{message}')
    }
  )
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(made, /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/)
  assert.ok(made.endsWith(' a\\nb\\rc\\u0000d\\u0085e\\u2028f\\u2029g\\u001bh\\u007fi\tj'))
  assert.equal(made.split(' ')[2], 'a_b_c_d_e_f_g_h_i_j')
})

test('the document as text stays JSON, whatever is in it', () => {
  const doc = { k: 'a\u2028\u007f\u0085"\n', n: 1 }
  const made = line(doc, { content: 'json' })
  assert.deepEqual(JSON.parse(made.slice(made.indexOf('{'))), doc)
})

test('structured data is escaped as RFC 5424 wants it, without what is missing', () => {
  const params = [
    ['a', compileTemplate('%{a}')],
    ['b', compileTemplate('%{b}')]
  ] as const
  const data = { structuredData: { id: 'x@1', params } }
  assert.match(line({ message: 'm', a: '"]\\' }, data), / \[x@1 a="\\"\\\]\\\\"\] m$/)
  assert.match(line({ message: 'm' }, data), / - - - m$/)
})

test('too long is cut at max_bytes, never within a character, and counted', () => {
  const maker = new LineMaker({ ...PLAIN, maxBytes: 480 })
  const records = makeRecords({ docs: [{ message: '\u{1F4DC}'.repeat(200) }, { message: 'short' }] })
  const cut = maker.make(records, 0)
  assert.ok(cut.length <= 480 && cut.length > 476, `${cut.length}`)
  assert.doesNotMatch(cut.toString(), /\uFFFD/)
  maker.make(records, 1)
  assert.equal(maker.cut, 1)
})

test('RFC 3164 has the time of the zone with a blank for a short day, and the pid in brackets', () => {
  const options = { format: 'rfc3164', timezone: 'Europe/Berlin' } as const
  const made = line({ message: 'm', program: 'a b:[c]', pid: 3 }, options, Date.UTC(2026, 6, 2, 22, 30, 5))
  assert.equal(made, '<14>Jul  3 00:30:05 here a_b__c_[3]: m')
})

test('an absurd time is none', () => {
  assert.match(line({ message: 'm' }, {}, 1e15), /^<14>1 - here/)
})

test('a field that a step took away does not come back from what is the same for its source', () => {
  const records = makeRecords({ docs: [{ message: 'm' }] })
  const { source } = records.batch
  const hidden = {
    ...records,
    batch: { ...records.batch, source: { ...source, constants: { host: { name: 'secret' } } } }
  }
  assert.match(new LineMaker(PLAIN).make(hidden, 0).toString(), / here yarder /)
})

test('words and numbers of facilities and levels', () => {
  assert.deepEqual(['kern', 'LOCAL7', '23', '24', 'x', ''].map(facilityOf), [
    0,
    23,
    23,
    undefined,
    undefined,
    undefined
  ])
  assert.deepEqual(['Fatal', 'warn', 'WARNING', 'err', '7', '8', '50', 'constructor', ''].map(severityOf), [
    2,
    4,
    4,
    3,
    7,
    undefined,
    3,
    undefined,
    undefined
  ])
})
