import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readExposition } from '../../../test/lib/exposition.ts'
import { buildMetric } from '../../../test/lib/metric.ts'
import { ARRIVAL, cursorAt } from '../../../test/lib/step.ts'
import { memoryState } from '../../core/state.ts'
import { renderPieces } from '../export/prometheus.ts'
import type { LogMetric } from './metric.ts'

const page = (metric: LogMetric, format: 'text' | 'openmetrics'): string => {
  metric.keep(memoryState())
  return [...renderPieces([metric.family()], format)].join('')
}

const exemplars = (metric: LogMetric): unknown[] =>
  readExposition(Buffer.from(page(metric, 'openmetrics')), 'openmetrics')[0]!.samples.flatMap(s =>
    s.exemplar === undefined ? [] : [[s.labels['le'] ?? s.name, s.exemplar]]
  )

const traced = { exemplar: { trace_id: 'trace.id' } }

test('a counter and each bucket of a histogram name one record, in OpenMetrics only', () => {
  const counter = buildMetric('a_total', { type: 'counter', ...traced })
  counter.observe({ trace: { id: 'a"b\n' } }, cursorAt({ time: ARRIVAL - 1500 }))
  const seconds = ARRIVAL / 1000
  assert.deepEqual(exemplars(counter), [
    ['a_total', { labels: { trace_id: 'a"b\n' }, value: 1, seconds: seconds - 1.5 }]
  ])
  assert.equal(page(counter, 'text').split('\n')[2], 'a_total 1')
  const histogram = buildMetric('h', { type: 'histogram', value: 'v', buckets: [1, 2], ...traced })
  for (const [v, id] of [
    [1, 'one'],
    [1.5, 'two'],
    [9, 'three']
  ])
    histogram.observe({ v, trace: { id } }, cursorAt())
  assert.deepEqual(exemplars(histogram), [
    ['1.0', { labels: { trace_id: 'one' }, value: 1, seconds }],
    ['2.0', { labels: { trace_id: 'two' }, value: 1.5, seconds }],
    ['+Inf', { labels: { trace_id: 'three' }, value: 9, seconds }]
  ])
})

test('an exemplar stays for a second, and records without one, or with one too long, are none', () => {
  const metric = buildMetric('a_total', { type: 'counter', ...traced })
  const observe = (id: unknown, after: number): void =>
    metric.observe({ trace: { id } }, cursorAt({ time: ARRIVAL + after }))
  const now = (): unknown => (exemplars(metric) as [string, { labels: { trace_id: string } }][])[0]?.[1].labels.trace_id
  observe(undefined, 0)
  observe('', 0)
  observe('x'.repeat(121), 0)
  assert.equal(now(), undefined)
  observe('x'.repeat(120), 0)
  assert.equal(now(), 'x'.repeat(120))
  observe('second', 999)
  assert.equal(now(), 'x'.repeat(120))
  observe('third', 1000)
  assert.equal(now(), 'third')
})

test('an exemplar can be the place of the line itself, where its source has places', () => {
  const where = { exemplar: { file: 'log.file.path', offset: 'log.offset' } }
  const source = { ...cursorAt().source, id: 'f1', constants: { log: { file: { path: '/var/log/a.log' } } } }
  const metric = buildMetric('a_total', { type: 'counter', ...where })
  metric.observe({}, cursorAt({ offset: 4711, source: { ...source, id: '' } }))
  assert.deepEqual(exemplars(metric), [])
  metric.observe({}, cursorAt({ offset: 4711, source }))
  assert.deepEqual(exemplars(metric), [
    ['a_total', { labels: { file: '/var/log/a.log', offset: '4711' }, value: 1, seconds: ARRIVAL / 1000 }]
  ])
})

test('late lines are left out and counted as such; without max_age, or a time of their own, all are in', () => {
  const ages: [Record<string, unknown>, number, number][] = [
    [{}, 1e9, 1],
    [{ max_age: '10m' }, 600_000, 1],
    [{ max_age: '10m' }, 600_001, 0],
    [{ max_age: '10m' }, NaN, 1]
  ]
  for (const [options, age, counted] of ages) {
    const metric = buildMetric('a_total', { type: 'counter', ...options })
    metric.observe({}, cursorAt({ time: ARRIVAL - age }))
    assert.equal(page(metric, 'text').split('\n')[2], `a_total ${counted}`)
    assert.deepEqual(Object.fromEntries(metric.report().skipped), counted === 1 ? {} : { late: 1 })
  }
})
