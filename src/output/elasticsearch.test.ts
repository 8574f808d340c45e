import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import * as fakes from '../../test/lib/fake-elasticsearch.ts'
import type { FakeElasticsearch, FakeOptions } from '../../test/lib/fake-elasticsearch.ts'
import { makeRecords } from '../../test/lib/records.ts'
import type { RecordsOptions } from '../../test/lib/records.ts'
import { makeCa } from '../../test/lib/test-ca.ts'
import { systemClock } from '../core/clock.ts'
import type { Context } from '../core/component.ts'
import { readFields } from '../core/field.ts'
import { silentInstruments } from '../core/instruments.ts'
import { silentLog } from '../core/log.ts'
import type { Log } from '../core/log.ts'
import { memoryState } from '../core/state.ts'
import { readDeadLetters } from './dead-letter.ts'
import type { DeadLetter } from './dead-letter.ts'
import { Delivery, deliveryOptions } from './delivery.ts'
import { elasticsearch } from './elasticsearch.ts'

interface Rig {
  fake: FakeElasticsearch
  delivery: Delivery
  settled: string[]
  lines: Array<{ level: string; message: string; data: Record<string, unknown> }>
  offer(name: string, count: number, more?: Partial<RecordsOptions> & { bytes?: number }): Promise<void>
  arrived(...names: string[]): Promise<void>
  letters(): Promise<DeadLetter[]>
}

const FAST = { backoff: { init: '10ms', max: '40ms' }, batch: { timeout: '0s' } }

const ids = (name: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${name}-${n}`)

async function rig(t: TestContext, options: object = {}, fakeOptions: FakeOptions = {}): Promise<Rig> {
  const fake = await fakes.startFakeElasticsearch(fakeOptions)
  const dataDir = mkdtempSync(join(tmpdir(), 'yarder-'))
  const lines: Rig['lines'] = []
  const say =
    (level: string) =>
    (data: object, message: string): void =>
      void lines.push({ level, message, data: data as Record<string, unknown> })
  const log: Log = { ...silentLog, error: say('error'), warn: say('warn'), info: say('info') }
  const context: Context = {
    name: 'elastic',
    log,
    clock: systemClock,
    instruments: silentInstruments,
    state: memoryState(),
    dataDir,
    configDir: dataDir,
    schema: 'logstash',
    timezone: 'UTC',
    constants: {},
    once: false,
    outputs: []
  }
  const given = { ...FAST, hosts: [fake.url], ...options }
  const values = readFields(elasticsearch.fields, given, (path, message) => assert.fail(`${path} ${message}`))!
  assert.deepEqual([...elasticsearch.lint!(values)], [])
  const delivery = new Delivery({
    type: 'elasticsearch',
    output: elasticsearch.build(values, context),
    options: deliveryOptions(values),
    context
  })
  t.after(async () => {
    await delivery.close()
    await fake.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })
  delivery.start()
  const settled: string[] = []
  return {
    fake,
    delivery,
    settled,
    lines,
    offer: (name, count, { bytes = 20, ...more } = {}) =>
      delivery.offer(
        makeRecords({
          docs: Array.from({ length: count }, (_, n) => ({ n, text: 'x'.repeat(bytes) })),
          offsets: Array.from({ length: count }, (_, n) => n),
          sourceId: name,
          settle: () => settled.push(name),
          ...more
        })
      ),
    arrived: (...names) =>
      t.waitFor(() => assert.deepEqual([...settled].sort(), [...names].sort()), { timeout: 10_000, interval: 5 }),
    letters: () => Array.fromAsync(readDeadLetters(dataDir, 'elastic'))
  }
}

const stored = (fake: FakeElasticsearch): string[] => fake.docs.map(d => String(d.id)).sort()

test('a request is as Elasticsearch 7 to 9 and OpenSearch take it', async t => {
  const r = await rig(t)
  await r.offer('a', 2)
  await r.arrived('a')
  const request = r.fake.requests[0]!
  const header = (name: string): string | undefined => request.headers.find(([n]) => n.toLowerCase() === name)?.[1]
  assert.equal(request.method, 'POST')
  assert.equal(request.path, '/_bulk')
  assert.equal(request.query.get('filter_path'), 'errors,items.*.error,items.*.status,items.*.failure_store')
  assert.equal(header('content-type'), 'application/x-ndjson')
  assert.equal(header('content-length'), String(request.body.length))
  assert.equal(header('authorization'), undefined)
  assert.equal(header('content-encoding'), undefined)
  assert.equal(request.body.split('\n')[0], '{"create":{"_index":"logstash-2026.11.22","_id":"a-0"}}')
  assert.ok(request.body.endsWith('}\n'))
  assert.deepEqual(stored(r.fake), ids('a', 2))
})

for (const product of ['elasticsearch', 'opensearch'] as const) {
  test(`${product} is named in the log once, and the output is green before the first record`, async t => {
    const r = await rig(t, {}, { product, ...(product === 'opensearch' ? { version: '2.19.1' } : {}) })
    await t.waitFor(() => assert.equal(r.delivery.status().state, 'green'))
    await r.offer('a', 1)
    await r.arrived('a')
    const said = r.lines.filter(l => l.message === 'Connected.')
    assert.equal(said.length, 1)
    assert.equal(String(said[0]!.data['product']).toLowerCase(), product)
  })
}

test('down at the start: the URL and errno are told, and every record arrives once the server is up', async t => {
  const r = await rig(t)
  await r.fake.down()
  await r.offer('a', 50)
  await t.waitFor(() => assert.ok(r.lines.some(l => l.message === 'Request error, retrying.')))
  const line = r.lines.find(l => l.message === 'Request error, retrying.')!
  assert.equal(line.data['errno'], 'ECONNREFUSED')
  assert.match(
    String(line.data['error']),
    new RegExp(`^(GET|POST) http://127\\.0\\.0\\.1:${r.fake.port}/(_bulk)?: connect ECONNREFUSED`)
  )
  assert.deepEqual(r.settled, [])
  await r.fake.up()
  await r.arrived('a')
  assert.deepEqual(stored(r.fake), ids('a', 50).sort())
  assert.equal(r.lines.filter(l => /from yellow to green - Ready/.test(l.message)).length, 1)
})

const FAILURES: Array<[what: string, behaviour: fakes.Behaviour]> = [
  ['429', fakes.refuse(429)],
  ['503', fakes.refuse(503)],
  ['500', fakes.refuse(500)],
  ['401', fakes.refuse(401)],
  ['403', fakes.refuse(403)],
  ['404', fakes.refuse(404)],
  ['a redirect', fakes.refuse(302, { location: 'http://127.0.0.1:1/' })],
  ['a page of a proxy with 200', fakes.page()],
  ['a 400 of a proxy', fakes.page({ status: 400 })],
  ['too few items', fakes.tooFewItems()],
  ['a lie about the number of items', fakes.lie(3)],
  ['invalid JSON', fakes.invalidJson()],
  ['a half-close after storing', fakes.halfClose({ store: true })],
  ['a reset in the body', fakes.resetInBody()],
  ['a reset in the answer after storing', fakes.resetInAnswer()],
  ['silence after storing', fakes.silent({ store: true })],
  ['a hanging server', fakes.hang()]
]
for (const [what, behaviour] of FAILURES) {
  test(`nothing is lost, doubled, settled early or buried after ${what}`, async t => {
    const r = await rig(t, { timeout: '150ms' })
    let early = false
    r.fake.next(behaviour, behaviour, async exchange => {
      early = r.settled.length > 0
      await fakes.accept()(exchange)
    })
    await r.offer('a', 20)
    await r.arrived('a')
    assert.equal(early, false)
    assert.deepEqual(stored(r.fake), ids('a', 20).sort())
    assert.deepEqual(await r.letters(), [])
    assert.equal(r.fake.pending, 0)
  })
}

test('an answer byte by byte is read', async t => {
  const r = await rig(t)
  r.fake.next(fakes.drip({ everyMs: 0, bytes: 1 }))
  await r.offer('a', 5)
  await r.arrived('a')
  assert.equal(r.fake.requests.length, 1)
})

test('only items that failed for now are sent again; refused ones become dead letters with index, id and reason', async t => {
  const r = await rig(t)
  r.fake.next(
    fakes.mixed((_action, i) => (i % 4 === 1 ? 429 : i % 4 === 2 ? 503 : i === 7 ? 400 : undefined)),
    fakes.accept()
  )
  await r.offer('a', 12)
  await r.arrived('a')
  assert.equal(r.fake.requests[1]!.documents, 6)
  const letters = await r.letters()
  assert.deepEqual(
    letters.map(l => [l.id, l.target, l.status, l.reason]),
    [['a-7', 'logstash-2026.11.22', 400, 'document_parsing_exception: refused with 400 by the test']]
  )
  assert.deepEqual(
    stored(r.fake),
    ids('a', 12)
      .filter(id => id !== 'a-7')
      .sort()
  )
})

test('a record sent twice is stored once, and the 409 counts as delivered', async t => {
  const r = await rig(t)
  await r.offer('a', 10)
  await r.arrived('a')
  await r.offer('a', 10)
  await r.arrived('a', 'a')
  assert.deepEqual(stored(r.fake), ids('a', 10).sort())
  assert.deepEqual(await r.letters(), [])
})

test('one unreadable document in a request that is refused whole is found, and the others are stored', async t => {
  const r = await rig(t)
  r.fake.otherwise(fakes.refuseWholeIf(action => action.id === 'a-13'))
  await r.offer('a', 50)
  await r.arrived('a')
  assert.deepEqual(
    (await r.letters()).map(l => [l.id, l.status]),
    [['a-13', 400]]
  )
  assert.equal(stored(r.fake).length, 49)
  assert.ok(r.fake.requests.length < 16, `${r.fake.requests.length} requests`)
})

for (const early of [false, true]) {
  test(`requests too large for the server are split${early ? ', though it answers in the middle of the body and closes' : ''}`, async t => {
    const r = await rig(t)
    r.fake.otherwise(fakes.limit(300_000, { early }))
    await r.offer('a', 100, { bytes: 20_000 })
    await r.arrived('a')
    assert.equal(stored(r.fake).length, 100)
    const before = r.fake.requests.length
    await r.offer('b', 100, { bytes: 20_000 })
    await r.arrived('a', 'b')
    const refused = r.fake.requests.slice(before).filter(s => s.status === 413)
    assert.equal(refused.length, 0, 'the limit is remembered')
    assert.deepEqual(await r.letters(), [])
  })
}

test('a single document too large for the server becomes a dead letter, and its neighbours are stored', async t => {
  const r = await rig(t)
  r.fake.otherwise(fakes.limit(300_000))
  const docs = Array.from({ length: 8 }, (_, n) => ({ n, text: 'x'.repeat(n === 3 ? 400_000 : 100) }))
  await r.offer('a', 8, { docs })
  await r.arrived('a')
  assert.deepEqual(
    (await r.letters()).map(l => [l.id, l.status]),
    [['a-3', 413]]
  )
  assert.equal(stored(r.fake).length, 7)
})

test('two resets in the middle of a large body split it', async t => {
  const r = await rig(t)
  let resets = 0
  r.fake.otherwise(async exchange => {
    if (Number(exchange.header('content-length')) <= 1_500_000) return await fakes.accept()(exchange)
    resets++
    await fakes.resetInBody(100_000)(exchange)
  })
  await r.offer('a', 100, { bytes: 20_000 })
  await r.arrived('a')
  assert.equal(stored(r.fake).length, 100)
  // The first came on a connection used before, and was at once tried again on a new one.
  assert.ok(resets >= 2 && resets <= 3, `${resets} resets`)
})

test('no storm: a long outage makes few connections, and never more than in_flight at once', async t => {
  const r = await rig(t, { in_flight: 2 })
  await r.offer('a', 1)
  await r.arrived('a')
  let most = 0
  r.fake.otherwise(async exchange => {
    most = Math.max(most, r.fake.connections.open)
    await fakes.refuse(503)(exchange)
  })
  for (let i = 0; i < 20; i++) void r.offer(`b${i}`, 50, { bytes: 5000 })
  await t.waitFor(() => assert.ok(r.fake.requests.length > 15), { timeout: 10_000 })
  r.fake.otherwise(fakes.accept())
  await t.waitFor(() => assert.equal(r.settled.length, 21), { timeout: 10_000 })
  assert.ok(most <= 2, `${most} connections at once`)
  assert.ok(r.fake.connections.total <= 4, `${r.fake.connections.total} connections`)
  assert.equal(stored(r.fake).length, 1001)
})

test('a load balancer that closes idle connections is not noticed', async t => {
  const r = await rig(t)
  await r.offer('a', 5)
  await r.arrived('a')
  r.fake.closeIdle()
  await r.offer('b', 5)
  await r.arrived('a', 'b')
  assert.deepEqual(
    r.lines.filter(l => l.level !== 'info'),
    []
  )
})

test('with several hosts a dead one gives way at once and is then left out', async t => {
  const second = await fakes.startFakeElasticsearch()
  t.after(() => second.stop())
  const first = await fakes.startFakeElasticsearch()
  t.after(() => first.stop())
  const r = await rig(t, { hosts: [first.url, second.url] })
  await first.down()
  for (let i = 0; i < 12; i++) {
    await r.offer(`a${i}`, 5)
    await t.waitFor(() => assert.equal(r.settled.length, i + 1), { interval: 2 })
  }
  assert.equal(second.count(), 60)
  assert.equal(r.lines.filter(l => l.message === 'Host is out of rotation.').length, 1)
  assert.deepEqual(
    r.lines.filter(l => l.message === 'Request error, retrying.'),
    []
  )
  assert.equal(r.delivery.status().state, 'green')
})

test('credentials of each kind are sent as the server expects them, and never appear in status or log', async t => {
  const basic = `Basic ${Buffer.from('elastic:geheim').toString('base64')}`
  const cases: Array<[options: object, authorization: string]> = [
    [{ username: 'elastic', password: 'geheim' }, basic],
    [{ api_key: 'id:geheim' }, `ApiKey ${Buffer.from('id:geheim').toString('base64')}`],
    [{ api_key: 'aWQ6Z2VoZWlt' }, 'ApiKey aWQ6Z2VoZWlt'],
    [{ token: 'geheim' }, 'Bearer geheim']
  ]
  for (const [options, authorization] of cases) {
    const r = await rig(t, options, { authorization })
    await r.offer('a', 3)
    await r.arrived('a')
    r.fake.authorization = 'other'
    await r.offer('b', 3)
    await t.waitFor(() => assert.equal(r.delivery.status().message, 'Unauthorised'))
    assert.match(r.delivery.status().lastError!, /answered 401/)
    assert.doesNotMatch(JSON.stringify([r.delivery.status(), r.lines]), /geheim|Z2VoZWlt/)
    r.fake.authorization = authorization
    await r.arrived('a', 'b')
  }
})

test('a user in the address is used and hidden, and a bare address gets port 9200', async t => {
  const r = await rig(t, {}, { authorization: `Basic ${Buffer.from('u:p@ss').toString('base64')}` })
  await r.delivery.close()
  const url = `http://u:p%40ss@127.0.0.1:${r.fake.port}`
  const values = readFields(elasticsearch.fields, { ...FAST, hosts: url }, () => assert.fail())!
  const clash = readFields(elasticsearch.fields, { hosts: url, api_key: 'x' }, () => assert.fail())!
  assert.match([...elasticsearch.lint!(clash)][0]![1], /only one way/)
  const bare = readFields(elasticsearch.fields, { hosts: ['localhost', 'localhost:80', 'http://es/base'] }, () =>
    assert.fail()
  )!
  const context = {
    name: 'x',
    configDir: '/',
    clock: systemClock,
    log: silentLog,
    instruments: silentInstruments
  } as Context
  const output = elasticsearch.build(bare, context)
  assert.equal(output.target, 'http://localhost:9200/, http://localhost/, http://es/base/')
  await output.close()
  const own = elasticsearch.build(values, context)
  assert.equal(own.target, `http://127.0.0.1:${r.fake.port}/`)
  await own.probe!(new AbortController().signal)
  await own.close()
})

test('bodies are compressed when told so', async t => {
  const r = await rig(t, { compression_level: 1 })
  await r.offer('a', 100, { bytes: 1000 })
  await r.arrived('a')
  const request = r.fake.requests[0]!
  assert.ok(request.wireBytes < request.bodyBytes / 5)
  assert.equal(stored(r.fake).length, 100)
})

test('TLS with an authority and a client certificate from files', async t => {
  const ca = makeCa(t)
  const server = ca.issue('127.0.0.1', 'server')
  const client = ca.issue('agent.example', 'client')
  const read = (path: string): string => readFileSync(path, 'utf8')
  const tls = { key: read(server.keyFile), cert: read(server.certFile), ca: read(ca.caFile), requestCert: true }
  const files = { ca_file: ca.caFile, cert_file: client.certFile, key_file: client.keyFile }
  const r = await rig(t, { tls: files }, { tls })
  await r.offer('a', 3)
  await r.arrived('a')
  const untrusting = await rig(t, {}, { tls })
  await untrusting.offer('a', 3)
  await t.waitFor(() => assert.match(untrusting.delivery.status().lastError ?? '', /certificate/))
  assert.deepEqual(untrusting.settled, [])
})

test('a data stream gets its constants in every document, and an ingest pipeline its name', async t => {
  const r = await rig(t, { data_stream: { dataset: 'nginx' }, pipeline: 'geo' })
  await r.offer('a', 1)
  await r.arrived('a')
  const [action, document] = r.fake.requests[0]!.body.split('\n')
  assert.match(action!, /"_index":"logs-nginx-default"/)
  assert.deepEqual((JSON.parse(document!) as { data_stream: unknown }).data_stream, {
    type: 'logs',
    dataset: 'nginx',
    namespace: 'default'
  })
  assert.equal(r.fake.requests[0]!.query.get('pipeline'), 'geo')
})

test('an index from a field asks the pipeline for it, and is confined', async t => {
  const r = await rig(t, { index: 'app-%{service}-%{+yyyy.MM}' })
  const key = r.delivery.output.keys![0]!.text
  await r.offer('a', 2, { keys: { [key]: ['app-Web-\u{E000}', 'app-../etc-\u{E000}'] } })
  await r.arrived('a')
  assert.deepEqual(r.fake.docs.map(d => d.index).sort(), ['app-.._etc-2026.11', 'app-web-2026.11'])
})

test('an absurd time is told once and goes to the day of arrival', async t => {
  const r = await rig(t)
  await r.offer('a', 3, { times: 0 })
  await r.arrived('a')
  assert.deepEqual([...new Set(r.fake.docs.map(d => d.index))], ['logstash-2026.11.22'])
  assert.equal(r.lines.filter(l => /absurd/.test(l.message)).length, 1)
})

test('a stop in the middle of a request that is not answered ends in time and settles nothing', async t => {
  const r = await rig(t)
  r.fake.otherwise(fakes.hang())
  await r.offer('a', 10)
  await t.waitFor(() => assert.equal(r.fake.requests.length, 1))
  const started = performance.now()
  assert.equal(await r.delivery.drain(100), false)
  assert.ok(performance.now() - started < 2000)
  assert.deepEqual(r.settled, [])
  await t.waitFor(() => assert.equal(r.fake.connections.open, 0))
})

test('options that contradict each other are named', () => {
  const faults = (o: object): string[] => {
    const values = readFields(elasticsearch.fields, { hosts: 'es', ...o }, (path, message) =>
      assert.fail(path + message)
    )!
    return [...elasticsearch.lint!(values)].map(([option]) => option)
  }
  assert.deepEqual(faults({}), [])
  assert.deepEqual(faults({ username: 'u' }), ['username'])
  assert.deepEqual(faults({ api_key: 'x', token: 'y' }), ['hosts'])
  assert.deepEqual(faults({ index: '%{service}' }), ['index'])
  assert.deepEqual(faults({ index: 'x', data_stream: {} }), ['index'])
  assert.deepEqual(faults({ hosts: ['es1:443', 'https://es2', 'http://es3:443', 'es4:4430', 'es5'] }), ['hosts[0]'])
  assert.deepEqual(faults({ tls: { cert_file: 'x' } }), ['tls'])
})

test('what is no address is told at its place without its password, whatever else is wrong', () => {
  const told: string[] = []
  const hosts = ['es1', 'ftp://x', 'http://me:secret@a b', 'es::9200']
  readFields(elasticsearch.fields, { hosts, in_flight: 'many' }, (path, message) => told.push(`${path}: ${message}`))
  assert.deepEqual(told.slice(0, 3), [
    'hosts[1]: "ftp://x" is no http or https address',
    'hosts[2]: "http://***@a b" is no http or https address',
    'hosts[3]: "es::9200" is no http or https address'
  ])
  assert.match(told[3] ?? '', /^in_flight: must be a whole number/)
})

test('a server that takes two requests at a time and refuses more is sent two or three, and everything arrives', async t => {
  const r = await rig(t, { in_flight: 8, batch: { max_events: 1, timeout: '0s' } })
  await r.offer('warm', 1)
  await r.arrived('warm')
  let open = 0
  let most = 0
  const ways: string[] = []
  const gates: (() => void)[] = []
  r.fake.otherwise(async exchange => {
    most = Math.max(most, ++open)
    // Whoever is under way stays so until all that may come have come.
    await new Promise<void>(resolve => {
      gates.push(resolve)
      setTimeout(() => gates.splice(0).forEach(go => go()), 5)
    })
    const way = open > 2 ? 'refused' : 'taken'
    ways.push(way)
    await (way === 'refused' ? fakes.refuse(429) : fakes.accept())(exchange)
    open--
  })
  await r.offer('a', 300)
  await r.arrived('warm', 'a')
  assert.ok(most >= 3, `never more than ${most} at a time`)
  const later = ways.slice(100)
  const refused = later.filter(way => way === 'refused').length
  assert.ok(refused < later.length / 4, `${refused} of ${later.length} were refused`)
  assert.equal(new Set(stored(r.fake)).size, 301)
})

const conflict = (field: string): fakes.ItemError => ({
  status: 400,
  type: 'document_parsing_exception',
  reason: `[1:2] failed to parse field [${field}] of type [long] in document with id 'x'`
})

test('a conflict is rescued once per field that is named, under the same id, and the others are not sent twice', async t => {
  const r = await rig(t, { rescue_conflicts: true })
  r.fake.otherwise(
    fakes.mixed(action => {
      const { n, text } = JSON.parse(action.source) as { n?: unknown; text?: unknown }
      return n === 3 || n === 4 ? conflict('n') : n === undefined && text !== undefined ? conflict('text') : undefined
    })
  )
  await r.offer('a', 6)
  await r.arrived('a')
  assert.deepEqual(stored(r.fake), ids('a', 6))
  assert.deepEqual(
    r.fake.requests.map(request => request.documents),
    [6, 2, 2]
  )
  const three = r.fake.docs.find(doc => doc.id === 'a-3')!.source
  assert.deepEqual(three['_conflict'], ['n=3', `text=${'x'.repeat(20)}`])
  assert.deepEqual(three['tags'], ['_mappingconflict'])
  assert.deepEqual(await r.letters(), [])
  assert.equal(r.lines.filter(line => /moved aside/.test(line.message)).length, 1)
})

test('what moving a field aside does not help becomes a dead letter, as it was', async t => {
  const r = await rig(t, { rescue_conflicts: true })
  r.fake.otherwise(fakes.mixed(() => conflict('n')))
  await r.offer('a', 1)
  await r.arrived('a')
  assert.equal(r.fake.requests.length, 2)
  const [letter] = await r.letters()
  assert.deepEqual([letter!.id, letter!.document], ['a-0', { n: 0, text: 'x'.repeat(20) }])
})

test('a rescue whose request fails is sent again from the start, and nothing arrives twice', async t => {
  const r = await rig(t, { rescue_conflicts: true })
  const judge = fakes.mixed(action =>
    (JSON.parse(action.source) as { n?: unknown }).n === 1 ? conflict('n') : undefined
  )
  r.fake.next(judge, fakes.resetInAnswer(), judge, fakes.refuse(503))
  r.fake.otherwise(judge)
  await r.offer('a', 3)
  await r.arrived('a')
  assert.deepEqual(stored(r.fake), ids('a', 3))
})

test('without the option a conflict is a dead letter', async t => {
  const r = await rig(t)
  r.fake.otherwise(fakes.mixed((_, position) => (position === 1 ? conflict('n') : undefined)))
  await r.offer('a', 3)
  await r.arrived('a')
  assert.deepEqual(
    (await r.letters()).map(l => l.id),
    ['a-1']
  )
})

test('records wait for an alias that is missing, and go there when it comes', async t => {
  const r = await rig(t, { require_alias: true, index: 'logs' })
  const missing = { status: 404, type: 'index_not_found_exception', reason: 'no such index [logs] and [require_alias]' }
  r.fake.next(
    fakes.mixed(() => missing),
    fakes.mixed(() => missing)
  )
  await r.offer('a', 2)
  await r.arrived('a')
  assert.equal(r.fake.requests[0]!.query.get('require_alias'), 'true')
  assert.deepEqual(stored(r.fake), ids('a', 2))
  assert.deepEqual(await r.letters(), [])
})

test('records in the failure store are delivered, and told', async t => {
  const r = await rig(t, { data_stream: {} })
  r.fake.otherwise(fakes.changedItems(items => items.map(i => ({ ...i, failure_store: 'used' }))))
  await r.offer('a', 4)
  await r.arrived('a')
  const told = r.lines.find(line => /failure store/.test(line.message))
  assert.equal(told?.data['records'], 4)
  assert.deepEqual(await r.letters(), [])
})
