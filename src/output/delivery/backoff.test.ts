// Waits grow with failures in a row, and are never shorter than the destination asks for.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../../test/lib/manual-clock.ts'
import { Backoff, jittered } from './backoff.ts'

const WAITS = { init: 1000, max: 8000 }

test('waits double up to the longest, and a tenth of it is the least', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 50].map(round => jittered(WAITS, round, () => 1)),
    [1000, 2000, 4000, 8000, 8000, 8000]
  )
  assert.equal(
    jittered(WAITS, 3, () => 0),
    800
  )
})

test('requests that fail together count as one failure', () => {
  const clock = manualClock()
  const backoff = new Backoff(WAITS, clock, () => 1)
  const { round } = backoff
  backoff.failed(round, undefined)
  backoff.failed(round, undefined)
  assert.equal(backoff.round, 1)
  assert.equal(backoff.until, clock.elapsed() + 1000)
  backoff.failed(backoff.round, undefined)
  assert.equal(backoff.until, clock.elapsed() + 2000)
})

test('what the destination asks for is waited for, five minutes at most, and an answer ends every wait', () => {
  const clock = manualClock()
  const backoff = new Backoff(WAITS, clock, () => 1)
  backoff.failed(0, 20_000)
  assert.equal(backoff.until, clock.elapsed() + 20_000)
  backoff.pause(86_400_000)
  assert.equal(backoff.until, clock.elapsed() + 300_000)
  backoff.reset()
  assert.equal(backoff.until, 0)
  assert.equal(backoff.round, 0)
})
