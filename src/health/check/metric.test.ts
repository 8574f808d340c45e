import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildCheck, checkFaults, runCheck } from '../../../test/lib/check.ts'
import { manualClock } from '../../../test/lib/manual-clock.ts'
import { createStore } from '../../metrics/store.ts'
import { metricCheck } from './metric.ts'

function watch(options: Record<string, unknown>) {
  const clock = manualClock()
  const store = createStore()
  const agent = { metrics: store, watch: () => () => {} }
  const requests = store.instruments.counter('requests_total', 'Requests.', ['status', 'verb'])
  const size = store.instruments.histogram('size_bytes', 'Sizes.', [], [10, 100])
  const lag = store.instruments.gauge('lag_bytes', 'Lag.', ['input'])
  const runner = buildCheck(metricCheck, options, 1000, { clock, agent })
  const look = async (): Promise<string> => {
    const { state, reason, message } = await runner.run(new AbortController().signal)
    return `${state} ${reason}: ${message}`
  }
  return { clock, requests, size, lag, look }
}

test('a number is judged as it stands, the sum of all series that are meant', async () => {
  const { lag, look } = watch({ metric: 'lag_bytes', warning: 100, critical: 1000 })
  assert.equal(await look(), 'unknown missing: there is no series lag_bytes')
  lag.set(60, 'a')
  assert.equal(await look(), 'ok ok: lag_bytes is 60')
  lag.set(60, 'b')
  assert.equal(await look(), 'warning limit: lag_bytes is 120, expected at most 100')
  const one = watch({ metric: 'lag_bytes', labels: { input: 'b' }, critical: 10 })
  one.lag.set(5, 'a')
  one.lag.set(50, 'b')
  assert.equal(await one.look(), 'critical limit: lag_bytes{input="b"} is 50, expected at most 10')
})

test('growth is that over the time, as a number or a second', async () => {
  const { clock, requests, look } = watch({ metric: 'requests_total', take: 'increase', over: '1m', critical: 10 })
  requests.add(500, '200', 'GET')
  assert.match(await look(), /^ok/)
  requests.add(11, '500', 'GET')
  await clock.advance(30_000)
  assert.equal(await look(), 'critical limit: requests_total over 30 s grew by 11, expected at most 10')
  await clock.advance(60_000)
  await look()
  await clock.advance(60_000)
  assert.equal(await look(), 'ok ok: requests_total over 60 s grew by 0')
  const rate = watch({ metric: 'size_bytes_count', take: 'rate', over: '1m', warning: 1 })
  await rate.look()
  rate.size.observe(5)
  await rate.look()
  for (let i = 0; i < 20; i++) rate.size.observe(5)
  await rate.clock.advance(10_000)
  assert.equal(await rate.look(), 'warning limit: size_bytes_count over 10 s grew a second by 2.1, expected at most 1')
})

test('the part of another number is a percentage, also when nothing was counted in it yet', async () => {
  const { clock, requests, look } = watch({
    metric: 'requests_total',
    labels: { status: '500' },
    of: { metric: 'requests_total' },
    take: 'increase',
    over: '5m',
    critical: 5
  })
  requests.add(10, '200', 'GET')
  assert.equal(await look(), 'ok ok: requests_total is 0, so nothing is a part of it')
  requests.add(90, '200', 'POST')
  await clock.advance(1000)
  assert.equal(await look(), 'ok ok: requests_total{status="500"} over 1 s grew by 0 % of requests_total')
  requests.add(10, '500', 'GET')
  assert.equal(
    await look(),
    'critical limit: requests_total{status="500"} over 1 s grew by 10 % of requests_total, expected at most 5'
  )
})

test('without an agent it is unknown; what judges nothing is refused', async () => {
  assert.equal(
    (await runCheck(metricCheck, { metric: 'x', critical: 1 })).message,
    'only a running agent has numbers; see yarder status'
  )
  assert.deepEqual(checkFaults(metricCheck, { metric: 'x' }), ['critical: or warning must be given'])
})
