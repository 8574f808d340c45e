import assert from 'node:assert/strict'
import { test } from 'node:test'
import { check, property } from 'fast-check'
import * as fc from 'fast-check'
import { alarms, judge, lintRanges, parseRange, range, SCALES, worst } from './range.ts'
import type { Range } from './range.ts'

const read = (text: string, scale: keyof typeof SCALES = 'number'): Range => {
  const found = parseRange(text, SCALES[scale].parse)
  assert.ok(found !== undefined, text)
  return found
}

test('each form of the Nagios guidelines alarms where it says', () => {
  for (const [text, quiet, loud] of [
    ['10', [0, 5, 10], [-1, 10.5]],
    ['10:', [10, 1e9], [-1, 9.99]],
    ['~:10', [-1e9, 10], [10.01]],
    ['10:20', [10, 15, 20], [9, 21]],
    ['@10:20', [9, 21], [10, 15, 20]],
    ['-5:5', [-5, 0, 5], [-6, 6]],
    ['@5', [-1, 6], [0, 5]],
    ['1.5e3', [1500], [1501]]
  ] as const) {
    for (const n of quiet) assert.equal(alarms(read(text), n), false, `${text} at ${n}`)
    for (const n of loud) assert.equal(alarms(read(text), n), true, `${text} at ${n}`)
  }
})

test('the ends have the units of the option', () => {
  assert.deepEqual([read('85%', 'percent').high, read('5%:10%', 'percent').low], [85, 5])
  assert.deepEqual([read('10GiB:', 'size').low, read('1MB', 'size').high], [10 * 1024 ** 3, 1e6])
  assert.deepEqual([read('1m30s', 'duration').high, read('500ms:', 'duration').low], [90, 0.5])
})

test('what is no range is refused with both ways to write one', () => {
  for (const bad of ['', ':', '@', 'x', '20:10', '1:2:3', '85', '101%', '-1%', '5 s']) {
    const said: string[] = []
    assert.equal(
      range('X.', SCALES.percent).read(bad, (_, message) => said.push(message)),
      undefined,
      bad
    )
    assert.deepEqual(said, [`must be a range such as "85%" (at most) or "85%:" (at least), got ${JSON.stringify(bad)}`])
  }
})

test('the message says what was expected, and the worst part speaks first', () => {
  const limits = { warning: read('80%', 'percent'), critical: read('90%', 'percent') }
  assert.deepEqual(judge(70, limits, 'space', '70 %'), { state: 'ok', reason: 'ok', message: '70 %' })
  assert.equal(judge(85, limits, 'space', '85 %').message, '85 %, expected at most 80%')
  assert.deepEqual(worst([judge(85, limits, 'space', '85 %'), judge(95, limits, 'inodes', '95 %')]), {
    state: 'critical',
    reason: 'inodes',
    message: '95 %, expected at most 90%; 85 %, expected at most 80%'
  })
  assert.deepEqual(
    [read('10:').expected, read('10:20').expected, read('@10:20').expected, read('~:10').expected],
    ['at least 10', '10 to 20', 'not 10 to 20', 'at most 10']
  )
})

test('a warning beyond the critical is a mistake', () => {
  assert.deepEqual([...lintRanges(read('96'), read('95'))], [['warning', 'must not be above critical']])
  assert.deepEqual([...lintRanges(read('5:'), read('10:'))], [['warning', 'must not be below critical']])
  assert.deepEqual([...lintRanges(read('10:'), read('5:')), ...lintRanges(read('90'), undefined)], [])
})

test('over any ends and number, @ turns the alarm round', () => {
  const n = fc.integer({ min: -100, max: 100 })
  const outcome = check(
    property(n, n, n, (a, b, x) => {
      const text = `${Math.min(a, b)}:${Math.max(a, b)}`
      assert.notEqual(alarms(read(text), x), alarms(read(`@${text}`), x))
    })
  )
  assert.equal(outcome.failed, false)
})
