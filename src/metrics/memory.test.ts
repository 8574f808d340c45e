import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { buildMetric } from '../../test/lib/metric.ts'
import type { Cursor } from '../core/event.ts'
import { memoryState } from '../core/state.ts'
import { renderPage } from './export/page.ts'
import { Changes, readings } from './export/push/readings.ts'
import { DIALECTS, targetOf } from './export/statsd/lines.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heap(): number {
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

const SERIES = 2000
const cursor: Cursor = {
  source: { input: 'app', id: 'f', path: undefined, constants: {} },
  time: NaN,
  arrival: 0,
  offset: 0,
  failed: ''
}

test('a series costs a few times its label values, whatever is in them, on the page and for each dialect', async () => {
  const metric = buildMetric('x_total', { type: 'counter', labels: { a: 'a' }, max_series: 10_000 })
  // Each character is one that the page escapes, and one that StatsD has no word for.
  for (let i = 0; i < SERIES; i++) metric.observe({ a: `${i}${'"\n'.repeat(500)}` }, cursor)
  metric.keep(memoryState())
  const kept: unknown[] = []
  let before = heap()
  const perSeries = (): number => {
    const now = heap()
    const grown = (now - before) / SERIES
    before = now
    return grown
  }
  await renderPage([metric.family()], 'text')
  const page = perSeries()
  assert.ok(page < 4000, `rendered labels: ${page} bytes a series`)
  for (const dialect of DIALECTS) {
    const changes = new Changes(sample => targetOf(dialect, 'p', sample))
    for (const reading of readings([metric.family()], false)) changes.add(reading)
    changes.end()
    kept.push(changes)
    const target = perSeries()
    assert.ok(target < 2000, `${dialect}: ${target} bytes a series`)
  }
  assert.equal(kept.length, DIALECTS.length)
  assert.equal(metric.report().series, SERIES)
})
