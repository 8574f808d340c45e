// The page /metrics before its real readers: promtool's lint, and a Prometheus that scrapes it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { createMetricsPage, renderPage } from '../../src/metrics/export/page.ts'
import { createLogMetrics } from '../../src/metrics/from-logs/set.ts'
import { createStore } from '../../src/metrics/store.ts'
import type { Store } from '../../src/metrics/store.ts'
import { buildMetric } from '../lib/metric.ts'
import { debianPackage } from '../lib/real/debian.ts'
import { freePort, start, until } from '../lib/real/process.ts'
import { cursorAt } from '../lib/step.ts'

const skip = (await debianPackage(['prometheus'])) ?? false

const HOSTILE = ['a"b', 'a\nb', 'a\\b', 'x,b:y', 'b="y",c="', '\r\n', '\0\x7f', '\ud800', '𝒳', '}', '# EOF', ' ']

/** A store with one metric of each type and hostile label values. */
function filled(): Store {
  const store = createStore()
  const took = { value: 'took', unit: 'ms', labels: { path: 'path' } }
  const metrics = createLogMetrics(
    [
      buildMetric('requests_total', {
        type: 'counter',
        help: 'Say "hi"\nto \\.',
        labels: { path: 'path', site: { const: 'x' } }
      }),
      buildMetric('queue_length', { type: 'gauge', help: 'Jobs that wait.', value: 'length' }),
      buildMetric('slow_seconds', { type: 'histogram', help: 'Slow requests.', ...took }),
      buildMetric('capped_total', { type: 'counter', help: 'Capped.', labels: { path: 'path' }, max_series: 2 })
    ],
    store.instruments
  )
  store.addSource(metrics.families)
  for (const path of HOSTILE)
    for (const observe of metrics.observersOf('nginx')) observe({ path, took: 1001, length: -7.5 }, cursorAt())
  return store
}

test('promtool finds nothing to say about the page', { skip }, async () => {
  const promtool = spawn('promtool', ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  promtool.stdout.on('data', (text: Buffer) => (said += text.toString()))
  promtool.stderr.on('data', (text: Buffer) => (said += text.toString()))
  promtool.stdin.end(Buffer.concat(await renderPage(await filled().read(), 'text')))
  await once(promtool, 'close')
  assert.equal(said, '')
  assert.equal(promtool.exitCode, 0)
})

test('a real Prometheus scrapes OpenMetrics and gives every label value back', { skip }, async t => {
  const accepted: string[] = []
  const page = createMetricsPage(filled())
  const target = createServer((request, response) => {
    accepted.push(request.headers.accept ?? '')
    page(response).catch(() => response.destroy())
  })
  target.listen(0, '127.0.0.1')
  await once(target, 'listening')
  t.after(() => {
    target.close()
    target.closeAllConnections()
  })
  const query = await startPrometheus(t, (target.address() as AddressInfo).port)
  await until('a scrape', async () => (await query('up')).some(({ value }) => value === 1))

  assert.ok(accepted[0]!.includes('application/openmetrics-text'))
  const requests = await query('requests_total')
  assert.equal(requests.length, HOSTILE.length)
  assert.deepEqual(new Set(requests.map(s => s.metric['path'])), new Set(HOSTILE.map(path => path.toWellFormed())))
  assert.ok(requests.every(s => s.value === 1 && s.metric['site'] === 'x'))
  assert.deepEqual(
    (await query('queue_length')).map(s => s.value),
    [-7.5]
  )
  assert.deepEqual(
    (await query('sum(slow_seconds_bucket{le="1.0"})')).map(s => s.value),
    [0]
  )
  assert.deepEqual(
    (await query('sum(slow_seconds_bucket{le="2.5"})')).map(s => s.value),
    [HOSTILE.length]
  )
  assert.deepEqual(
    (await query('sum(capped_total)')).map(s => s.value),
    [HOSTILE.length]
  )
  assert.deepEqual(
    (await query('capped_total{path="__overflow__"}')).map(s => s.value),
    [HOSTILE.length - 1]
  )
  assert.deepEqual(
    (await query('yarder_metrics_overflowing{metric="capped_total"}')).map(s => s.value),
    [1]
  )
})

interface Point {
  readonly metric: Readonly<Record<string, string>>
  readonly value: number
}

/** Starts a Prometheus that scrapes the port each second; gives the way to ask it. */
async function startPrometheus(t: TestContext, target: number): Promise<(promql: string) => Promise<Point[]>> {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-prometheus-'))
  const config = join(folder, 'prometheus.yml')
  const job = { job_name: 'yarder', scrape_interval: '1s', static_configs: [{ targets: [`127.0.0.1:${target}`] }] }
  writeFileSync(config, JSON.stringify({ scrape_configs: [job] }))
  const port = await freePort()
  const prometheus = await start(
    [
      'prometheus',
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`
    ],
    { logFile: join(folder, 'log') }
  )
  t.after(async () => {
    await prometheus.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  const query = async (promql: string): Promise<Point[]> => {
    const body = new URLSearchParams({ query: promql })
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query`, { method: 'POST', body })
    const { data } = (await answer.json()) as {
      data: { result: Array<{ metric: Record<string, string>; value: [number, string] }> }
    }
    return data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }))
  }
  await until('Prometheus to answer', () => {
    prometheus.check()
    return query('up').then(
      () => true,
      () => false
    )
  })
  return query
}
