import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../test/lib/manual-clock.ts'
import { parseRate, rate } from './field.ts'
import { RateLimiter } from './rate.ts'

test('a second of records goes at once, then as many as the rate allows', async () => {
  const clock = manualClock()
  const limiter = new RateLimiter({ unit: 'records', perSecond: 100 }, clock)
  assert.equal(limiter.waitMs(), 0)
  limiter.take(100, 5000)
  assert.equal(limiter.waitMs(), 1)
  await clock.advance(10)
  assert.equal(limiter.waitMs(), 0)
})

test('a batch larger than the burst is not cut: what follows waits until it is paid for', async () => {
  const clock = manualClock()
  const limiter = new RateLimiter({ unit: 'bytes', perSecond: 1000 }, clock)
  limiter.take(1, 11_000)
  assert.equal(limiter.waitMs(), 10_000)
  await clock.advance(9999)
  assert.equal(limiter.waitMs(), 1)
  await clock.advance(2)
  assert.equal(limiter.waitMs(), 0)
})

test('an idle time saves up no more than a second', async () => {
  const clock = manualClock()
  const limiter = new RateLimiter({ unit: 'records', perSecond: 10 }, clock)
  await clock.advance(3_600_000)
  limiter.take(20, 0)
  assert.equal(limiter.waitMs(), 1000)
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
