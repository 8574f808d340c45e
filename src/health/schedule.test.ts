import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../test/lib/manual-clock.ts'
import type { ManualClock } from '../../test/lib/manual-clock.ts'
import type { Clock } from '../core/clock.ts'
import { runSchedule } from './schedule.ts'
import type { Timing } from './schedule.ts'

/** Runs a schedule for a while and gives the moments at which it ran, in seconds from the start. */
async function beatsOf(timing: Timing, clock: ManualClock, forMs: number, takesMs = 0, random = 0): Promise<number[]> {
  const stop = new AbortController()
  const at: number[] = []
  let running = 0
  const ended = runSchedule(
    timing,
    clock,
    () => random,
    stop.signal,
    async () => {
      assert.equal(++running, 1, 'never twice at once')
      at.push(clock.elapsed() / 1000)
      if (takesMs > 0) await clock.wait(takesMs, stop.signal)
      running--
    }
  )
  await clock.advance(forMs)
  stop.abort()
  await ended
  assert.equal(clock.waiting, 0, 'nothing is left behind')
  return at
}

test('beats stay as far apart as they should, from a first one at random', async () => {
  assert.deepEqual(await beatsOf({ every: 10_000 }, manualClock(), 35_000, 0, 0.5), [5, 15, 25, 35])
  assert.deepEqual(await beatsOf({ every: 3_600_000 }, manualClock(), 3_620_000, 0, 0.9), [9, 3609])
})

test('beats fall on whole seconds, or a tenth of the beat, so that few wake the host; and not all on the same', async () => {
  const randoms = Array.from({ length: 50 }, (_, i) => i / 50)
  const firsts = await Promise.all(
    randoms.map(async random => (await beatsOf({ every: 10_000 }, manualClock(), 10_000, 0, random))[0]!)
  )
  assert.deepEqual([...new Set(firsts)], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  assert.deepEqual(await beatsOf({ every: 500 }, manualClock(), 1200, 0, 0.51), [0.3, 0.8])
})

test('a run that takes long neither shifts the beat nor meets itself', async () => {
  assert.deepEqual(await beatsOf({ every: 10_000 }, manualClock(), 50_000, 4000), [0, 10, 20, 30, 40, 50])
  assert.deepEqual(await beatsOf({ every: 10_000 }, manualClock(), 50_000, 12_000), [0, 20, 40])
  const cron = { cron: '*/10 * * * * *', zone: 'UTC' }
  assert.deepEqual(await beatsOf(cron, manualClock(), 50_000, 12_000), [10, 30, 50])
})

test('a cron line runs at its moments, each once', async () => {
  assert.deepEqual(await beatsOf({ cron: '*/15 * * * * *', zone: 'UTC' }, manualClock(), 60_000), [15, 30, 45, 60])
})

test('a wall clock that is set back or forward changes neither beats nor floods cron lines', async () => {
  const inner = manualClock()
  let shift = 0
  const clock: ManualClock = {
    ...inner,
    now: () => inner.now() + shift,
    elapsed: () => inner.elapsed(),
    get waiting() {
      return inner.waiting
    }
  }
  const at: number[] = []
  const stop = new AbortController()
  const note = async (): Promise<void> => void at.push(clock.elapsed() / 1000)
  const ended = runSchedule({ cron: '0 * * * * *', zone: 'UTC' }, clock, () => 0, stop.signal, note)
  await clock.advance(60_000)
  assert.deepEqual(at, [60])
  // Eight hours forward, as after a suspend: at most one run for all that was missed.
  shift = 8 * 3_600_000
  await clock.advance(60_000)
  assert.ok(at.length <= 3, at.join())
  const before = at.length
  shift = 0
  await clock.advance(120_000)
  assert.ok(at.length - before >= 1 && at.length - before <= 3, at.join())
  stop.abort()
  await ended
})

test('a wall clock that is put back by a little after a run does not bring the same moment again', async () => {
  const inner = manualClock()
  let shift = 0
  const clock: Clock = { ...inner, now: () => inner.now() + shift, elapsed: () => inner.elapsed() }
  const at: number[] = []
  const stop = new AbortController()
  const ended = runSchedule(
    { cron: '*/15 * * * * *', zone: 'UTC' },
    clock,
    () => 0,
    stop.signal,
    async () => {
      at.push(inner.elapsed() / 1000)
      shift -= 500
    }
  )
  await inner.advance(50_000)
  stop.abort()
  await ended
  assert.deepEqual(at, [15, 30.5, 46])
})
