// It rings once, at the earliest of the times that were asked for, and not at all when it was called off.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../../test/lib/manual-clock.ts'
import { Alarm } from './alarm.ts'

test('the earliest time counts; later ones, and never, change nothing', async () => {
  const clock = manualClock()
  const rings: number[] = []
  const alarm = new Alarm(clock, () => void rings.push(clock.elapsed()))
  const start = clock.elapsed()
  alarm.set(start + 500)
  alarm.set(start + 200)
  alarm.set(start + 900)
  alarm.set(Infinity)
  await clock.advance(1000)
  alarm.set(clock.elapsed() + 100)
  await clock.advance(1000)
  assert.deepEqual(rings, [start + 200, start + 1100])
})

test('one that was called off does not ring', async () => {
  const clock = manualClock()
  const alarm = new Alarm(clock, () => assert.fail('it rang'))
  alarm.set(clock.elapsed() + 100)
  alarm.cancel()
  await clock.advance(1000)
})
