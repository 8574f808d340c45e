import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { readExposition } from '../../../test/lib/exposition.ts'
import { createStore } from '../store.ts'
import type { Family, Sample, Store } from '../store.ts'
import { chooseFormat, takesGzip } from './negotiate.ts'
import { createMetricsPage, renderPage } from './page.ts'

const TEXT = 'text/plain; version=0.0.4; charset=utf-8'
const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8'
/** As Prometheus 2.42 sends it. */
const PROMETHEUS =
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

type Scrape = (headers?: Record<string, string>, method?: string) => Promise<Answer>

async function serve(t: TestContext, store: Store, afterRequest: () => void = () => {}): Promise<Scrape> {
  const page = createMetricsPage(store)
  const server = createServer((_, response) => {
    page(response).catch(() => response.destroy())
    afterRequest()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return (headers = {}, method = 'GET') =>
    new Promise((resolve, reject) => {
      const asked = request({ port, host: '127.0.0.1', path: '/metrics', method, headers }, response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject)
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) })
        )
      })
      asked.on('error', reject).end()
    })
}

/** A family of so many series, made while it is walked, as those of records are. */
function manySeries(count: number, padding = ''): Family {
  return {
    name: 'a',
    help: 'Help.',
    type: 'gauge',
    samples: {
      *[Symbol.iterator](): Iterator<Sample> {
        for (let i = 0; i < count; i++) yield { name: 'a', labels: { i: `${padding}${i}` }, value: i }
      }
    }
  }
}

const storeOf = (families: () => Family[]): Store => ({ ...createStore(), read: async () => families() })

test('the format is that which the client wants most, and text where it names none', () => {
  const cases: Array<[string | undefined, string]> = [
    [undefined, 'text'],
    ['', 'text'],
    ['*/*', 'text'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'text'],
    ['application/json', 'text'],
    [PROMETHEUS, 'openmetrics'],
    ['application/openmetrics-text', 'openmetrics'],
    ['Application/OpenMetrics-Text; Version="1.0.0"; charset=utf-8', 'openmetrics'],
    [
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;q=0.7',
      'openmetrics'
    ],
    ['application/openmetrics-text;version=0.0.1', 'text'],
    ['application/openmetrics-text;version=2.0.0', 'text'],
    ['application/openmetrics-text;q=0', 'text'],
    ['application/openmetrics-text;q=0.3,text/plain;q=0.5', 'text'],
    ['application/openmetrics-text;q=0.5,text/plain;q=0.5', 'openmetrics'],
    ['application/openmetrics-text;q=x', 'text'],
    [',;=,;q', 'text']
  ]
  for (const [accept, format] of cases) assert.equal(chooseFormat(accept), format, String(accept))
})

test('gzip is used only where it is offered', () => {
  for (const offered of ['gzip', 'deflate, gzip;q=0.5', '*', 'x-gzip', 'GZIP']) assert.equal(takesGzip(offered), true)
  for (const none of [undefined, '', 'identity', 'br', 'gzip;q=0', '*;q=0', 'gzip;q=0, *'])
    assert.equal(takesGzip(none), false, String(none))
})

test('each client gets its format, with the content type that Prometheus 3 insists on', async t => {
  const scrape = await serve(t, createStore())
  const plain = await scrape()
  assert.equal(plain.status, 200)
  assert.equal(plain.headers['content-type'], TEXT)
  assert.equal(Number(plain.headers['content-length']), plain.body.length)
  assert.ok(readExposition(plain.body, 'text').length > 5)
  const wanted = await scrape({ accept: PROMETHEUS })
  assert.equal(wanted.headers['content-type'], OPENMETRICS)
  assert.match(wanted.headers.vary ?? '', /accept/)
  assert.ok(readExposition(wanted.body, 'openmetrics').length > 5)
})

test('a page over 1 KiB is packed when gzip is offered, a smaller one never', async t => {
  let count = 1000
  const scrape = await serve(
    t,
    storeOf(() => [manySeries(count)])
  )
  const packed = await scrape({ 'accept-encoding': 'gzip' })
  assert.equal(packed.headers['content-encoding'], 'gzip')
  const plain = await scrape()
  assert.equal(plain.headers['content-encoding'], undefined)
  assert.deepEqual(gunzipSync(packed.body), plain.body)
  assert.ok(packed.body.length < plain.body.length / 3)
  count = 3
  const small = await scrape({ 'accept-encoding': 'gzip' })
  assert.equal(small.headers['content-encoding'], undefined)
})

test('HEAD answers with the headers alone', async t => {
  const scrape = await serve(
    t,
    storeOf(() => [manySeries(10)])
  )
  const { status, headers, body } = await scrape({}, 'HEAD')
  assert.equal(status, 200)
  assert.equal(headers['content-type'], TEXT)
  assert.equal(Number(headers['content-length']), (await scrape()).body.length)
  assert.equal(body.length, 0)
})

test('scrapes at the same time share one reading, and the next one has its own', async t => {
  let readings = 0
  let requests = 0
  const all = Promise.withResolvers<void>()
  const read = async (): Promise<Family[]> => {
    readings++
    await all.promise
    return [manySeries(1)]
  }
  const scrape = await serve(t, { ...createStore(), read }, () => {
    if (++requests === 5) all.resolve()
  })
  for (const { body } of await Promise.all(Array.from({ length: 5 }, () => scrape())))
    assert.match(body.toString(), /a\{i="0"\} 0/)
  assert.equal(readings, 1)
  await scrape()
  assert.equal(readings, 2)
})

test('100 scrapes of 10,000 series at once are one reading and one packing, and lines go on being counted', async t => {
  let readings = 0
  const store = createStore()
  const scrape = await serve(t, {
    ...store,
    read: async () => {
      readings++
      return [manySeries(10_000, 'a path of the usual length /')]
    }
  })
  let held = 0
  let turns = 0
  let done = false
  let since = process.threadCpuUsage()
  const turn = (): void => {
    const { user, system } = process.threadCpuUsage(since)
    held = Math.max(held, (user + system) / 1000)
    turns++
    since = process.threadCpuUsage()
    if (!done) setImmediate(turn)
  }
  await scrape()
  turn()
  const before = readings
  const all = await Promise.all(Array.from({ length: 100 }, () => scrape({ 'accept-encoding': 'gzip' })))
  done = true
  assert.ok(all.every(({ status, body }) => status === 200 && body.equals(all[0]!.body)))
  assert.equal(readExposition(gunzipSync(all[0]!.body), 'text')[0]!.samples.length, 10_000)
  assert.ok(readings - before < 10, `${readings - before} readings`)
  assert.ok(turns > 20, `${turns} turns of the loop`)
  assert.ok(held < 50, `the loop was held for ${held} ms of CPU`)
})

test('a reading that failed does not stay', async t => {
  let broken = true
  const scrape = await serve(t, {
    ...createStore(),
    read: async () => {
      if (broken) throw new Error('broken')
      return [manySeries(1)]
    }
  })
  await assert.rejects(scrape())
  broken = false
  assert.equal((await scrape()).status, 200)
})

test('the loop turns while a large page is made', async () => {
  let turns = 0
  let done = false
  const turn = (): void => {
    turns++
    if (!done) setImmediate(turn)
  }
  turn()
  const page = await renderPage([manySeries(200_000)], 'text')
  done = true
  assert.ok(turns > 3, `${turns} turns`)
  const bytes = Buffer.concat(page)
  assert.equal(bytes.toString('latin1').split('\n').length, 200_003)
})

test('a client that goes away in the middle of a page leaves nothing behind', async t => {
  const scrape = await serve(
    t,
    storeOf(() => [manySeries(10)])
  )
  const server = createServer((_, response) => {
    page(response).then(
      () => ended.resolve('whole'),
      () => ended.resolve('cut')
    )
  })
  const ended = Promise.withResolvers<string>()
  // 20 MB: more than the sockets of both sides take in.
  const page = createMetricsPage(storeOf(() => [manySeries(20_000, 'x'.repeat(1000))]))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const asked = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
  asked.on('response', response => response.once('readable', () => asked.destroy())).on('error', () => undefined)
  asked.end()
  assert.equal(await ended.promise, 'cut')
  assert.equal((await scrape()).status, 200)
})
