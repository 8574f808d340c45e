import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryState } from '../core/state.ts'
import { History } from './history.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

test('the time that was not critical is the uptime, over a day, a week and a month', () => {
  const history = new History(memoryState(), 'web')
  history.add(0, 'ok')
  history.add(10 * DAY, 'critical')
  history.add(10 * DAY + 6 * HOUR, 'warning')
  assert.deepEqual(history.uptime(10 * DAY + 12 * HOUR), {
    day: 18 / 24,
    week: (7 * 24 - 6) / (7 * 24),
    month: (10 * 24 + 6) / (10 * 24 + 12)
  })
})

test('maintenance, what is unknown and pauses of the agent are neither up nor down', () => {
  const history = new History(memoryState(), 'web')
  assert.equal(history.uptime(HOUR).day, undefined)
  history.add(0, 'ok')
  history.add(1 * HOUR, 'maintenance')
  history.add(5 * HOUR, 'critical')
  history.gap(6 * HOUR)
  history.add(20 * HOUR, 'unknown')
  assert.equal(history.uptime(21 * HOUR).day, 0.5)
  assert.equal(history.knownMs(21 * HOUR), 2 * HOUR)
})

test('it goes on after a restart, and forgets what is older than a month and more than a thousand changes', () => {
  const state = memoryState()
  new History(state, 'web').add(0, 'critical')
  const history = new History(state, 'web')
  history.add(40 * DAY, 'ok')
  assert.deepEqual(history.changes.length, 2)
  history.add(80 * DAY, 'critical')
  assert.deepEqual(history.changes, [
    { at: 40 * DAY, state: 'ok' },
    { at: 80 * DAY, state: 'critical' }
  ])
  for (let i = 0; i < 3000; i++) history.add(80 * DAY + i, i % 2 === 0 ? 'ok' : 'critical')
  assert.equal(history.changes.length, 1000)
  state.set('check-history', 'web', [[1, 'x']])
  assert.deepEqual(new History(state, 'web').changes, [])
})

test('changes are counted by what they were, not by maintenance', () => {
  const history = new History(memoryState(), 'web')
  history.add(0, 'ok')
  history.add(1 * HOUR, 'maintenance')
  history.add(2 * HOUR, 'ok')
  history.gap(3 * HOUR)
  history.add(4 * HOUR, 'critical')
  history.add(5 * HOUR, 'ok')
  assert.deepEqual([history.changesSince(0), history.changesSince(4.5 * HOUR)], [2, 1])
})
