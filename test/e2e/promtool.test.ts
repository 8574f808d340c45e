// The page /metrics before its real readers: promtool's lint, and a Prometheus that scrapes it.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
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
import { memoryState } from '../../src/core/state.ts'
import { createStore } from '../../src/metrics/store.ts'
import type { Store } from '../../src/metrics/store.ts'
import { buildMetric } from '../lib/metric.ts'
import { debianPackage } from '../lib/real/debian.ts'
import { freePort, start, until } from '../lib/real/process.ts'
import { agentFolder, startYarder } from '../lib/real/yarder.ts'
import { cursorAt } from '../lib/step.ts'
import { makeCa } from '../lib/test-ca.ts'

const skip = (await debianPackage(['prometheus'])) ?? false

const HOSTILE = ['a"b', 'a\nb', 'a\\b', 'x,b:y', 'b="y",c="', '\r\n', '\0\x7f', '\ud800', '𝒳', '}', '# EOF', ' ']

/** A store with one metric of each type and hostile label values. */
function filled(): Store {
  const store = createStore()
  const took = { value: 'took', unit: 'ms', labels: { path: 'path' } }
  const made = [
    buildMetric('requests_total', {
      type: 'counter',
      help: 'Say "hi"\nto \\.',
      labels: { path: 'path', site: { const: 'x' } }
    }),
    buildMetric('queue_length', { type: 'gauge', help: 'Jobs that wait.', value: 'length' }),
    buildMetric('slow_seconds', { type: 'histogram', help: 'Slow requests.', ...took }),
    buildMetric('recent_seconds', { type: 'summary', help: 'Lately.', ...took }),
    buildMetric('traced_total', { type: 'counter', help: 'Traced.', exemplar: { trace_id: 'trace' } }),
    buildMetric('traced_seconds', { ...took, type: 'histogram', help: 'Traced.', exemplar: { trace_id: 'trace' } }),
    buildMetric('capped_total', { type: 'counter', help: 'Capped.', labels: { path: 'path' }, max_series: 2 })
  ]
  const metrics = createLogMetrics(made, store.instruments)
  store.addSource(metrics.families)
  for (const path of HOSTILE)
    for (const observe of metrics.observersOf('nginx'))
      observe({ path, took: 1001, length: -7.5, trace: 'a"b' }, cursorAt())
  // What is shown is durable.
  for (const metric of made) metric.keep(memoryState())
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
  const { query } = await startPrometheus(t, (target.address() as AddressInfo).port)
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
  assert.deepEqual(
    (await query('count(recent_seconds{quantile="0.99"} > 1 and recent_seconds < 1.012)')).map(s => s.value),
    [HOSTILE.length]
  )
  assert.deepEqual(
    (await query('sum(recent_seconds_count)')).map(s => s.value),
    [HOSTILE.length]
  )
})

test(
  'a real Prometheus lets itself in by name, password and certificate, and keeps the exemplars of a running agent',
  { skip },
  async t => {
    const folder = agentFolder(t)
    const ca = makeCa(t)
    const server = ca.issue('127.0.0.1', 'server')
    const client = ca.issue('prometheus', 'client')
    const log = join(folder, 'app.log')
    const now = Date.now()
    const line = (i: number): string =>
      JSON.stringify({ time: new Date(now).toISOString(), took: 20 + i, trace_id: `trace-${i}`, path: `/users/${i}?x` })
    writeFileSync(log, Array.from({ length: 50 }, (_, i) => `${line(i)}\n`).join(''))
    const hash = execFileSync('perl', ['-e', 'print crypt("open sesame", q($2b$10$abcdefghijklmnopqrstuu))'])
    const port = await freePort()
    const config = `
agent: { data_dir: ${folder}/data }
admin:
  listen: 127.0.0.1:${port}
  tls_server_config:
    cert_file: ${server.certFile}
    key_file: ${server.keyFile}
    client_ca_file: ${ca.caFile}
    client_auth_type: RequireAndVerifyClientCert
  basic_auth_users: { prometheus: '${hash.toString()}' }
inputs: { app: { type: file, paths: ['${log}'], start_at: beginning, pipeline: [json] } }
outputs: { out: { type: file, path: ${folder}/out.ndjson } }
metrics:
  app_requests_total: { type: counter, help: Requests., labels: { path: { route: path } }, exemplar: { trace_id: trace_id } }
  app_took_seconds: { type: histogram, help: Took., value: took, unit: ms, exemplar: { trace_id: trace_id } }
`
    await startYarder(t, { folder, config })
    const tls_config = { ca_file: ca.caFile, cert_file: client.certFile, key_file: client.keyFile }
    const basic_auth = { username: 'prometheus', password: 'open sesame' }
    const { query, exemplars } = await startPrometheus(t, port, { scheme: 'https', tls_config, basic_auth })
    const value = async (promql: string): Promise<number | undefined> => (await query(promql))[0]?.value
    await until('50 requests', async () => (await value('app_requests_total{path="/users/{id}"}')) === 50)
    assert.equal(await value('app_took_seconds_bucket{le="0.025"}'), 6)
    assert.equal((await value('histogram_quantile(0.5, app_took_seconds_bucket)'))?.toFixed(6), '0.044000')
    const traces = await until('exemplars', async () => {
      const found = [...(await exemplars('app_took_seconds_bucket')), ...(await exemplars('app_requests_total'))]
      return found.length >= 2 ? found : undefined
    })
    for (const trace of traces) assert.match(trace, /^trace-\d+$/)
  }
)

interface Point {
  readonly metric: Readonly<Record<string, string>>
  readonly value: number
}

interface Prometheus {
  query(promql: string): Promise<Point[]>
  /** The `trace_id` of each that is kept of these series. */
  exemplars(promql: string): Promise<string[]>
}

/** Starts a Prometheus that scrapes the port each second; gives the ways to ask it. `way` goes into its scrape config. */
async function startPrometheus(t: TestContext, target: number, way: object = {}): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-prometheus-'))
  const config = join(folder, 'prometheus.yml')
  const job = {
    job_name: 'yarder',
    scrape_interval: '1s',
    static_configs: [{ targets: [`127.0.0.1:${target}`] }],
    ...way
  }
  writeFileSync(config, JSON.stringify({ scrape_configs: [job] }))
  const port = await freePort()
  const prometheus = await start(
    [
      'prometheus',
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--enable-feature=exemplar-storage',
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
  const exemplars = async (promql: string): Promise<string[]> => {
    const asked = new URLSearchParams({
      query: promql,
      start: String(Date.now() / 1000 - 600),
      end: String(Date.now() / 1000 + 60)
    })
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query_exemplars?${asked.toString()}`)
    const { data } = (await answer.json()) as { data: { exemplars: { labels: { trace_id: string } }[] }[] }
    return data.flatMap(series => series.exemplars.map(({ labels }) => labels.trace_id))
  }
  return { query, exemplars }
}
