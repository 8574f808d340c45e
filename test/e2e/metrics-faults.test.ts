// What may not harm the agent: servers of metrics that are gone, unknown or silent, and records made to break a page.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { readExposition } from '../lib/exposition.ts'
import type { ReadSample } from '../lib/exposition.ts'
import { debianPackage } from '../lib/real/debian.ts'
import { freePort, until } from '../lib/real/process.ts'
import { agentFolder, startYarder } from '../lib/real/yarder.ts'

const skipPromtool = (await debianPackage(['prometheus'])) ?? false

/** Accepts and never reads. */
async function silentServer(t: TestContext): Promise<{ readonly port: number; readonly sockets: readonly Socket[] }> {
  const sockets: Socket[] = []
  const server = createServer({ pauseOnConnect: true }, socket => {
    sockets.push(socket)
    socket.on('error', () => {})
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { port: (server.address() as AddressInfo).port, sockets }
}

async function samplesAt(url: string): Promise<ReadSample[]> {
  const page = await (await fetch(`${url}/metrics`)).arrayBuffer()
  return readExposition(Buffer.from(page), 'text').flatMap(({ samples }) => samples)
}

const sumOf = (samples: readonly ReadSample[], name: string): number =>
  samples.reduce((sum, sample) => (sample.name === name ? sum + sample.value : sum), 0)

const SERIES = 100_000

test('servers that are gone, unknown, or accept and never read cost the lines nothing, with 100,000 series', async t => {
  const silent = await silentServer(t)
  const folder = agentFolder(t)
  const log = join(folder, 'app.log')
  const round = Array.from({ length: SERIES }, (_, i) => `{"id":"a value that no other line has ${i}"}\n`).join('')
  writeFileSync(log, round)
  const config = `
agent: { data_dir: ${folder}/data }
admin: { listen: '127.0.0.1:0' }
inputs: { app: { type: file, paths: ['${log}'], start_at: beginning, poll: 100ms, pipeline: [{ json: {} }] } }
outputs: { out: { type: file, path: /dev/null } }
metrics: { lines_total: { type: counter, help: Lines., labels: { id: id }, max_series: 200000 } }
exporters:
  gone: { type: statsd, port: ${await freePort()}, prefix: gone, flush: 3s }
  unknown: { type: statsd, host: no-such-host.invalid, prefix: unknown, flush: 3s }
  silent: { type: statsd, transport: tcp, port: ${silent.port}, prefix: silent, flush: 3s, timeout: 1m }
  silent_carbon: { type: graphite, port: ${silent.port}, prefix: silent, flush: 3s, timeout: 1m }
`
  const yarder = await startYarder(t, { folder, config })
  const counted = async (lines: number): Promise<boolean> =>
    (await yarder.metric('yarder_input_lines_total{')) === lines && (await yarder.metric('lines_total{')) > 0
  await until('the first lines', () => counted(SERIES), 60_000)
  const told = (exporter: string): Promise<number> =>
    yarder.metric(`yarder_exporter_errors_total{exporter="${exporter}"`)
  await until(
    'trouble with two servers and connections to the third',
    async () => (await told('gone')) > 0 && (await told('unknown')) > 0 && silent.sockets.length === 2,
    60_000
  )
  appendFileSync(log, round)
  await until('the second lines', () => counted(2 * SERIES), 60_000)
  const samples = await samplesAt(yarder.url)
  const trouble = new Set(
    samples.filter(({ name }) => name === 'yarder_exporter_errors_total').map(({ labels }) => labels['exporter'])
  )
  assert.deepEqual(trouble, new Set(['gone', 'unknown']))
  assert.equal(samples.filter(({ name }) => name === 'lines_total').length, SERIES)
  assert.equal(silent.sockets.length, 2)
  // 300 MB for the agent with so many series, 65 for each exporter's memory of them and its one flush.
  const peak = yarder.peakRss() / 1e6
  assert.ok(peak < 700, `${peak} MB`)
  assert.equal((await yarder.end()).code, 0)
  // Both stood in their first flush, for which they had a minute: had the lines waited for it, there would be no second.
  for (const socket of silent.sockets) {
    let lines = 0
    socket.on('data', (chunk: Buffer) => (lines += chunk.toString('latin1').split('\nsilent.lines_total.').length - 1))
    socket.resume()
    await once(socket, 'close')
    assert.ok(lines > 1000 && lines < SERIES, `${lines} lines were sent`)
  }
})

const HOSTILE = [
  Buffer.from('{"path":"/\\"quoted\\" and \\\\ and \\n","took":0.5}'),
  Buffer.from('{"path":"/\\u0000\\u001b[31m\\u007f\\u2028","took":0.5}'),
  Buffer.from('{"path":"/\\ud800 half","took":0.5}'),
  Buffer.concat([
    Buffer.from('{"path":"/latin1 '),
    Buffer.from([0xe9, 0xff, 0xc0, 0x80]),
    Buffer.from('","took":0.5}')
  ]),
  Buffer.from('{"path":"a=\\"b\\"} 1\\nevil_total{x=\\"","took":0.5}'),
  Buffer.from('{"path":"__overflow__","took":0.5}'),
  Buffer.from(`{"path":"/${'long'.repeat(50_000)}","took":0.5}`)
]
/** No numbers that can be added to others. */
const NUMBERS = ['NaN', 'Infinity', '-Infinity', '1e999', 'null', '""', '{}', '"1e999"', '"NaN"'].map(n =>
  Buffer.from(`{"path":"/number","took":${/^[nN"{1]/.test(n) && n !== 'NaN' ? n : `"${n}"`}}`)
)

test('hostile label values, no numbers and 100 scrapes at once leave a page that is right', async t => {
  const folder = agentFolder(t)
  const log = join(folder, 'app.log')
  const many = Array.from({ length: SERIES }, (_, i) => `{"path":"/${i}","took":1}\n`).join('')
  const lines = [...HOSTILE, ...NUMBERS].flatMap(line => [line, Buffer.from('\n')])
  writeFileSync(log, Buffer.concat([...lines, Buffer.from(many)]))
  const config = `
agent: { data_dir: ${folder}/data }
admin: { listen: '127.0.0.1:0' }
inputs: { app: { type: file, paths: ['${log}'], start_at: beginning, poll: 100ms, pipeline: [{ json: {} }] } }
outputs: { out: { type: file, path: /dev/null } }
metrics:
  lines_total: { type: counter, help: Lines., labels: { path: path } }
  took_seconds: { type: histogram, help: Time., value: took, labels: { path: path } }
  took_seconds_recent: { type: summary, help: Time., value: took }
  took_latest: { type: gauge, help: Time., value: took }
`
  const yarder = await startYarder(t, { folder, config })
  const all = HOSTILE.length + NUMBERS.length + SERIES
  await until('all lines', async () => sumOf(await samplesAt(yarder.url), 'lines_total') === all, 60_000)
  const scrape = async (openmetrics: boolean): Promise<string> => {
    const accept = openmetrics ? 'application/openmetrics-text; version=1.0.0' : 'text/plain'
    const answer = await fetch(`${yarder.url}/metrics/`, { headers: { accept } })
    assert.equal(answer.status, 200)
    return answer.text()
  }
  const pages = await Promise.all(Array.from({ length: 100 }, (_, i) => scrape(i % 2 === 0)))
  for (const [i, page] of pages.entries()) {
    if (i > 1) continue
    const families = readExposition(Buffer.from(page), i % 2 === 0 ? 'openmetrics' : 'text')
    const samples = families.flatMap(family => family.samples)
    assert.equal(sumOf(samples, 'lines_total'), all)
    assert.equal(sumOf(samples, 'evil_total'), 0)
    const series = samples.filter(({ name }) => name === 'lines_total')
    assert.equal(series.length, 1000)
    const own = series.filter(({ labels }) => labels['path'] !== '__overflow__')
    assert.equal(own.find(({ labels }) => labels['path'] === '/number')!.value, NUMBERS.length)
    const overflow = all - (own.length - 1) - NUMBERS.length
    assert.equal(series.find(({ labels }) => labels['path'] === '__overflow__')!.value, overflow)
    for (const family of families)
      for (const { name, value } of family.samples)
        if (/^(?:lines|took)_/.test(name)) assert.ok(Number.isFinite(value), `${name} ${value}`)
    assert.equal(sumOf(samples, 'took_seconds_count'), HOSTILE.length + SERIES)
    const told = (name: string, metric: string): number =>
      sumOf(
        samples.filter(({ labels }) => labels['metric'] === metric),
        name
      )
    assert.equal(told('yarder_metrics_skipped_total', 'took_seconds'), NUMBERS.length)
    assert.equal(told('yarder_metrics_overflowing', 'lines_total'), 1)
    assert.equal(told('yarder_metrics_series', 'lines_total'), 1000)
  }
  for (const page of pages) assert.ok(page.length > 100_000)
  if (skipPromtool === false) {
    const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: pages[1]!, encoding: 'utf8' })
    assert.doesNotMatch(stderr, /error while linting|parsing/i)
    assert.notEqual(status, 1, stderr)
  }
  const packed = await fetch(`${yarder.url}/metrics`, { headers: { 'accept-encoding': 'gzip' } })
  assert.equal(packed.headers.get('content-encoding'), 'gzip')
  const peak = yarder.peakRss() / 1e6
  assert.ok(peak < 250, `${peak} MB`)
  assert.equal((await yarder.end()).code, 0)
})
