// What metrics out of records cost: nanoseconds an observation, milliseconds a page of 10,000 series.
//   node bench/metrics.ts
import { setImmediate as nextTurn } from 'node:timers/promises'
import { systemClock } from '../src/core/clock.ts'
import type { Meter, MetricDefinition } from '../src/core/component.ts'
import type { Cursor, Event } from '../src/core/event.ts'
import { readFields } from '../src/core/field.ts'
import { silentInstruments } from '../src/core/instruments.ts'
import { silentLog } from '../src/core/log.ts'
import { memoryState } from '../src/core/state.ts'
import { renderPage } from '../src/metrics/export/page.ts'
import { counter } from '../src/metrics/from-logs/counter.ts'
import { histogram } from '../src/metrics/from-logs/histogram.ts'
import { createLogMetric, metricCommonFields } from '../src/metrics/from-logs/metric.ts'
import type { LogMetric } from '../src/metrics/from-logs/metric.ts'

const cursor: Cursor = {
  source: { input: 'nginx', id: 'f1', path: '/var/log/nginx/access.log', constants: {} },
  time: NaN,
  arrival: Date.now(),
  offset: 0,
  failed: ''
}

function metricOf(definition: MetricDefinition, name: string, common: object, options: object): LogMetric {
  const fail = (path: string, message: string): never => {
    throw new Error(`${path}: ${message}`)
  }
  const meter = definition.build(readFields(definition.fields, options, fail) as never, {
    name,
    log: silentLog,
    clock: systemClock,
    instruments: silentInstruments,
    state: memoryState(),
    dataDir: '/nonexistent',
    configDir: '/nonexistent',
    schema: 'logstash',
    timezone: 'UTC',
    constants: {},
    once: true,
    outputs: []
  }) as Meter
  return createLogMetric(
    name,
    readFields(metricCommonFields, { help: 'A bench.', ...common }, fail)!,
    meter,
    systemClock
  )
}

/** Lines of a batch cut into fields, as a pattern leaves them: pieces of one long text. */
function records(paths: number): Event[] {
  const verbs = ['GET', 'POST', 'PUT', 'HEAD']
  const statuses = ['200', '301', '404', '500']
  const lines = Array.from({ length: 10_000 }, (_, i) => {
    const path = `/catalogue/item/${i % paths}`
    return `${verbs[i % 4]!} ${path} ${statuses[(i >> 2) % 4]!} ${(i * 37) % 90_000}`
  })
  return lines
    .join('\n')
    .split('\n')
    .map(line => {
      const [verb, path, response, bytes] = line.split(' ')
      return { verb, path, response, bytes, took: Number(bytes) / 1000 }
    })
}

function nanoseconds(metric: LogMetric, events: readonly Event[]): string {
  const rounds: number[] = []
  for (let round = 0; round < 15; round++) {
    const before = process.hrtime.bigint()
    for (let again = 0; again < 20; again++) for (const event of events) metric.observe(event, cursor)
    rounds.push(Number(process.hrtime.bigint() - before) / (20 * events.length))
  }
  return `${rounds.toSorted((a, b) => a - b)[7]!.toFixed(0)} ns`
}

/** Also says how long it held the loop at most, in CPU time: what other programs take is not ours. */
async function page(metric: LogMetric): Promise<string> {
  const times: number[] = []
  let bytes = 0
  let held = 0
  let done = false
  let since = process.threadCpuUsage()
  const turn = (): void => {
    const { user, system } = process.threadCpuUsage(since)
    held = Math.max(held, (user + system) / 1000)
    since = process.threadCpuUsage()
    if (!done) setImmediate(turn)
  }
  for (let round = 0; round < 15; round++) {
    // Before that the code is not compiled yet.
    if (round === 5) {
      since = process.threadCpuUsage()
      turn()
    }
    const before = performance.now()
    bytes = (await renderPage([metric.family()], 'text')).reduce((sum, chunk) => sum + chunk.length, 0)
    times.push(performance.now() - before)
    await nextTurn()
  }
  done = true
  const median = times.toSorted((a, b) => a - b)[7]!.toFixed(1)
  return `${median} ms for ${(bytes / 1e6).toFixed(1)} MB, loop held for at most ${held.toFixed(1)} ms, first ${times[0]!.toFixed(1)} ms`
}

const few = records(10)
const many = records(10_000)
const labels = { verb: 'verb', status: 'response' }
const byPath = { labels: { path: 'path', verb: 'verb' }, max_series: 20_000 }

const requests = metricOf(counter, 'requests_total', { labels }, {})
const bytes = metricOf(counter, 'bytes_total', { labels }, { value: 'bytes' })
const took = metricOf(histogram, 'took_seconds', { labels }, { value: 'took', unit: 'ms' })
const expiring = metricOf(counter, 'expiring_total', { labels, idle_timeout: '1h' }, {})
const large = metricOf(counter, 'large_total', byPath, {})
const full = metricOf(counter, 'full_total', { ...byPath, max_series: 100 }, {})
const spread = metricOf(histogram, 'spread_seconds', byPath, { value: 'took', unit: 'ms' })

console.log(`counter, 2 labels, 16 series:                ${nanoseconds(requests, few)}`)
console.log(`counter of a field that is text, 2 labels:   ${nanoseconds(bytes, few)}`)
console.log(`histogram of 15 buckets, 2 labels:           ${nanoseconds(took, few)}`)
console.log(`counter with idle_timeout, 2 labels:         ${nanoseconds(expiring, few)}`)
console.log(`counter, 2 labels, 10,000 series:            ${nanoseconds(large, many)}`)
console.log(`counter, 2 labels, all but 99 overflow:      ${nanoseconds(full, many)}`)
nanoseconds(spread, many)
console.log(`page of 10,000 series of a counter:          ${await page(large)}`)
console.log(`page of 10,000 series of a histogram:        ${await page(spread)}`)
