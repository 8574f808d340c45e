import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../test/lib/manual-clock.ts'
import { parseRate, rate } from './field.ts'
import { RateLimiter } from './rate.ts'
import type { Rate } from './rate.ts'

/** Takes portions of a rate for so long as a caller that always has more would. */
async function greedy(rate: Rate, seconds: number): Promise<number> {
  const clock = manualClock()
  const limiter = new RateLimiter(rate, clock)
  const { portion } = limiter
  let taken = 0
  while (clock.elapsed() <= seconds * 1000) {
    const ms = limiter.waitMs()
    if (ms > 0) await clock.advance(ms)
    else {
      const most = portion[rate.unit]
      limiter.take(rate.unit === 'records' ? most : 1, rate.unit === 'bytes' ? most : 1)
      taken += most
      const allowed = Math.max(most, rate.perSecond) + (rate.perSecond * clock.elapsed()) / 1000
      assert.ok(taken <= allowed + 1e-6, `${taken} after ${clock.elapsed()} ms`)
    }
  }
  return taken
}

test('at no moment more has gone than a second of it and what the rate gave since', async () => {
  assert.ok((await greedy({ unit: 'records', perSecond: 500 }, 8)) >= 4250)
  assert.ok((await greedy({ unit: 'bytes', perSecond: 1000 }, 8)) >= 8500)
  assert.equal(await greedy({ unit: 'records', perSecond: 1 / 60 }, 300), 6)
})

test('a second of records goes at once, then a quarter of it at a time', async () => {
  const clock = manualClock()
  const limiter = new RateLimiter({ unit: 'records', perSecond: 100 }, clock)
  assert.deepEqual(limiter.portion, { records: 25, bytes: Infinity })
  for (let n = 0; n < 4; n++) {
    assert.equal(limiter.waitMs(), 0)
    limiter.take(25, 5000)
  }
  assert.equal(limiter.waitMs(), 250)
  await clock.advance(250)
  assert.equal(limiter.waitMs(), 0)
})

test('a record larger than the burst is not cut: what follows waits until it is paid for', async () => {
  const clock = manualClock()
  const limiter = new RateLimiter({ unit: 'bytes', perSecond: 1000 }, clock)
  limiter.take(1, 11_000)
  assert.equal(limiter.waitMs(), 10_250)
  await clock.advance(10_249)
  assert.equal(limiter.waitMs(), 1)
  await clock.advance(2)
  assert.equal(limiter.waitMs(), 0)
})

test('an idle time saves up no more than a second', async () => {
  const clock = manualClock()
  const limiter = new RateLimiter({ unit: 'records', perSecond: 10 }, clock)
  await clock.advance(3_600_000)
  limiter.take(10, 0)
  assert.equal(limiter.waitMs(), 200)
})

test('rates are written as so many records or bytes in a time', () => {
  assert.deepEqual(parseRate('1000/s'), { unit: 'records', perSecond: 1000 })
  assert.deepEqual(parseRate('90000/m'), { unit: 'records', perSecond: 1500 })
  assert.deepEqual(parseRate('3600/h'), { unit: 'records', perSecond: 1 })
  assert.deepEqual(parseRate('1MiB/s'), { unit: 'bytes', perSecond: 1_048_576 })
  assert.deepEqual(parseRate('60 kB / m'), { unit: 'bytes', perSecond: 1000 })
  for (const wrong of ['1000', '0/s', '/s', '5/d', '1 apple/s', 1000, '-1/s', null])
    assert.equal(parseRate(wrong), undefined, String(wrong))
  const faults: string[] = []
  rate('How fast.').read(1000, (path, message) => faults.push(path + message))
  assert.deepEqual(faults, ['must be a rate such as "1000/s", "5000/m" or "2MiB/s", got 1000'])
})
