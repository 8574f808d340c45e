import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { makeRecords, NOON } from '../../../test/lib/records.ts'
import { compileTemplate } from '../../core/template.ts'
import { DEFAULT_INDEX, indexFault, IndexNames } from './index-name.ts'

const DAY = 86_400_000
const of = (names: IndexNames, time: number, key?: string): string =>
  names.of(
    makeRecords({
      docs: [{}],
      times: time,
      arrival: NOON,
      keys: key === undefined ? {} : { [names.key!.text]: [key] }
    }),
    0
  )

test('an absurd date gives way to the day of arrival and is counted', () => {
  const names = new IndexNames(compileTemplate(DEFAULT_INDEX))
  assert.equal(of(names, NOON - 400 * DAY), 'logstash-2025.10.18')
  assert.equal(of(names, NOON + DAY), 'logstash-2026.11.23')
  assert.equal(names.absurd, 0)
  for (const time of [0, Date.UTC(1999, 11, 31), NOON + 3 * DAY, Date.UTC(9999, 0, 1), NaN, Infinity])
    assert.equal(of(names, time), 'logstash-2026.11.22')
  assert.equal(names.absurd, 6)
})

test('hours in the name are followed', () => {
  const names = new IndexNames(compileTemplate('x-%{+yyyy.MM.dd.HH}'))
  assert.deepEqual([of(names, NOON), of(names, NOON + 3_600_000)], ['x-2026.11.22.12', 'x-2026.11.22.13'])
})

test('a name without a date asks for no time', () => {
  const names = new IndexNames(compileTemplate('plain'))
  assert.deepEqual([of(names, 0), names.absurd, names.key], ['plain', 0, undefined])
})

test('a field gives its part of the name in safe characters, and the date is still guarded', () => {
  const names = new IndexNames(compileTemplate('app-%{service}-%{+yyyy.MM.dd}'))
  const hole = '\u{E000}'
  assert.equal(of(names, NOON, `app-Web/Shop-${hole}`), 'app-web_shop-2026.11.22')
  assert.equal(of(names, 0, `app-web-${hole}`), 'app-web-2026.11.22')
  assert.equal(of(names, NOON - DAY, `app-web-${hole}`), 'app-web-2026.11.21')
})

test('no value of a field leads out of safe names', () => {
  const names = new IndexNames(compileTemplate('app-%{service}-%{+yyyy.MM.dd}'))
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), value => {
      assert.match(of(names, NOON, `app-${value}-\u{E000}`), /^app-[a-z0-9._+-]{1,240}$/)
      assert.match(of(names, NOON, `app-${value}-\u{E000}`), /2026\.11\.22/)
    }),
    { numRuns: 300 }
  )
})

test('a template that lets the log choose any index, or that no server would take, is a fault', () => {
  for (const good of [DEFAULT_INDEX, 'plain', 'logs-%{service}', 'a_b.c+%{+xxxx.ww}'])
    assert.equal(indexFault(good), '')
  assert.match(indexFault('%{service}-x'), /constant/)
  assert.match(indexFault('App-%{+yyyy}'), /lower case/)
  assert.match(indexFault('-app'), /begin/)
  assert.match(indexFault('a b'), /" "/)
  assert.match(indexFault('a,b'), /","/)
})

test('fields make only so many names an hour; the rest has one index, and a name that was made stays', () => {
  let now = 0
  const names = new IndexNames(compileTemplate('app-%{service}-%{+yyyy.MM.dd}'), 3, () => now)
  const refused: string[] = []
  names.onOverflow = name => void refused.push(name)
  const name = (service: string): string => of(names, NOON, `app-${service}-\u{E000}`)
  assert.deepEqual(['a', 'b', 'c'].map(name), ['app-a-2026.11.22', 'app-b-2026.11.22', 'app-c-2026.11.22'])
  const hostile = new Set(Array.from({ length: 5000 }, (_, n) => name(`x${n}`)))
  assert.deepEqual([...hostile], ['app-overflow-2026.11.22'])
  assert.equal(name('b'), 'app-b-2026.11.22')
  assert.equal(names.overflows, 5000)
  assert.deepEqual(refused, ['app-x0-*'])
  now = 3_600_000
  assert.equal(name('x7'), 'app-x7-2026.11.22')
  assert.equal(of(names, NOON - DAY, 'app-x7-\u{E000}'), 'app-x7-2026.11.21')
})
