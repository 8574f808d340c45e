import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readExposition } from '../../../test/lib/exposition.ts'
import { manualClock } from '../../../test/lib/manual-clock.ts'
import { buildMetric } from '../../../test/lib/metric.ts'
import { cursorAt } from '../../../test/lib/step.ts'
import { memoryState } from '../../core/state.ts'
import { renderPieces } from '../export/prometheus.ts'
import { createLogMetrics } from './set.ts'
import type { LogMetric } from './metric.ts'
import { createStore } from '../store.ts'
import { RELATIVE_ERROR, Sketch } from './summary/sketch.ts'

function shown(metric: LogMetric): Record<string, number> {
  metric.keep(memoryState())
  const samples = [...metric.family().samples]
  return Object.fromEntries(samples.map(({ name, labels, value }) => [labels['quantile'] ?? name, value]))
}

const value = (options: Record<string, unknown> = {}): Record<string, unknown> => ({
  type: 'summary',
  value: 'v',
  ...options
})

test('a quantile is at most one part in a hundred off, whatever is measured', () => {
  const number = fc.oneof(
    fc.double({ min: 1e-4, max: 1e3, noNaN: true }),
    fc.double({ min: -1e3, max: -1e-4, noNaN: true }),
    fc.constant(0),
    fc.integer({ min: 1, max: 10 })
  )
  fc.assert(
    fc.property(
      fc.array(number, { minLength: 1, maxLength: 400 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (all, q) => {
        const sketch = new Sketch()
        for (const one of all) sketch.add(one)
        const exact = all.toSorted((a, b) => a - b)[Math.floor(q * (all.length - 1))]!
        const [near] = sketch.quantiles([q])
        assert.ok(Math.abs(near! - exact) <= Math.abs(exact) * (RELATIVE_ERROR + 1e-9), `${near} for ${exact}`)
      }
    )
  )
})

test('values of every size there is cost no more room, and the large ones stay right', () => {
  const sketch = new Sketch()
  for (let power = -300; power <= 300; power++) for (const sign of [1, -1]) sketch.add(sign * 10 ** power)
  const [highest, lowest] = sketch.quantiles([1, 0])
  assert.ok(Math.abs(highest! / 1e300 - 1) < 0.01)
  assert.ok(Math.abs(lowest! / -1e300 - 1) < 0.01)
})

test('the page has quantiles, number and sum, in both formats, and NaN before the first value', () => {
  const metric = buildMetric('took_seconds', value({ unit: 'ms', labels: { path: 'path' } }))
  for (let i = 1; i <= 1000; i++) metric.observe({ v: i, path: '/' }, cursorAt())
  metric.keep(memoryState())
  for (const format of ['text', 'openmetrics'] as const) {
    const page = Buffer.from([...renderPieces([metric.family()], format)].join(''))
    const [family] = readExposition(page, format)
    assert.equal(family!.type, 'summary')
    const of = (name: string, quantile?: string): number =>
      family!.samples.find(s => s.name === name && s.labels['quantile'] === quantile)!.value
    for (const [quantile, exact] of [
      ['0.5', 0.5],
      ['0.9', 0.9],
      ['0.99', 0.99]
    ] as const)
      assert.ok(Math.abs(of('took_seconds', quantile) / exact - 1) < 0.011)
    assert.equal(of('took_seconds_count'), 1000)
    assert.ok(Math.abs(of('took_seconds_sum') - 500.5) < 1e-9)
    assert.ok(family!.samples.every(s => s.labels['path'] === '/'))
  }
  const empty = shown(buildMetric('took_seconds', value({ quantiles: [0, 1] })))
  assert.deepEqual(empty, { '0.0': NaN, '1.0': NaN, took_seconds_count: 0, took_seconds_sum: 0 })
})

test('values leave the quantiles a window later, and stay in number and sum', async () => {
  const clock = manualClock()
  const metric = buildMetric('v', value({ window: '10s', quantiles: [1] }), clock)
  const max = (): number => Math.round(shown(metric)['1.0']!)
  metric.observe({ v: 50 }, cursorAt())
  await clock.advance(6000)
  metric.observe({ v: 20 }, cursorAt())
  assert.equal(max(), 50)
  await clock.advance(4000)
  assert.equal(max(), 20)
  await clock.advance(6000)
  assert.deepEqual(shown(metric), { '1.0': NaN, v_count: 2, v_sum: 70 })
})

test('number and sum go on after a restart, the quantiles begin anew', () => {
  const state = memoryState()
  const before = buildMetric('v', value({ quantiles: [0.5] }))
  createLogMetrics([before], createStore().instruments).open(state)
  before.observe({ v: 4 }, cursorAt())
  before.keep(state)
  const after = buildMetric('v', value({ quantiles: [0.5, 0.75] }))
  createLogMetrics([after], createStore().instruments).open(state)
  assert.deepEqual(shown(after), { 0.5: NaN, 0.75: NaN, v_count: 1, v_sum: 4 })
})

test('what does not go together is refused', () => {
  assert.throws(() => buildMetric('v', value({ quantiles: [0.5, 0.5] })), /quantiles: must not name one twice/)
  assert.throws(() => buildMetric('v', value({ quantiles: [2] })), /quantiles\[0\]/)
  assert.throws(() => buildMetric('v_total', value()), /must not end in _total: it is a summary/)
})
