import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event } from '../core/event.ts'
import { cursorAt } from '../../test/lib/step.ts'
import { onDay, parseWhere } from './where.ts'

const record: Event = {
  message: '10.1.2.3 - - [08/Nov/2019:20:30:00 -0800] "GET /a?b=c HTTP/1.1" 503 -',
  clientip: '10.1.2.3',
  verb: 'GET',
  request: '/a?b=c',
  response: '503',
  bytes: 12,
  all: 'yes',
  tags: ['slow', 'seen'],
  http: { method: 'GET' }
}
const holds = (text: string): boolean => parseWhere(text)(record, cursorAt())

test('conditions compare texts, numbers, expressions and networks', () => {
  for (const text of [
    'verb=GET',
    'verb==GET',
    'verb = GET',
    'verb!=POST',
    'nothing!=POST',
    'http.method=GET',
    '[http][method]=GET',
    'response=503',
    'bytes=12',
    'response>=500',
    'response>502.5',
    'bytes<13',
    'bytes<=12',
    'request~^/a',
    'request=/a?b=c',
    'request!~^/b',
    'tags=slow',
    'tags~^se',
    'clientip=10.0.0.0/8',
    'clientip!=192.0.2.0/24',
    'all=yes'
  ]) {
    assert.ok(holds(text), text)
  }
  for (const text of ['verb=get', 'verb!=GET', 'response>503', 'clientip=10.0.0.0/16', 'nothing=1', 'request~^/b']) {
    assert.ok(!holds(text), text)
  }
})

test('a condition that is none says what would be right', () => {
  assert.throws(
    () => parseWhere('verb'),
    /the condition "verb" must be a field, one of = != ~ .* such as "response>=500"/
  )
  assert.throws(() => parseWhere('=GET'), /must be a field/)
  assert.throws(() => parseWhere('response>=many'), /compares with a number, got "many"/)
  assert.throws(() => parseWhere('response>='), /compares with a number/)
  assert.throws(() => parseWhere('request~('), /must be a regular expression/)
  assert.throws(() => parseWhere('a[b=1'), /malformed field reference "a\[b"/)
})

test('a day is that which the line writes, in its own offset', () => {
  const time = Date.parse('2019-11-09T04:30:00Z')
  const at = cursorAt({ time })
  assert.equal(onDay('2019-11-08', 'UTC', false)(record, at), true)
  assert.equal(onDay('2019-11-09', 'UTC', false)(record, at), false)
  assert.equal(onDay('2019-11-09', 'UTC', true)(record, at), true, 'a zone that was asked for counts instead')
  const utc = { message: '2019-11-09T04:30:00Z hello' }
  assert.equal(onDay('2019-11-09', 'America/Los_Angeles', false)(utc, at), true)
})

test('a day of a line without an offset is that of the zone', () => {
  const at = (time: string): boolean =>
    onDay('2019-11-03', 'America/New_York', false)({ message: 'x' }, cursorAt({ time: Date.parse(time) }))
  assert.equal(at('2019-11-03T03:59:59Z'), false)
  assert.equal(at('2019-11-03T04:00:00Z'), true)
  // The clocks go back on that day: it has 25 hours.
  assert.equal(at('2019-11-04T04:59:59Z'), true)
  assert.equal(at('2019-11-04T05:00:00Z'), false)
  assert.equal(onDay('2019-11-03', 'UTC', false)({ message: 'x' }, cursorAt()), false, 'no time of its own')
})

test('a day that does not exist is refused', () => {
  assert.throws(() => onDay('2019-02-30', 'UTC', false), /there is no day 2019-02-30/)
  assert.throws(() => onDay('8 Nov 2019', 'UTC', false), /must be written YYYY-MM-DD, got "8 Nov 2019"/)
  assert.throws(() => onDay('2019-11-08', 'Mars/Base', false), /in the time zone Mars\/Base/)
})
