import assert from 'node:assert/strict'
import test from 'node:test'
import { ARRIVAL, build, faults, run } from '../../../test/lib/step.ts'
import { date } from './date.ts'
import { compileDate } from './date/parser.ts'
import { openZone, UTC } from './date/zone.ts'

const iso = (ms: number): string => (Number.isNaN(ms) ? 'NaN' : new Date(ms).toISOString())
const parse = (format: string, text: string, zone = 'UTC', arrival = ARRIVAL): string =>
  iso(compileDate(format, openZone(zone)).parse(text, arrival))

// The arrival is 2026-11-22T12:00:00Z.
const table: Array<[format: string, text: string, time: string, zone?: string]> = [
  // The times of the book's lines.
  ['dd/MMM/yyyy:HH:mm:ss Z', '03/Aug/2019:07:28:41 +0000', '2019-08-03T07:28:41.000Z'],
  ['dd/MMM/yyyy:HH:mm:ss Z', '13/Nov/2019:14:43:30 -0800', '2019-11-13T22:43:30.000Z'],
  ['dd/MMM/yyyy:HH:mm:ss Z', '13/Nov/2019:14:34:30 -0000', '2019-11-13T14:34:30.000Z'],
  ['dd/MMM/yyyy HH:mm:ss', '04/Sep/2019 12:10:54', '2019-09-04T10:10:54.000Z', 'Europe/Berlin'],
  ['HH:mm:ss', '09:58:37', '2026-11-22T09:58:37.000Z'],
  ['MMM dd HH:mm:ss', 'Apr 23 13:44:20', '2026-04-23T13:44:20.000Z'],
  ['yyyy-MM-dd HH:mm:ss', '2019-05-29 22:45:04', '2019-05-29T22:45:04.000Z'],
  ['yyyy-MM-dd HH:mm:ss,SSS', '2019-08-12 07:57:28,157', '2019-08-12T07:57:28.157Z'],
  ['ISO8601', '2019-08-09T12:34:43Z', '2019-08-09T12:34:43.000Z'],
  ['yyyy-MM-dd HH:mm:ss.SSS ZZZ', '2019-07-11 21:50:20.987 UTC', '2019-07-11T21:50:20.987Z'],
  ['dd MMM yyyy HH:mm:ss.SSS', '12 Jul 2019 20:17:12.967', '2019-07-12T20:17:12.967Z'],
  ['ISO8601', '2019-08-23T03:35:12.419846316Z', '2019-08-23T03:35:12.419Z'],
  ['M/d/yy h:mm:ss a', '8/24/19 12:21:35 AM', '2019-08-24T00:21:35.000Z'],
  ['M/d/yy h:mm:ss a', '8/24/19 12:21:35 PM', '2019-08-24T12:21:35.000Z'],
  ['HH:mm:ss', '19:41:00', '2026-11-21T19:41:00.000Z'],
  // ISO 8601 and its relatives.
  ['ISO8601', '2019-07-08 08:31:08,493', '2019-07-08T08:31:08.493Z'],
  ['ISO8601', '2019-07-08T08:31:08.4+02:00', '2019-07-08T06:31:08.400Z'],
  ['ISO8601', '2019-07-08T08:31:08-0530', '2019-07-08T14:01:08.000Z'],
  ['ISO8601', '2019-07-08T08:31', '2019-07-08T12:31:00.000Z', 'America/New_York'],
  ['ISO8601', '2019-07-08', '2019-07-08T00:00:00.000Z'],
  ['ISO8601', '2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
  ['ISO8601', '2019-02-29T00:00:00Z', 'NaN'],
  ['ISO8601', '2019-07-08T08:31:08X', 'NaN'],
  ['ISO8601', '2019-07-08T24:31:08Z', 'NaN'],
  ['ISO8601', '2019-07-08T08:31:08.Z', 'NaN'],
  ['ISO8601', 'yesterday', 'NaN'],
  // Epochs.
  ['UNIX', '1573684410', '2019-11-13T22:33:30.000Z'],
  ['UNIX', '1573684410.123', '2019-11-13T22:33:30.123Z'],
  ['UNIX', '1573684410.9999', '2019-11-13T22:33:30.999Z'],
  ['UNIX_MS', '1573684410123', '2019-11-13T22:33:30.123Z'],
  ['UNIX_US', '1573684410123456', '2019-11-13T22:33:30.123Z'],
  ['UNIX_NS', '1573684410123456789', '2019-11-13T22:33:30.123Z'],
  ['UNIX', '99999999999999999', 'NaN'],
  ['UNIX', '12x', 'NaN'],
  // Joda's letters.
  ['EEE MMM dd HH:mm:ss.SSSSSS yyyy', 'Wed Oct 11 14:32:52.123456 2000', '2000-10-11T14:32:52.123Z'],
  ['EEEE, d MMMM yyyy', 'Tuesday, 3 September 2019', '2019-09-03T00:00:00.000Z'],
  ['MMM  d HH:mm:ss', 'Apr  3 01:02:03', '2026-04-03T01:02:03.000Z'],
  ['MMM d HH:mm:ss', 'APR 3 01:02:03', '2026-04-03T01:02:03.000Z'],
  ['yyyyMMddHHmmssSSS', '20190708083108493', '2019-07-08T08:31:08.493Z'],
  ['yyyyMMdd', '2019070', 'NaN'],
  ["yyyy-MM-dd'T'HH:mm:ssZZ", '2019-07-08T08:31:08+01:00', '2019-07-08T07:31:08.000Z'],
  ["hh 'o''clock' a", "07 o'clock am", '2026-11-22T07:00:00.000Z'],
  ['yyyy-DDD', '2020-366', '2020-12-31T00:00:00.000Z'],
  ['yyyy-DDD', '2019-366', 'NaN'],
  ['yyyy-MM-dd HH:mm ZZZ', '2019-07-08 08:31 America/New_York', '2019-07-08T12:31:00.000Z'],
  ['yyyy-MM-dd HH:mm ZZZ', '2019-07-08 08:31 CEST', '2019-07-08T06:31:00.000Z'],
  ['yyyy-MM-dd HH:mm ZZZ', '2019-07-08 08:31 Nowhere/At_All', 'NaN'],
  ['yyyy-MM-dd', '2019-13-08', 'NaN'],
  ['yyyy-MM-dd', '2019-07-08 ', 'NaN'],
  ['hh:mm a', '13:00 pm', 'NaN'],
  ['yy', '69', '1969-01-01T00:00:00.000Z'],
  ['yy', '68', '2068-01-01T00:00:00.000Z'],
  // strptime.
  ['%d/%b/%Y:%H:%M:%S %z', '13/Nov/2019:14:43:30 -0800', '2019-11-13T22:43:30.000Z'],
  ['%Y-%m-%d %H:%M:%S.%f', '2019-07-08 08:31:08.493817', '2019-07-08T08:31:08.493Z'],
  ['%F %T', '2019-07-08 08:31:08', '2019-07-08T08:31:08.000Z'],
  ['%m/%e/%y %l:%M %p', '12/ 3/19  9:05 PM', '2019-12-03T21:05:00.000Z'],
  ['%s.%L', '1573684410.123', '2019-11-13T22:33:30.123Z'],
  ['%a %b %d %H:%M:%S %Z %Y', 'Wed Nov 13 14:43:30 PST 2019', '2019-11-13T22:43:30.000Z'],
  ['100%% %Y', '100% 2019', '2019-01-01T00:00:00.000Z'],
  // A missing year.
  ['MMM dd HH:mm:ss', 'Nov 23 11:59:59', '2026-11-23T11:59:59.000Z'],
  ['MMM dd HH:mm:ss', 'Nov 23 12:00:01', '2025-11-23T12:00:01.000Z'],
  ['MMM dd HH:mm:ss', 'Feb 29 12:00:00', '2024-02-29T12:00:00.000Z'],
  ['MMM dd HH:mm:ss', 'Feb 30 12:00:00', 'NaN'],
  // Clocks that change: 29 March and 25 October 2026 in Berlin.
  ['yyyy-MM-dd HH:mm:ss', '2026-03-29 01:59:59', '2026-03-29T00:59:59.000Z', 'Europe/Berlin'],
  ['yyyy-MM-dd HH:mm:ss', '2026-03-29 02:30:00', '2026-03-29T01:30:00.000Z', 'Europe/Berlin'],
  ['yyyy-MM-dd HH:mm:ss', '2026-03-29 03:00:00', '2026-03-29T01:00:00.000Z', 'Europe/Berlin'],
  ['yyyy-MM-dd HH:mm:ss', '2026-10-25 01:59:59', '2026-10-24T23:59:59.000Z', 'Europe/Berlin'],
  ['yyyy-MM-dd HH:mm:ss', '2026-10-25 02:30:00', '2026-10-25T00:30:00.000Z', 'Europe/Berlin'],
  ['yyyy-MM-dd HH:mm:ss', '2026-10-25 03:00:00', '2026-10-25T02:00:00.000Z', 'Europe/Berlin']
]

for (const [format, text, time, zone] of table) {
  test(`reads "${text}" by ${format}${zone === undefined ? '' : ` in ${zone}`} as ${time}`, () => {
    assert.equal(parse(format, text, zone), time)
  })
}

test('reads the repeated hour of autumn as its second pass when the line arrives then', () => {
  const at = (arrival: string): string =>
    parse('yyyy-MM-dd HH:mm:ss', '2026-10-25 02:30:00', 'Europe/Berlin', Date.parse(arrival))
  assert.equal(at('2026-10-25T00:30:01Z'), '2026-10-25T00:30:00.000Z')
  assert.equal(at('2026-10-25T01:30:01Z'), '2026-10-25T01:30:00.000Z')
  assert.equal(at('2026-10-26T00:00:00Z'), '2026-10-25T00:30:00.000Z')
})

test('takes the last day of the year for a line of 23:59 that arrives after midnight', () => {
  const arrival = Date.parse('2027-01-01T00:00:02Z')
  assert.equal(parse('HH:mm:ss', '23:59:59', 'UTC', arrival), '2026-12-31T23:59:59.000Z')
  assert.equal(parse('MMM d HH:mm:ss', 'Dec 31 23:59:59', 'UTC', arrival), '2026-12-31T23:59:59.000Z')
})

test('agrees with Temporal on every hour of three years in zones of all kinds', () => {
  for (const id of ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'Pacific/Apia']) {
    const zone = openZone(id)
    const from = Date.UTC(id === 'Pacific/Apia' ? 2010 : 2024, 0, 1)
    for (let local = from; local < from + 3 * 365 * 86_400_000; local += 1_800_000) {
      const plain = Temporal.Instant.fromEpochMilliseconds(local).toZonedDateTimeISO('UTC').toPlainDateTime()
      const expected = plain.toZonedDateTime(id).epochMilliseconds
      const got = zone.toEpoch(local, ARRIVAL)
      if (got !== expected) assert.fail(`${id} ${plain.toString()}: ${iso(got)}, not ${iso(expected)}`)
    }
  }
})

test('puts the time into the record and keeps the field', () => {
  const step = build(date, { field: 'timestamp', formats: ['dd/MMM/yyyy:HH:mm:ss Z'] })
  const out = run(step, { timestamp: '13/Nov/2019:14:43:30 -0800' })
  assert.deepEqual(out, {
    event: { timestamp: '13/Nov/2019:14:43:30 -0800' },
    time: '2019-11-13T22:43:30.000Z',
    failed: '',
    kept: true
  })
})

test('the first format that fits wins, and the kept answer is that of its text', () => {
  const step = build(date, { field: 't', formats: ['dd/MM/yyyy', 'MM/dd/yyyy'] })
  assert.equal(run(step, { t: '03/04/2019' }).time, '2019-04-03T00:00:00.000Z')
  assert.equal(run(step, { t: '03/14/2019' }).time, '2019-03-14T00:00:00.000Z')
  assert.equal(run(step, { t: '03/04/2019' }).time, '2019-04-03T00:00:00.000Z')
})

test('a missing year follows the arrival even when the text repeats', () => {
  const step = build(date, { field: 't', formats: 'MMM dd' })
  assert.equal(run(step, { t: 'Nov 23' }).time, '2026-11-23T00:00:00.000Z')
  assert.equal(run(step, { t: 'Nov 23' }, { arrival: Date.UTC(2025, 10, 24) }).time, '2025-11-23T00:00:00.000Z')
})

test('names what it assumed, and is silent when told so', () => {
  const options = { field: 't', formats: ['ISO8601', 'MMM dd HH:mm:ss', 'HH:mm:ss', 'MMM dd HH:mm:ss Z'] }
  const step = build(date, options)
  assert.deepEqual(run(step, { t: 'Apr 23 13:44:20' }).event['time_assumed'], ['year', 'timezone'])
  assert.deepEqual(run(step, { t: '13:44:20' }).event['time_assumed'], ['date', 'timezone'])
  assert.deepEqual(run(step, { t: 'Apr 23 13:44:20 +0200' }).event['time_assumed'], ['year'])
  assert.equal(run(step, { t: '2026-04-23T13:44:20Z' }).event['time_assumed'], undefined)
  const quiet = build(date, { ...options, flag_assumed: false })
  assert.equal(run(quiet, { t: '13:44:20' }).event['time_assumed'], undefined)
})

test('tags what fits no format, and leaves records without the field alone', () => {
  const step = build(date, { field: 't', formats: 'ISO8601' })
  const out = run(step, { t: 'soon' })
  assert.deepEqual(
    [out.event, out.time, out.failed],
    [{ t: 'soon', tags: ['_dateparsefailure'] }, '', '_dateparsefailure']
  )
  assert.deepEqual(run(step, { x: 1 }), { event: { x: 1 }, time: '', failed: '', kept: true })
})

test('takes numbers, and writes ISO into another target', () => {
  const step = build(date, { field: 'ts', formats: ['UNIX'], target: 'event.created' })
  const out = run(step, { ts: 1573684410.5 })
  assert.deepEqual(out.event, { ts: 1573684410.5, event: { created: '2019-11-13T22:33:30.500Z' } })
  assert.equal(out.time, '')
  assert.deepEqual(step.writes, ['tags', 'time_assumed', 'event'])
})

test('refuses unknown letters, zones and formats that hold no time', () => {
  assert.match(faults(date, { formats: 'yyyy-QQ' }).join(), /unknown letter "Q"/)
  assert.match(faults(date, { formats: '%Q' }).join(), /unknown directive "%Q"/)
  assert.match(faults(date, { formats: 'mm:ss' }).join(), /neither a date nor an hour/)
  assert.match(faults(date, { formats: "yyyy 'x" }).join(), /quote is not closed/)
  assert.match(faults(date, { formats: 'ISO8601', timezone: 'Mars/Base' }).join(), /IANA time zone/)
  assert.throws(() => build(date, { formats: 'ISO8601' }, { timezone: 'Mars/Base' }), /IANA time zone/)
})

test('a scanner keeps nothing of the text before', () => {
  const parser = compileDate('yyyy-MM-dd HH:mm ZZZ', UTC)
  parser.parse('2019-07-08 08:31 America/New_York', ARRIVAL)
  assert.equal(iso(parser.parse('2019-07-08 08:31 UTC', ARRIVAL)), '2019-07-08T08:31:00.000Z')
})
