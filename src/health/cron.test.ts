import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileCron, cronField, zoneField } from './cron.ts'

/** The next so many runs after a moment, in local time of the zone. */
function runs(line: string, zone: string, from: string, count: number): string[] {
  const next = compileCron(line, zone)
  const out: string[] = []
  let at = Temporal.Instant.from(from).epochMilliseconds
  for (let i = 0; i < count; i++) {
    at = next(at)!
    out.push(
      Temporal.Instant.fromEpochMilliseconds(at)
        .toZonedDateTimeISO(zone)
        .toString()
        .replace(/(:00)?\[.*/, '')
    )
  }
  return out
}

const faults = (value: unknown): string[] => {
  const out: string[] = []
  cronField('x').read(value, (_path, message) => out.push(message))
  return out
}

test('seconds, minutes, days and months are met, and the same moment not twice', () => {
  assert.deepEqual(runs('*/15 * * * * *', 'UTC', '2026-11-22T12:00:00Z', 3), [
    '2026-11-22T12:00:15+00',
    '2026-11-22T12:00:30+00',
    '2026-11-22T12:00:45+00'
  ])
  assert.deepEqual(runs('30 3 * * mon', 'UTC', '2026-11-22T12:00:00Z', 2), [
    '2026-11-23T03:30:00+00',
    '2026-11-30T03:30:00+00'
  ])
  assert.deepEqual(runs('0 0 L * *', 'UTC', '2028-02-01T00:00:00Z', 2), [
    '2028-02-29T00:00:00+00',
    '2028-03-31T00:00:00+00'
  ])
  assert.deepEqual(runs('59 59 23 31 12 *', 'Europe/Berlin', '2026-12-31T22:59:59Z', 1), ['2027-12-31T23:59:59+01'])
  assert.deepEqual(runs('0 0 29 2 *', 'UTC', '2096-03-01T00:00:00Z', 1), ['2104-02-29T00:00:00+00'])
  assert.deepEqual(runs('@daily', 'Asia/Kolkata', '2026-11-22T12:00:00Z', 1), ['2026-11-23T00:00:00+05:30'])
})

test('the end of summer time: a beat goes on through both hours, a time of day comes once', () => {
  // Berlin, 25 October 2026: 03:00 +02 is 02:00 +01.
  assert.deepEqual(runs('*/20 * * * *', 'Europe/Berlin', '2026-10-25T00:30:00Z', 5), [
    '2026-10-25T02:40:00+02',
    '2026-10-25T02:00:00+01',
    '2026-10-25T02:20:00+01',
    '2026-10-25T02:40:00+01',
    '2026-10-25T03:00:00+01'
  ])
  assert.deepEqual(runs('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2), [
    '2026-10-25T02:30:00+02',
    '2026-10-26T02:30:00+01'
  ])
})

test('the beginning of summer time: a beat goes on, a time that is skipped comes at the end of the gap', () => {
  // Berlin, 29 March 2026: 02:00 +01 is 03:00 +02.
  assert.deepEqual(runs('*/20 * * * *', 'Europe/Berlin', '2026-03-29T00:30:00Z', 3), [
    '2026-03-29T01:40:00+01',
    '2026-03-29T03:00:00+02',
    '2026-03-29T03:20:00+02'
  ])
  assert.deepEqual(runs('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 2), [
    '2026-03-29T03:00:00+02',
    '2026-03-30T02:30:00+02'
  ])
})

test('a beat never pauses at any change of clocks, in any kind of zone', () => {
  let changes = 0
  for (const zone of [
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'Africa/Casablanca',
    'America/Sao_Paulo'
  ]) {
    const next = compileCron('0 */10 * * * *', zone)
    let change = Temporal.Instant.from('2010-01-01T00:00:00Z').toZonedDateTimeISO(zone).getTimeZoneTransition('next')
    for (; change !== null && change.year < 2028; change = change.getTimeZoneTransition('next'), changes++) {
      const middle = change.epochMilliseconds
      for (let at = middle - 7_200_000; at < middle + 7_200_000; at += 600_000)
        assert.equal(next(at), at + 600_000, `${zone} ${new Date(at).toISOString()}`)
    }
  }
  assert.ok(changes > 100, String(changes))
})

test('a wrong line is told by field and value', () => {
  assert.deepEqual(faults('*/15 * * * * *'), [])
  assert.deepEqual(faults('61 * * * * *'), [
    'must be a cron line such as "*/15 * * * * *": second cannot be "61", got "61 * * * * *"'
  ])
  assert.deepEqual(faults('* * *'), [
    'must be a cron line such as "*/15 * * * * *": expected 5 or 6 fields but got 3, got "* * *"'
  ])
  assert.match(faults('0 0 31 2 *')[0] ?? '', /day of month cannot be "31"/)
  assert.match(faults(5)[0] ?? '', /must be a cron line .*, got 5/)
})

test('a zone that the host does not know is told', () => {
  const out: string[] = []
  const read = (value: unknown) => zoneField('x').read(value, (_path, message) => out.push(message))
  assert.equal(read('Europe/Berlin'), 'Europe/Berlin')
  read('Europe/Atlantis')
  assert.deepEqual(out, ['must be an IANA zone such as "Europe/Berlin", got "Europe/Atlantis"'])
})
