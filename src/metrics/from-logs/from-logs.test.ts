import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildMetric as metric } from '../../../test/lib/metric.ts'
import { cursorAt } from '../../../test/lib/step.ts'
import { readExposition } from '../../../test/lib/exposition.ts'
import type { Clock } from '../../core/clock.ts'
import { systemClock } from '../../core/clock.ts'
import { memoryState } from '../../core/state.ts'
import type { Event } from '../../core/event.ts'
import { createStore } from '../store.ts'
import { renderPieces } from '../export/prometheus.ts'
import type { LogMetric } from './metric.ts'
import { metricNameClashes } from './name.ts'
import { createLogMetrics } from './set.ts'

/** Shows records to a metric and gives the value of each series, by its labels. */
function observed(made: LogMetric, events: readonly Event[]): Record<string, number> {
  for (const event of events) made.observe(event, cursorAt())
  return series(made)
}

/** Its series once they are kept. */
function kept(made: LogMetric): ReturnType<LogMetric['family']> {
  made.keep(memoryState())
  return made.family()
}

const series = (made: LogMetric): Record<string, number> =>
  Object.fromEntries([...kept(made).samples].map(s => [Object.values(s.labels).join('|'), s.value]))

const text = (made: LogMetric): string => [...renderPieces([kept(made)], 'text')].join('')

const skipped = (made: LogMetric): Record<string, number> => Object.fromEntries(made.report().skipped)

test('three requests count as the book prints it', () => {
  const made = metric('requests_total', {
    type: 'counter',
    help: 'Application Request Count',
    labels: { endpoint: 'path' }
  })
  observed(made, [{ path: '/' }, { path: '/' }, { path: '/' }])
  assert.equal(
    text(made),
    '# HELP requests_total Application Request Count\n# TYPE requests_total counter\nrequests_total{endpoint="/"} 3\n'
  )
})

test('two timings fill the buckets as the book prints it', () => {
  const made = metric('slow', {
    type: 'histogram',
    help: 'Slow Requests',
    value: 'seconds',
    labels: { endpoint: 'path' }
  })
  const [first, second] = [1.001, 1.0011886825561525]
  observed(
    made,
    [first, second].map(seconds => ({ path: '/database', seconds }))
  )
  const [family] = readExposition(Buffer.from(text(made)), 'text')
  assert.equal(family!.help, 'Slow Requests')
  assert.equal(family!.type, 'histogram')
  const buckets = family!.samples.filter(s => s.name === 'slow_bucket')
  assert.deepEqual(
    buckets.map(s => [Number(s.labels['le']!.replace('Inf', 'Infinity')), s.value]),
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, Infinity].map(le => [
      le,
      le < 2 ? 0 : 2
    ])
  )
  assert.ok(family!.samples.every(s => s.labels['endpoint'] === '/database'))
  const rest = family!.samples.filter(s => s.name !== 'slow_bucket').map(s => [s.name, s.value])
  assert.deepEqual(rest, [
    ['slow_count', 2],
    ['slow_sum', 2.0021886825561523]
  ])
})

test('a value on a bound belongs to the bucket of that bound', () => {
  const made = metric('h', { type: 'histogram', value: 'v', buckets: [1, 2] })
  observed(made, [{ v: 1 }, { v: 2 }, { v: 2.5 }, { v: -1 }])
  assert.match(text(made), /le="1\.0"\} 2\nh_bucket\{le="2\.0"\} 3\nh_bucket\{le="\+Inf"\} 4\nh_count 4\nh_sum 4\.5\n$/)
})

test('a label is a field, a template or a constant, and a missing field gives the empty text', () => {
  const labels = { verb: 'verb', code: '%{[http][status]}-%{verb}', site: { const: 7 } }
  const made = metric('r_total', { type: 'counter', labels })
  const events: Event[] = [{ verb: 'GET', http: { status: 200 } }, { http: { status: '200' } }, {}]
  assert.deepEqual(observed(made, events), { 'GET|200-GET|7': 1, '|200-|7': 1, '|-|7': 1 })
})

test('the number 200 and the text 200 are the same label value', () => {
  const made = metric('r_total', { type: 'counter', labels: { status: 'status' } })
  assert.deepEqual(observed(made, [{ status: 200 }, { status: '200' }]), { 200: 2 })
})

test('only records that meet the condition are observed', () => {
  const made = metric('errors_total', { type: 'counter', when: { status: { gte: 500 } } })
  assert.deepEqual(observed(made, [{ status: 200 }, { status: '503' }, {}]), { '': 1 })
  assert.deepEqual(skipped(made), {})
})

test('a counter without labels and a histogram with constant ones begin at 0, a gauge with its first value', () => {
  assert.deepEqual(series(metric('a_total', { type: 'counter' })), { '': 0 })
  assert.deepEqual(series(metric('b_total', { type: 'counter', labels: { site: { const: 'x' } } })), { x: 0 })
  assert.deepEqual(series(metric('c_total', { type: 'counter', labels: { verb: 'verb' } })), {})
  assert.deepEqual(series(metric('d', { type: 'gauge', value: 'v' })), {})
})

test('values that are no number, missing, negative or not finite leave a counter as it is and are counted', () => {
  const made = metric('bytes_total', { type: 'counter', value: 'bytes' })
  const values = [
    '12',
    ' 3.5e1 ',
    8n,
    true,
    5,
    '-',
    '',
    '0x10',
    '1,2',
    'NaN',
    [1],
    -1,
    '-2',
    NaN,
    Infinity,
    '1e999',
    null
  ]
  assert.deepEqual(observed(made, [...values.map(bytes => ({ bytes })), {}]), { '': 12 + 35 + 8 + 1 + 5 })
  assert.deepEqual(skipped(made), { not_a_number: 6, negative: 2, not_finite: 3, missing: 2 })
  assert.deepEqual(skipped(made), {}, 'each report holds what is new')
})

test('no sum becomes infinite', () => {
  for (const options of [{ type: 'counter' }, { type: 'gauge', mode: 'add' }, { type: 'histogram' }]) {
    const made = metric(options.type === 'counter' ? 'x_total' : 'x', { ...options, value: 'v' })
    observed(made, [{ v: 1.7e308 }, { v: 1.7e308 }, { v: 1 }])
    assert.ok(
      [...kept(made).samples].every(s => Number.isFinite(s.value)),
      options.type
    )
    assert.deepEqual(skipped(made), { out_of_range: 1 }, options.type)
  }
})

test('a gauge shows the latest value, or the sum of all', () => {
  const events = [{ v: 5 }, { v: '-2' }, { v: 'none' }]
  assert.deepEqual(observed(metric('g', { type: 'gauge', value: 'v' }), events), { '': -2 })
  assert.deepEqual(observed(metric('g', { type: 'gauge', value: 'v', mode: 'add' }), events), { '': 3 })
})

test('units and scales give the number that would be written by hand', () => {
  const of = (options: object, v: unknown): number =>
    observed(metric('g', { type: 'gauge', value: 'v', ...options }), [{ v }])['']!
  assert.equal(of({ unit: 'ms' }, 1001), 1.001)
  assert.equal(of({ scale: 0.001 }, '1001'), 1.001)
  assert.equal(of({ unit: 'us' }, 7), 0.000007)
  assert.equal(of({ unit: 'KiB' }, 3), 3072)
  assert.equal(of({ unit: 'percent' }, 29), 0.29)
  assert.equal(of({ unit: 'min' }, 2), 120)
  assert.equal(of({ scale: -8 }, 3), -24)
})

const HOSTILE = [
  'a"b',
  'a\nb',
  'a\\b',
  '\\n',
  'x,b:y',
  'b="y",c="',
  '\r\n',
  '\0\x01\x7f\x1b[31m',
  '\ud800',
  'x\udfff',
  '\ufffd',
  '𝒳',
  '\u2028',
  '__overflow__',
  'toString',
  '__proto__',
  '}',
  '{',
  ' ',
  ' 1',
  'é',
  'e\u0301',
  '# EOF',
  '+Inf'
]

test('hostile label values neither merge nor break the page, in both formats', () => {
  const made = metric('r_total', { type: 'counter', labels: { a: 'a', b: 'b' } })
  observed(made, [
    { a: 'x,b:y', b: 'z' },
    { a: 'x', b: 'y,b:z' },
    ...HOSTILE.flatMap(a => HOSTILE.map(b => ({ a, b })))
  ])
  for (const format of ['text', 'openmetrics'] as const) {
    const page = Buffer.from([...renderPieces([kept(made)], format)].join(''))
    const [family] = readExposition(page, format)
    const wellFormed = new Set(HOSTILE.map(value => value.toWellFormed()))
    assert.equal(family!.samples.length, 2 + wellFormed.size ** 2)
    assert.equal(
      family!.samples.reduce((sum, s) => sum + s.value, 0),
      2 + HOSTILE.length ** 2
    )
    assert.ok(family!.samples.some(s => s.labels['a'] === 'b="y",c="' && s.labels['b'] === 'a\nb'))
  }
})

test('whatever the label values are, a reader gets them back with the right counts', () => {
  const value = fc.oneof(fc.string({ unit: 'binary', maxLength: 8 }), fc.constantFrom(...HOSTILE))
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value), { maxLength: 20 }), pairs => {
      const made = metric('r_total', { type: 'counter', labels: { a: 'a', b: 'b' } })
      for (const [a, b] of pairs) made.observe({ a, b }, cursorAt())
      const expected = Map.groupBy(pairs, pair => JSON.stringify(pair.map(v => v.toWellFormed())))
      const read = readExposition(Buffer.from(text(made)), 'text').flatMap(family => family.samples)
      assert.deepEqual(
        Object.fromEntries(read.map(s => [JSON.stringify([s.labels['a'], s.labels['b']]), s.value])),
        Object.fromEntries([...expected].map(([key, all]) => [key, all.length]))
      )
    })
  )
})

test('100,000 distinct label values stay within the limit, and the total is right', () => {
  const made = metric('r_total', { type: 'counter', labels: { url: 'url', verb: { const: 'GET' } } })
  for (let i = 0; i < 100_000; i++) made.observe({ url: `/item/${i}` }, cursorAt())
  const samples = [...kept(made).samples]
  assert.equal(samples.length, 1000)
  assert.equal(
    samples.reduce((sum, s) => sum + s.value, 0),
    100_000
  )
  const overflow = samples.find(s => s.labels['url'] === '__overflow__')
  assert.deepEqual(overflow?.labels, { url: '__overflow__', verb: '__overflow__' })
  assert.equal(overflow?.value, 99_001)
  made.observe({ url: '/item/3' }, cursorAt())
  assert.equal([...kept(made).samples][3]?.value, 2, 'a series that stands goes on counting by itself')
  const { overflowing, overflowed, series: count } = made.report()
  assert.deepEqual({ overflowing, overflowed, count }, { overflowing: true, overflowed: 99_001, count: 1000 })
})

test('a record that carries the values of the overflow counts there', () => {
  const made = metric('r_total', { type: 'counter', labels: { a: 'a' }, max_series: 2 })
  assert.deepEqual(
    observed(
      made,
      ['x', '__overflow__', 'y', 'z'].map(a => ({ a }))
    ),
    { x: 1, __overflow__: 3 }
  )
  const before = metric('r_total', { type: 'counter', labels: { a: 'a' }, max_series: 3 })
  assert.deepEqual(
    observed(
      before,
      ['__overflow__', 'x', 'y', 'z'].map(a => ({ a }))
    ),
    { __overflow__: 2, x: 1, y: 1 }
  )
})

test('a long label value is cut, and goes on as one series', () => {
  const made = metric('r_total', { type: 'counter', labels: { a: 'a' } })
  const result = observed(made, [{ a: 'x'.repeat(5000) }, { a: `${'x'.repeat(1024)}y` }, { a: 'x'.repeat(1024) }])
  assert.deepEqual(result, { ['x'.repeat(1024)]: 3 })
})

test('a series is forgotten when idle, and makes room for others', () => {
  let now = 1000
  const clock: Clock = { ...systemClock, elapsed: () => now }
  const made = metric('r_total', { type: 'counter', labels: { a: 'a' }, max_series: 3, idle_timeout: '1h' }, clock)
  assert.deepEqual(observed(made, [{ a: 'x' }, { a: 'y' }]), { x: 1, y: 1 })
  now += 3_600_000
  assert.deepEqual(
    observed(made, [{ a: 'x' }, { a: 'z' }]),
    { x: 2, y: 1, __overflow__: 1 },
    'not idle for long enough'
  )
  assert.equal(made.report().overflowing, true)
  now += 1
  assert.deepEqual(series(made), { x: 2, __overflow__: 1 })
  now += 3_600_000
  assert.deepEqual(series(made), {})
  assert.equal(made.report().overflowing, false)
  assert.deepEqual(observed(made, [{ a: 'y' }]), { y: 1 }, 'one that comes back begins again')
})

test('series may go while a page is being made of them', () => {
  let now = 0
  const clock: Clock = { ...systemClock, elapsed: () => now }
  const made = metric('r_total', { type: 'counter', labels: { a: 'a' }, idle_timeout: '1s' }, clock)
  observed(made, [{ a: '1' }, { a: '2' }, { a: '3' }])
  const walk = kept(made).samples[Symbol.iterator]()
  assert.equal((walk.next().value as { labels: { a: string } }).labels.a, '1')
  now = 2000
  assert.deepEqual(series(made), {})
  assert.equal(walk.next().done, true)
})

test('what is not kept yet is not shown', () => {
  const made = metric('r_total', { type: 'counter', labels: { a: 'a' } })
  const state = memoryState()
  made.observe({ a: 'x' }, cursorAt())
  assert.deepEqual([...made.family().samples], [])
  made.keep(state)
  made.observe({ a: 'x' }, cursorAt())
  assert.deepEqual(
    [...made.family().samples].map(s => s.value),
    [1]
  )
  assert.deepEqual(series(made), { x: 2 })
})

test('a metric of the same shape goes on with what was kept, one of another begins anew', () => {
  const options = { type: 'histogram', value: 'v', labels: { a: 'a' }, buckets: [1, 2] }
  const made = metric('h', options)
  const state = memoryState()
  assert.equal(made.recall(state), true)
  for (const event of [
    { a: 'x\n', v: 1 },
    { a: '', v: 3 }
  ])
    made.observe(event, cursorAt())
  made.keep(state)
  const again = metric('h', options)
  assert.equal(again.recall(state), true)
  assert.equal(text(again), text(made))
  again.observe({ a: '', v: 0.5 }, cursorAt())
  assert.match(text(again), /h_count\{a=""\} 2\nh_sum\{a=""\} 3\.5\n$/)
  state.set('metric/h', '["y"]', [1, null, 0, 2])
  const third = metric('h', options)
  assert.equal(third.recall(state), true)
  assert.equal(text(third), text(made), 'a damaged row is left out')

  const other = metric('h', { ...options, buckets: [1, 3] })
  assert.equal(other.recall(state), false)
  assert.deepEqual(series(other), {})
  assert.deepEqual([...state.entries('metric/h')], [])
})

test('idle series are forgotten in the state, too', () => {
  let now = 0
  const clock: Clock = { ...systemClock, elapsed: () => now }
  const made = metric('r_total', { type: 'counter', labels: { a: 'a' }, idle_timeout: '1s' }, clock)
  const state = memoryState()
  made.observe({ a: 'x' }, cursorAt())
  made.keep(state)
  assert.equal([...state.entries('metric/r_total')].length, 1)
  now = 2000
  made.keep(state)
  assert.equal([...state.entries('metric/r_total')].length, 0)
})

test('with fewer series allowed than were kept the total stays, also the next time', () => {
  const state = memoryState()
  const before = metric('r_total', { type: 'counter', labels: { a: 'a' } })
  before.recall(state)
  for (const a of ['1', '2', '3', '4', '5']) before.observe({ a }, cursorAt())
  before.keep(state)
  for (let i = 0; i < 2; i++) {
    const made = metric('r_total', { type: 'counter', labels: { a: 'a' }, max_series: 3 })
    assert.equal(made.recall(state), true)
    made.keep(state)
    assert.deepEqual(series(made), { 1: 1, 2: 1, __overflow__: 3 })
  }
})

test('options that are wrong are told by name, with what would be right', () => {
  const wrong = (name: string, options: Record<string, unknown>, message: RegExp): void =>
    assert.throws(() => metric(name, options), message)
  const count = { type: 'counter' }
  wrong('requests', count, /must end in _total, as a counter: requests_total/)
  wrong('_total', count, /must end in _total/)
  wrong('queue_total', { type: 'gauge', value: 'v' }, /must not end in _total: it is a gauge, not a counter/)
  wrong('x_bucket', { type: 'gauge', value: 'v' }, /must not end in _bucket/)
  wrong('x_count_total', count, /must not end in _count/)
  wrong('yarder_x_total', count, /yarder_ is kept for the agent's own metrics/)
  wrong('process_x_total', count, /process_ is kept/)
  wrong('probe_success', { type: 'gauge', value: 'v' }, /probe_ is kept/)
  wrong('1x_total', count, /is no name of a metric/)
  wrong('a:b_total', count, /is no name of a metric/)
  wrong('a.b_total', count, /is no name of a metric/)
  for (const label of ['le', 'quantile', '__x', '1x', 'a-b', 'é'])
    wrong('x_total', { ...count, labels: { [label]: 'f' } }, new RegExp(`^TypeError: labels\\.${label}: `))
  wrong('x_total', { ...count, labels: { a: '%{x' } }, /labels\.a: %\{ without \}/)
  wrong('x_total', { ...count, labels: { a: 'x[' } }, /labels\.a: must be a field, a template/)
  wrong('x_total', { ...count, labels: { a: { const: 'x', and: 1 } } }, /labels\.a: must be a field, a template/)
  wrong('x_total', { ...count, labels: ['a'] }, /labels: must be a map of labels/)
  wrong('x_total', { ...count, max_series: 1 }, /max_series: must be a whole number, at least 2/)
  wrong('x_total', { ...count, unit: 'ms' }, /unit: needs a value to convert/)
  wrong('x', { type: 'gauge', value: 'v', unit: 'ms', scale: 2 }, /scale: must not stand beside unit/)
  wrong('x', { type: 'gauge' }, /value: is required/)
  wrong('x', { type: 'histogram', value: 'v', buckets: [1, 3, 3] }, /buckets\[2\]: must be more than the one before/)
  wrong('x', { type: 'histogram', value: 'v', buckets: [] }, /buckets: must have at least 1 item/)
})

test('a counter and a gauge that OpenMetrics could not tell apart clash', () => {
  const types = { a_total: 'counter', a: 'gauge', b: 'histogram', b_x_total: 'counter' } as const
  const named = Object.entries(types).map(([name, type]) => ({ name, type }))
  assert.deepEqual(
    [...metricNameClashes(named)].map(([name]) => name),
    ['a']
  )
})

test('the store shows them among its own, and says what was left out and what overflows', async () => {
  const store = createStore()
  const requests = metric('requests_total', { type: 'counter', input: 'nginx', labels: { url: 'url' }, max_series: 2 })
  const bytes = metric('bytes_total', { type: 'counter', input: ['nginx', 'app'], value: 'bytes' })
  const all = createLogMetrics([requests, bytes, metric('lines_total', { type: 'counter' })], store.instruments)
  const state = memoryState()
  all.open(state)
  const remove = store.addSource(all.families)
  for (const url of ['/a', '/b', '/c']) for (const observe of all.observersOf('nginx')) observe({ url }, cursorAt())
  for (const observe of all.observersOf('app')) observe({ bytes: 7 }, cursorAt())
  for (const observe of all.observersOf('other')) observe({}, cursorAt())

  const read = async (): Promise<Record<string, number>> => {
    state.commit()
    const page = Buffer.from([...renderPieces(await store.read(), 'openmetrics')].join(''))
    const families = readExposition(page, 'openmetrics')
    assert.deepEqual(
      families.map(f => f.name),
      families.map(f => f.name).toSorted()
    )
    const samples = families.flatMap(f => f.samples).filter(s => /^(?:requests|bytes|lines|yarder)_/.test(s.name))
    return Object.fromEntries(samples.map(s => [[s.name, ...Object.values(s.labels)].join(' '), s.value]))
  }
  assert.deepEqual(await read(), {
    bytes_total: 7,
    lines_total: 5,
    'requests_total /a': 1,
    'requests_total __overflow__': 2,
    'yarder_metrics_overflowed_total bytes_total': 0,
    'yarder_metrics_overflowed_total lines_total': 0,
    'yarder_metrics_overflowed_total requests_total': 2,
    'yarder_metrics_overflowing bytes_total': 0,
    'yarder_metrics_overflowing lines_total': 0,
    'yarder_metrics_overflowing requests_total': 1,
    'yarder_metrics_series bytes_total': 1,
    'yarder_metrics_series lines_total': 1,
    'yarder_metrics_series requests_total': 2,
    'yarder_metrics_skipped_total bytes_total missing': 3
  })

  const next = createLogMetrics([metric('lines_total', { type: 'counter' })], store.instruments)
  all.close()
  next.open(state)
  remove()
  store.addSource(next.families)
  const after = await read()
  assert.equal(after['lines_total'], 5, 'a reload goes on counting')
  assert.ok(!('requests_total /a' in after || 'yarder_metrics_series requests_total' in after))
})
