// What metrics out of records cost: nanoseconds an observation, milliseconds a page of 10,000 series, and what scrapes take
// from the lines that are counted meanwhile.
//   node bench/metrics.ts
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Cursor, Event } from '../src/core/event.ts'
import { createMetricsPage, renderPage } from '../src/metrics/export/page.ts'
import type { LogMetric } from '../src/metrics/from-logs/metric.ts'
import { createStore } from '../src/metrics/store.ts'
import { memoryState } from '../src/core/state.ts'
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
    metric.keep(state)
    bytes = (await renderPage([metric.family()], 'text')).reduce((sum, chunk) => sum + chunk.length, 0)
    times.push(performance.now() - before)
    await nextTurn()
  }
  done = true
  const median = times.toSorted((a, b) => a - b)[7]!.toFixed(1)
  return `${median} ms for ${(bytes / 1e6).toFixed(1)} MB, loop held for at most ${held.toFixed(1)} ms, first ${times[0]!.toFixed(1)} ms`
}

/** Milliseconds of CPU that one slice of lines may take before the loop turns, as the pipeline has it. */
const SLICE_MS = 5

/** A thread of its own, so that what it waits for is the answer alone. */
const SCRAPER = `
const { parentPort, workerData: { port, each } } = require('node:worker_threads')
const took = []
let ended = false
parentPort.once('message', () => (ended = true))
async function scrape() {
  parentPort.postMessage('ready')
  while (!ended) {
    await new Promise(resolve => setTimeout(resolve, Number.isFinite(each) ? each : 10))
    if (!Number.isFinite(each)) continue
    const before = performance.now()
    const answer = await fetch('http://127.0.0.1:' + port + '/metrics')
    await answer.arrayBuffer()
    took.push(performance.now() - before)
  }
  parentPort.postMessage(took)
}
scrape()
`

/**
 * Counts lines for two seconds, slice by slice, while the page is scraped `each` ms (never when Infinity): how many lines
 * that were for each second of CPU, and the slowest of the scrapes.
 */
async function whileScraped(metric: LogMetric, events: readonly Event[], each: number): Promise<[number, number[]]> {
  const page = createMetricsPage({ ...createStore(), read: async () => [metric.family()] })
  const server = createServer((_, response) => void page(response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const scraper = new Worker(SCRAPER, { eval: true, workerData: { port, each } })
  await once(scraper, 'message')
  let lines = 0
  const cpu = process.threadCpuUsage()
  const end = performance.now() + 2000
  while (performance.now() < end) {
    const until = performance.now() + SLICE_MS
    while (performance.now() < until)
      for (let i = 0; i < 100; i++) metric.observe(events[lines++ % events.length]!, cursor)
    await nextTurn()
  }
  const { user, system } = process.threadCpuUsage(cpu)
  scraper.postMessage('end')
  const [took] = (await once(scraper, 'message')) as [number[]]
  await scraper.terminate()
  server.close()
  server.closeAllConnections()
  return [lines / ((user + system) / 1e6), took.toSorted((a, b) => a - b)]
}

const state = memoryState()
const few = records(10)
const many = records(10_000)
const labels = { verb: 'verb', status: 'response' }
const byPath = { labels: { path: 'path', verb: 'verb' }, max_series: 20_000 }

const timed = { type: 'histogram', value: 'took', unit: 'ms' }

const requests = buildMetric('requests_total', { type: 'counter', labels })
const bytes = buildMetric('bytes_total', { type: 'counter', labels, value: 'bytes' })
const slow = buildMetric('took_seconds', { ...timed, labels })
const expiring = buildMetric('expiring_total', { type: 'counter', labels, idle_timeout: '1h' })
const large = buildMetric('large_total', { type: 'counter', ...byPath })
const full = buildMetric('full_total', { type: 'counter', ...byPath, max_series: 100 })
const spread = buildMetric('spread_seconds', { ...timed, ...byPath })

console.log(`counter, 2 labels, 16 series:                ${nanoseconds(requests, few)}`)
console.log(`counter of a field that is text, 2 labels:   ${nanoseconds(bytes, few)}`)
console.log(`histogram of 15 buckets, 2 labels:           ${nanoseconds(slow, few)}`)
console.log(`counter with idle_timeout, 2 labels:         ${nanoseconds(expiring, few)}`)
console.log(`counter, 2 labels, 10,000 series:            ${nanoseconds(large, many)}`)
console.log(`counter, 2 labels, all but 99 overflow:      ${nanoseconds(full, many)}`)
nanoseconds(spread, many)
console.log(`page of 10,000 series of a counter:          ${await page(large)}`)
console.log(`page of 10,000 series of a histogram:        ${await page(spread)}`)

for (const [name, metric] of [
  ['counter', large],
  ['histogram', spread]
] as const) {
  const [alone] = await whileScraped(metric, many, Infinity)
  const [scraped, took] = await whileScraped(metric, many, 100)
  const at = (share: number): string => `${took[Math.floor((took.length - 1) * share)]!.toFixed(0)} ms`
  console.log(
    `lines counted while 10,000 series of a ${name} are scraped each 100 ms: ${(scraped / alone).toFixed(2)} of those without; scrapes took ${at(0.5)}, at most ${at(1)}`
  )
}
