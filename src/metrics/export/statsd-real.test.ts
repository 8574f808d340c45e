// The StatsD daemon itself on the other side: nothing it refuses, and its sums are those of the page.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { manualClock } from '../../../test/lib/manual-clock.ts'
import { optionFaults } from '../../../test/lib/exporter.ts'
import { until } from '../../../test/lib/real/process.ts'
import { startStatsd } from '../../../test/lib/real/statsd.ts'
import { context } from '../../../test/lib/step.ts'
import type { Family } from '../../core/instruments.ts'
import { readFields } from '../../core/field.ts'
import { createStore } from '../store.ts'
import { statsd } from './statsd.ts'

test('StatsD refuses no line, adds up what the page shows, and has negative gauges as they are', async t => {
  const daemon = await startStatsd(t)
  const clock = manualClock()
  const store = createStore()
  const hits = store.instruments.counter('hits_total', 'Hits.', ['path'])
  const took = store.instruments.histogram('took_seconds', 'Took.', [], [1])
  const level = store.instruments.gauge('level', 'Level.')
  const options = readFields(statsd.fields, { port: daemon.port, prefix: 'app1', secret: 'secret' }, assert.fail)
  const exporter = statsd.build(options!, context({ clock }))
  const abort = new AbortController()
  const ran = exporter.run(store, abort.signal)
  await turn()

  const paths = ['/', '/a b', 'x:1|c', '\n', 'é\u0000"', '..', '', '@0.1', '__overflow__']
  for (let round = 1; round <= 3; round++) {
    for (const [i, path] of paths.entries()) hits.add(round * (i + 1), path)
    took.observe(0.25 * round)
    level.set(round === 2 ? 10 : -5)
    await clock.advance(10_000)
  }
  hits.add(5, 'last')
  abort.abort()
  await ran
  await exporter.close()

  const counters = await until('the last line', async () => {
    const all = await daemon.ask('counters')
    return all['secret.app1.hits_total.last'] === undefined ? undefined : all
  })
  assert.equal(counters['statsd.bad_lines_seen'], 0)
  assert.equal(counters['statsd.packets_received'], 4)
  const sum = (prefix: string): number =>
    Object.entries(counters).reduce((total, [name, value]) => (name.startsWith(prefix) ? total + value : total), 0)
  const page: Family = (await store.read()).find(({ name }) => name === 'hits_total')!
  assert.equal(
    sum('secret.app1.hits_total.'),
    [...page.samples].reduce((total, { value }) => total + value, 0)
  )
  assert.equal(counters['secret.app1.took_seconds_count'], 3)
  assert.equal(counters['secret.app1.took_seconds_sum'], 1.5)
  assert.equal((await daemon.ask('gauges'))['secret.app1.level'], -5)
})

test('by TCP and over its Unix socket StatsD gets the same, whatever the dialect makes of labels', async t => {
  const daemon = await startStatsd(t)
  const ways = [
    { transport: 'tcp', port: daemon.port },
    { transport: 'unix', path: daemon.path }
  ]
  for (const way of ways) {
    const given = { ...way, prefix: `by.${way.transport}` }
    assert.deepEqual(optionFaults(statsd, given), [])
    const clock = manualClock()
    const store = createStore()
    const hits = store.instruments.counter('hits_total', 'Hits.', ['path'])
    const exporter = statsd.build(readFields(statsd.fields, given, assert.fail)!, context({ clock }))
    const abort = new AbortController()
    const ran = exporter.run(store, abort.signal)
    await turn()
    for (let i = 0; i < 3000; i++) hits.add(1, `/page/${i}`)
    store.instruments.gauge('level', 'Level.').set(-7)
    await clock.advance(10_000)
    abort.abort()
    await ran
    await exporter.close()
    const prefix = `by.${way.transport}.hits_total.`
    const all = await until(`3000 counters by ${way.transport}`, async () => {
      const counters = await daemon.ask('counters')
      const mine = Object.entries(counters).filter(([name]) => name.startsWith(prefix))
      return mine.length === 3000 ? { counters, mine } : undefined
    })
    assert.ok(all.mine.every(([, value]) => value === 1))
    assert.equal(all.counters['statsd.bad_lines_seen'], 0)
    assert.equal((await daemon.ask('gauges'))[`by.${way.transport}.level`], -7)
  }
})
