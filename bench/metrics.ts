// What metrics out of records cost: nanoseconds an observation, milliseconds a page of 10,000 series.
//   node bench/metrics.ts
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Cursor, Event } from '../src/core/event.ts'
import { renderPage } from '../src/metrics/export/page.ts'
import type { LogMetric } from '../src/metrics/from-logs/metric.ts'
import { buildMetric } from '../test/lib/metric.ts'

const cursor: Cursor = {
  source: { input: 'nginx', id: 'f1', path: '/var/log/nginx/access.log', constants: {} },
  time: NaN,
  arrival: Date.now(),
  offset: 0,
  failed: ''
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

const timed = { type: 'histogram', value: 'took', unit: 'ms' }

const requests = buildMetric('requests_total', { type: 'counter', labels })
const bytes = buildMetric('bytes_total', { type: 'counter', labels, value: 'bytes' })
const took = buildMetric('took_seconds', { ...timed, labels })
const expiring = buildMetric('expiring_total', { type: 'counter', labels, idle_timeout: '1h' })
const large = buildMetric('large_total', { type: 'counter', ...byPath })
const full = buildMetric('full_total', { type: 'counter', ...byPath, max_series: 100 })
const spread = buildMetric('spread_seconds', { ...timed, ...byPath })

console.log(`counter, 2 labels, 16 series:                ${nanoseconds(requests, few)}`)
console.log(`counter of a field that is text, 2 labels:   ${nanoseconds(bytes, few)}`)
console.log(`histogram of 15 buckets, 2 labels:           ${nanoseconds(took, few)}`)
console.log(`counter with idle_timeout, 2 labels:         ${nanoseconds(expiring, few)}`)
console.log(`counter, 2 labels, 10,000 series:            ${nanoseconds(large, many)}`)
console.log(`counter, 2 labels, all but 99 overflow:      ${nanoseconds(full, many)}`)
nanoseconds(spread, many)
console.log(`page of 10,000 series of a counter:          ${await page(large)}`)
console.log(`page of 10,000 series of a histogram:        ${await page(spread)}`)
