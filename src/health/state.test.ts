import assert from 'node:assert/strict'
import { test } from 'node:test'
import { check, property } from 'fast-check'
import * as fc from 'fast-check'
import { CHECK_STATES } from '../core/component.ts'
import type { CheckState } from '../core/component.ts'
import { advance, newStanding, progress, readStanding } from './state.ts'
import type { Standing, Thresholds } from './state.ts'

const WORDS: Record<string, CheckState> = { S: 'ok', W: 'warning', F: 'critical', U: 'unknown' }

/** States after each of the results, as letters; `-` before the first is known. */
function states(results: string, limits: Partial<Thresholds> = {}, start?: Standing): string {
  const t = { failuresBeforeWarning: 3, failuresBeforeCritical: 3, successBeforePassing: 1, ...limits }
  const letter = ({ state, known }: Standing): string =>
    known ? Object.keys(WORDS).find(k => WORDS[k] === state)! : '-'
  let standing = start ?? newStanding(0)
  let out = ''
  results.split('').forEach((c, i) => {
    standing = advance(standing, WORDS[c]!, t, i + 1)
    out += letter(standing)
  })
  return out
}

test("the book's rule: three failures in a row are critical, and a success between starts anew", () => {
  assert.equal(states('SFFSFFF'), 'SSSSSSF')
  assert.equal(states('SFFF'), 'SSSF')
  assert.equal(states('FFSFFF'), '--SSSF')
})

test('a warning may come before, and success may have to be shown more than once', () => {
  assert.equal(states('SFFFF', { failuresBeforeWarning: 1 }), 'SWWFF')
  assert.equal(states('SFFFSFSSF', { successBeforePassing: 2 }), 'SSSFFFFSS')
  assert.equal(states('SFFSF', { failuresBeforeCritical: 1, failuresBeforeWarning: 1 }), 'SFFSF')
})

test('warnings add up to a warning, and follow a critical at once', () => {
  assert.equal(states('SWWWW'), 'SSSWW')
  assert.equal(states('SFFFWWS'), 'SSSFWWS')
  assert.equal(states('SFWFWF'), 'SSSWWW')
})

test('unknown needs as many as critical does, and takes no critical back before', () => {
  assert.equal(states('SUUU'), 'SSSU')
  assert.equal(states('SFFFUF'), 'SSSFFF')
  assert.equal(states('UUUS'), '--US')
  assert.equal(states('SFUFUF'), 'SSSWWF')
})

test('failures may count within so many runs, and then calm needs more than one success', () => {
  const within = { within: 5, failuresBeforeWarning: 3 }
  assert.equal(states('SFSFSF', within), 'SSSSSF')
  assert.equal(states('SFSSSFSSSF', within), 'SSSSSSSSSS')
  // Two of the last five are still calm, three are not.
  assert.equal(states('SFFFSSSS', within), 'SSSFFFSS')
  assert.equal(states('SFSUSU', within), 'SSSSSS')
  assert.equal(states('SFWFWF', { within: 5, failuresBeforeWarning: 2 }), 'SSWWWF')
})

test('what was kept goes on after a restart; what nobody can read does not', () => {
  let standing = newStanding(0)
  const t = { failuresBeforeWarning: 3, failuresBeforeCritical: 3, successBeforePassing: 1 }
  for (const c of 'SFF') standing = advance(standing, WORDS[c]!, t, 5)
  const kept: unknown = JSON.parse(JSON.stringify(standing))
  assert.deepEqual(readStanding(kept), standing)
  assert.equal(states('F', {}, readStanding(kept)!), 'F')
  for (const bad of [undefined, null, 5, {}, { ...standing, state: 'red' }, { ...standing, failures: 'x' }])
    assert.equal(readStanding(bad), undefined)
})

test('over any results: never critical without so many in a row, never ok without a success, since only at changes', () => {
  const result = fc.constantFrom(...CHECK_STATES)
  const small = fc.integer({ min: 1, max: 4 })
  const outcome = check(
    property(fc.array(result, { maxLength: 40 }), small, small, small, (results, w, c, s) => {
      const t = { failuresBeforeWarning: Math.min(w, c), failuresBeforeCritical: c, successBeforePassing: s }
      let before = newStanding(0)
      let criticals = 0
      let row = 0
      results.forEach((r, i) => {
        const after = advance(before, r, t, i + 1)
        criticals = r === 'critical' ? criticals + 1 : r === 'unknown' ? criticals : 0
        row = r === 'ok' ? row + 1 : 0
        if (after.state === 'critical' && before.state !== 'critical') assert.ok(criticals >= c)
        if (after.state === 'ok' && before.state !== 'ok') assert.ok(row >= s || !before.known)
        assert.equal(after.since, after.state === before.state ? before.since : i + 1)
        assert.equal(after.failures === 0, r === 'ok')
        before = after
      })
    })
  )
  assert.equal(outcome.failed, false, outcome.errorInstance instanceof Error ? outcome.errorInstance.message : '')
})

test('a result that does not count yet says how many it takes', () => {
  const told = (results: string, limits: Partial<Thresholds> = {}): string => {
    const t = { failuresBeforeWarning: 3, failuresBeforeCritical: 3, successBeforePassing: 2, ...limits }
    let standing = newStanding(0)
    for (const c of results) standing = advance(standing, WORDS[c]!, t, 1)
    return progress(standing, WORDS[results.at(-1)!]!, t)
  }
  assert.deepEqual([told('SF'), told('SFF'), told('SFFF')], ['1 of 3 failures', '2 of 3 failures', ''])
  assert.deepEqual([told('F'), told('U'), told('S')], ['1 of 3 failures', '', ''])
  assert.deepEqual([told('FFFS'), told('FFFSS')], ['1 of 2 successes', ''])
  assert.equal(told('SF', { failuresBeforeWarning: 1 }), '1 of 3 failures')
  assert.equal(told('SFSF', { within: 5 }), '2 of 3 failures in 5 runs')
})
