import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import * as web from '../../test/lib/fake-http.ts'
import { makeRecords } from '../../test/lib/records.ts'
import { context as plainContext } from '../../test/lib/step.ts'
import { makeCa } from '../../test/lib/test-ca.ts'
import { readFields } from '../core/field.ts'
import { silentInstruments } from '../core/instruments.ts'
import type { Instruments } from '../core/instruments.ts'
import { readDeadLetters } from './dead-letter.ts'
import { Delivery, deliveryOptions } from './delivery.ts'
import { http } from './http.ts'

function rig(t: TestContext, url: string | string[], options: object = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'yarder-'))
  const given = { url, backoff: { init: '10ms', max: '40ms' }, batch: { timeout: '0s' }, ...options }
  const values = readFields(http.fields, given, (path, message) => assert.fail(`${path} ${message}`))!
  assert.deepEqual([...http.lint!(values)], [])
  const gauges = new Map<string, number>()
  const instruments: Instruments = {
    ...silentInstruments,
    gauge: name => ({
      ...silentInstruments.gauge('', '', []),
      set: (value, ...labels) => void gauges.set(`${name} ${labels.join(' ')}`, value)
    })
  }
  const context = plainContext({ name: 'web', dataDir, configDir: dataDir, instruments })
  const output = http.build(values, context)
  const delivery = new Delivery({ type: 'http', output, options: deliveryOptions(values), context })
  t.after(async () => {
    await delivery.close()
    rmSync(dataDir, { recursive: true, force: true })
  })
  delivery.start()
  const settled: string[] = []
  return {
    delivery,
    settled,
    gauges,
    offer: (name: string, count: number, doc: (n: number) => object = n => ({ n, k: `${name}-${n}` })) =>
      delivery.offer(
        makeRecords({
          docs: Array.from({ length: count }, (_, n) => doc(n)),
          offsets: Array.from({ length: count }, (_, n) => n),
          sourceId: name,
          settle: () => settled.push(name)
        })
      ),
    arrived: (...names: string[]) =>
      t.waitFor(() => assert.deepEqual([...settled].sort(), [...names].sort()), { timeout: 10_000, interval: 5 }),
    letters: () => Array.fromAsync(readDeadLetters(dataDir, 'web'))
  }
}

async function server(t: TestContext, tls?: Parameters<typeof web.startFakeHttp>[0]) {
  const fake = await web.startFakeHttp(tls)
  t.after(() => fake.down())
  return fake
}

const keys = (name: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${name}-${n}`)
const taken = (fake: web.FakeHttp): string[] => fake.taken.map(r => String(r['k']))

for (const [format, type, requests] of [
  ['json', 'application/json', 1],
  ['ndjson', 'application/x-ndjson', 1],
  ['single', 'application/json', 20]
] as const) {
  for (const compression_level of [0, 6]) {
    test(`${format}${compression_level > 0 ? ', compressed' : ''}: every record arrives as its document`, async t => {
      const fake = await server(t)
      const r = rig(t, fake.url, { format, compression_level })
      await r.offer('a', 20, n => ({ k: `a-${n}`, text: `line\n"${n}" \u{1F4DC}` }))
      await r.arrived('a')
      assert.deepEqual(taken(fake), keys('a', 20))
      assert.equal(fake.taken[3]!['text'], 'line\n"3" \u{1F4DC}')
      assert.equal(fake.requests.length, requests)
      const { method, headers } = fake.requests[0]!.request
      assert.deepEqual([method, headers['content-type'], headers['user-agent']], ['POST', type, 'yarder'])
    })
  }
}

test('a body of templates cannot be broken out of by what is in a field, and keeps types', async t => {
  const fake = await server(t)
  const body = { text: '%{host.name}: %{message}', n: '%{n}', all: { list: ['%{missing}', 1, true] }, at: '%{+yyyy}' }
  const r = rig(t, fake.url, { format: 'single', body })
  await r.offer('a', 1, n => ({ n, message: '", "admin": true, "x": "\n', host: { name: 'h' } }))
  await r.arrived('a')
  assert.deepEqual(fake.taken, [
    { text: 'h: ", "admin": true, "x": "\n', n: 0, all: { list: [null, 1, true] }, at: '2026' }
  ])
})

for (const status of [301, 401, 403, 404, 405, 408, 415, 429, 500, 503]) {
  test(`${status} holds all records and is told, and nothing is buried`, async t => {
    const fake = await server(t)
    const r = rig(t, fake.url)
    await r.offer('a', 5)
    await r.arrived('a')
    fake.next(web.refuse(status), web.refuse(status))
    await r.offer('b', 20)
    await t.waitFor(() =>
      assert.match(r.delivery.status().lastError ?? '', new RegExp(`answered ${status}.*by the test`))
    )
    await r.arrived('a', 'b')
    assert.deepEqual(taken(fake), [...keys('a', 5), ...keys('b', 20)])
    assert.deepEqual(await r.letters(), [])
  })
}

test('a server that says it wants https holds all records, with what to write', async t => {
  const fake = await server(t)
  const r = rig(t, fake.url)
  fake.next(web.refuse(400, 'Client sent an HTTP request to an HTTPS server.'))
  await r.offer('a', 5)
  await r.arrived('a')
  assert.match(r.delivery.status().lastError!, /answered 400: Client sent .*; write https:\/\/$/)
  assert.equal(fake.requests.length, 2)
})

test('Retry-After is heeded', async t => {
  const fake = await server(t)
  const r = rig(t, fake.url)
  fake.next(web.refuse(429, 'slow down', { 'retry-after': '1' }))
  const started = performance.now()
  await r.offer('a', 5)
  await r.arrived('a')
  assert.ok(performance.now() - started >= 1000)
})

test('one record that is refused becomes a dead letter with the words of the server, those beside it arrive', async t => {
  const fake = await server(t)
  const r = rig(t, fake.url)
  fake.otherwise(x => (x.records.some(d => d['n'] === 13) ? web.refuse(422, 'n must not be 13\n') : web.take())(x))
  await r.offer('a', 50)
  await r.arrived('a')
  assert.deepEqual(
    (await r.letters()).map(l => [l.id, l.status, l.reason]),
    [['a-13', 422, 'n must not be 13']]
  )
  assert.deepEqual(
    taken(fake),
    keys('a', 50).filter(k => k !== 'a-13')
  )
  assert.ok(fake.requests.length < 16, `${fake.requests.length} requests`)
})

test('a server that takes nothing at all is doubted: the records wait, are told of, and arrive once it is right', async t => {
  const fake = await server(t)
  const r = rig(t, fake.url, { backoff: { init: '40ms', max: '1s' } })
  fake.otherwise(web.refuse(400, 'no such format'))
  await r.offer('a', 200)
  await t.waitFor(() =>
    assert.match(r.delivery.status().lastError ?? '', /url and format are in doubt: 400 no such format/)
  )
  assert.deepEqual(await r.letters(), [])
  fake.otherwise(web.take())
  await r.arrived('a')
  assert.deepEqual(taken(fake), keys('a', 200))
})

test('a server that refuses everything keeps the output yellow while records are given up, and is asked for one at a time', async t => {
  const fake = await server(t)
  const r = rig(t, fake.url, { backoff: { init: '10ms', max: '20ms' } })
  await t.waitFor(() => assert.equal(r.delivery.status().message, 'Ready'))
  fake.otherwise(web.refuse(400, 'no such format'))
  await r.offer('a', 20)
  await t.waitFor(() => assert.equal(r.delivery.status().state, 'yellow'))
  const states = new Set<string>()
  await t.waitFor(
    async () => {
      const { state, message, lastError } = r.delivery.status()
      states.add(`${state} ${message}`)
      assert.match(lastError!, /in doubt: 400 no such format/)
      assert.ok((await r.letters()).length >= 8)
    },
    { timeout: 10_000, interval: 2 }
  )
  assert.deepEqual([...states], ['yellow Refused'])
  // Eight records, five tries each, and the first three tried with those beside them.
  assert.ok(fake.requests.length <= 8 * 5 + 3 * 5 + 5, `${fake.requests.length} requests`)
  fake.otherwise(web.take())
  await r.arrived('a')
  assert.equal(r.delivery.status().message, 'Ready')
  assert.equal(taken(fake).length + (await r.letters()).length, 20)
})

test('a refused record that is alone is given up after five tries, so that it does not hold up all others', async t => {
  const fake = await server(t)
  const r = rig(t, fake.url)
  fake.otherwise(x => (x.records.some(d => d['k'] === 'a-0') ? web.refuse(400, 'bad') : web.take())(x))
  await r.offer('a', 1)
  await r.arrived('a')
  assert.equal(fake.requests.length, 5)
  await r.offer('b', 3)
  await r.arrived('a', 'b')
  assert.deepEqual(
    (await r.letters()).map(l => l.id),
    ['a-0']
  )
})

test('a server that begins to refuse everything buries a hundred at most, then holds the rest', async t => {
  const fake = await server(t)
  const r = rig(t, fake.url, { batch: { timeout: '0s', max_events: 30 }, backoff: { init: '1s', max: '1m' } })
  await r.offer('a', 5)
  await r.arrived('a')
  fake.otherwise(web.refuse(400, 'broken by an update'))
  void r.offer('b', 300)
  await t.waitFor(() => assert.match(r.delivery.status().lastError ?? '', /in doubt/), { timeout: 5000 })
  assert.ok((await r.letters()).length < 100)
})

test('too large a request is sent in halves and the limit remembered; a record too large alone is a dead letter', async t => {
  const fake = await server(t)
  const r = rig(t, fake.url)
  fake.otherwise(web.limit(40_000))
  await r.offer('a', 64, n => ({ k: `a-${n}`, text: 'x'.repeat(n === 7 ? 50_000 : 2000) }))
  await r.arrived('a')
  assert.deepEqual(
    (await r.letters()).map(l => [l.id, l.status]),
    [['a-7', 413]]
  )
  assert.deepEqual(
    taken(fake),
    keys('a', 64).filter(k => k !== 'a-7')
  )
  const before = fake.requests.length
  await r.offer('b', 64, n => ({ k: `b-${n}`, text: 'x'.repeat(2000) }))
  await r.arrived('a', 'b')
  assert.ok(fake.requests.slice(before).every(x => x.wireBytes <= 40_000))
})

test('success and retry statuses are what the options say', async t => {
  const fake = await server(t)
  const r = rig(t, fake.url, { success_statuses: [202], retry_statuses: ['4xx'] })
  fake.next(web.refuse(200), web.refuse(422), web.take(202))
  await r.offer('a', 5)
  await r.arrived('a')
  assert.equal(fake.requests.length, 3)
  assert.deepEqual(taken(fake), keys('a', 5))
})

test('the same records have the same idempotency key when they are sent again, others another, and pipes none', async t => {
  const fake = await server(t)
  const r = rig(t, fake.url)
  fake.next(web.takeAndReset(), web.refuse(503))
  await r.offer('a', 5)
  await r.arrived('a')
  await r.offer('b', 5)
  await r.arrived('a', 'b')
  await r.offer('', 5)
  await r.arrived('a', 'b', '')
  const sent = fake.requests.map(x => x.request.headers['idempotency-key'])
  assert.deepEqual(
    sent.slice(0, -2).filter(k => k !== sent[0]),
    []
  )
  assert.match(String(sent[0]), /^[\w-]{32}$/)
  assert.notEqual(sent.at(-2), sent[0])
  assert.equal(sent.at(-1), undefined)
})

test('credentials of each kind are sent, and never shown', async t => {
  const cases: Array<[options: object, user: string, authorization: string]> = [
    [{ username: 'u', password: 'geheim' }, '', `Basic ${Buffer.from('u:geheim').toString('base64')}`],
    [{ token: 'geheim' }, '', 'Bearer geheim'],
    [{}, 'u:ge%40heim@', `Basic ${Buffer.from('u:ge@heim').toString('base64')}`]
  ]
  for (const [options, user, authorization] of cases) {
    const fake = await server(t)
    const r = rig(t, `${fake.url.replace('//', `//${user}`)}?key=geheim`, options)
    fake.next(web.refuse(401))
    await r.offer('a', 3)
    await r.arrived('a')
    assert.ok(fake.requests.every(x => x.request.headers.authorization === authorization))
    assert.equal(fake.requests[0]!.request.url, '/in?key=geheim')
    assert.match(r.delivery.status().lastError!, /^unauthorised: POST http:\/\/127\.0\.0\.1:\d+\/in answered 401/)
    assert.doesNotMatch(JSON.stringify(r.delivery.status()), /geheim|ge%40heim/)
  }
})

test('of several addresses a dead one gives way to the next', async t => {
  const fakes = [await server(t), await server(t)]
  const r = rig(
    t,
    fakes.map(f => f.url)
  )
  await fakes[0]!.down()
  for (let i = 0; i < 6; i++) {
    await r.offer(`a${i}`, 5)
    await t.waitFor(() => assert.equal(r.settled.length, i + 1))
  }
  assert.equal(fakes[1]!.taken.length, 30)
  assert.equal(r.delivery.status().state, 'green')
})

test('a server is known before the first record, though nothing is sent to it; one that refuses is told with its errno', async t => {
  const fake = await server(t)
  const r = rig(t, fake.url)
  await t.waitFor(() => assert.equal(r.delivery.status().message, 'Ready'))
  assert.equal(fake.requests.length, 0)
  await fake.down()
  const refused = rig(t, fake.url)
  const { host } = new URL(fake.url)
  const up = (): number | undefined => refused.gauges.get(`yarder_output_host_up web ${host}`)
  await t.waitFor(() => assert.equal(up(), 0))
  assert.match(refused.delivery.status().lastError!, new RegExp(`^connecting to http://${host}/in: .*ECONNREFUSED`))
  await fake.up()
  await t.waitFor(() => assert.deepEqual([refused.delivery.status().message, up()], ['Ready', 1]))
})

test('TLS with an authority and a client certificate from files', async t => {
  const ca = makeCa(t)
  const own = ca.issue('127.0.0.1', 'server')
  const client = ca.issue('agent.example', 'client')
  const read = (path: string): string => readFileSync(path, 'utf8')
  const tls = { key: read(own.keyFile), cert: read(own.certFile), ca: read(ca.caFile), requestCert: true }
  const fake = await server(t, tls)
  const files = { ca_file: ca.caFile, cert_file: client.certFile, key_file: client.keyFile }
  const r = rig(t, fake.url, { tls: files })
  await r.offer('a', 3)
  await r.arrived('a')
  const untrusting = rig(t, fake.url)
  await untrusting.offer('a', 3)
  await t.waitFor(() => assert.match(untrusting.delivery.status().lastError ?? '', /certificate/))
  assert.deepEqual(untrusting.settled, [])
})

test('options that contradict each other are named', () => {
  const faults = (o: object): string[] => {
    const values = readFields(http.fields, { url: 'http://x/', ...o }, (path, message) => assert.fail(path + message))!
    return [...http.lint!(values)].map(([option]) => option)
  }
  assert.deepEqual(faults({}), [])
  assert.deepEqual(faults({ username: 'u' }), ['username'])
  assert.deepEqual(faults({ token: 't', headers: { Authorization: 'x' } }), ['url'])
  assert.deepEqual(faults({ headers: { 'a b': 'x' } }), ['headers'])
  assert.deepEqual(faults({ headers: { 'Content-Length': '1' } }), ['headers'])
  assert.deepEqual(faults({ idempotency_header: 'a:b' }), ['idempotency_header'])
  assert.deepEqual(faults({ body: { text: '%{a' } }), ['body'])
  assert.deepEqual(faults({ url: ['http://x/', 'http://x/'] }), ['url'])
})
