import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import * as fakes from '../../test/lib/fake-logstash.ts'
import type { FakeLogstash } from '../../test/lib/fake-logstash.ts'
import { makeRecords } from '../../test/lib/records.ts'
import type { RecordsOptions } from '../../test/lib/records.ts'
import { context as plainContext, faults } from '../../test/lib/step.ts'
import { makeCa } from '../../test/lib/test-ca.ts'
import { readFields } from '../core/field.ts'
import type { Instruments } from '../core/instruments.ts'
import { silentInstruments } from '../core/instruments.ts'
import { silentLog } from '../core/log.ts'
import type { Log } from '../core/log.ts'
import { readDeadLetters } from './dead-letter.ts'
import type { DeadLetter } from './dead-letter.ts'
import { Delivery, deliveryOptions } from './delivery.ts'
import { logstash } from './logstash.ts'

interface Rig {
  delivery: Delivery
  settled: string[]
  lines: Array<{ level: string; message: string; data: Record<string, unknown> }>
  gauges: Map<string, number>
  offer(name: string, count: number, more?: Partial<RecordsOptions>): Promise<void>
  arrived(...names: string[]): Promise<void>
  letters(): Promise<DeadLetter[]>
  said(message: string): number
}

const FAST = { backoff: { init: '10ms', max: '40ms' }, batch: { timeout: '0s' } }

async function server(t: TestContext, options: fakes.FakeOptions = {}): Promise<FakeLogstash> {
  const fake = await fakes.startFakeLogstash(options)
  t.after(async () => {
    await fake.down()
    assert.deepEqual(fake.violations, [])
  })
  return fake
}

function rig(t: TestContext, options: object): Rig {
  const dataDir = mkdtempSync(join(tmpdir(), 'yarder-'))
  const lines: Rig['lines'] = []
  const say =
    (level: string) =>
    (data: object, message: string): void =>
      void lines.push({ level, message, data: data as Record<string, unknown> })
  const log: Log = { ...silentLog, error: say('error'), warn: say('warn'), info: say('info') }
  const gauges = new Map<string, number>()
  const instruments: Instruments = {
    ...silentInstruments,
    gauge: name => ({
      set: (value, ...labels) => void gauges.set(`${name} ${labels.join(' ')}`, value),
      remove: (...labels) => void gauges.delete(`${name} ${labels.join(' ')}`)
    })
  }
  const context = plainContext({ name: 'ls', log, instruments, dataDir, configDir: dataDir })
  const values = readFields(logstash.fields, { ...FAST, ...options }, (path, message) =>
    assert.fail(`${path} ${message}`)
  )!
  assert.deepEqual([...logstash.lint!(values)], [])
  const output = logstash.build(values, context)
  const delivery = new Delivery({ type: 'logstash', output, options: deliveryOptions(values), context })
  t.after(async () => {
    await delivery.close()
    rmSync(dataDir, { recursive: true, force: true })
  })
  delivery.start()
  const settled: string[] = []
  return {
    delivery,
    settled,
    lines,
    gauges,
    offer: (name, count, more = {}) =>
      delivery.offer(
        makeRecords({
          docs: Array.from({ length: count }, (_, n) => ({ n, message: `line ${n}` })),
          offsets: Array.from({ length: count }, (_, n) => n),
          sourceId: name,
          settle: () => settled.push(name),
          ...more
        })
      ),
    arrived: (...names) =>
      t.waitFor(() => assert.deepEqual([...settled].sort(), [...names].sort()), { timeout: 10_000, interval: 5 }),
    letters: () => Array.fromAsync(readDeadLetters(dataDir, 'ls')),
    said: message => lines.filter(l => l.message === message).length
  }
}

async function single(t: TestContext, options: object = {}): Promise<Rig & { fake: FakeLogstash }> {
  const fake = await server(t)
  return { fake, ...rig(t, { hosts: [fake.address], ...options }) }
}

const ids = (name: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${name}-${n}`)
const idOf = (event: Record<string, unknown>): string => (event['@metadata'] as { _id: string })._id
const taken = (...fake: FakeLogstash[]): string[] => fake.flatMap(f => f.taken.map(idOf)).sort()
const distinct = (...fake: FakeLogstash[]): string[] => [...new Set(taken(...fake))].sort()
const sorted = (list: string[]): string[] => [...list].sort()
const sizes = (fake: FakeLogstash): number[] => fake.windows.map(w => w.count)
const until = (t: TestContext, fact: () => void): Promise<void> => t.waitFor(fact, { timeout: 10_000, interval: 5 })

test('records come as Beats send them: packed, in windows of 2048, with @metadata', async t => {
  const r = await single(t)
  await r.offer('a', 5000)
  await r.arrived('a')
  assert.deepEqual(sizes(r.fake), [2048, 2048, 904])
  assert.ok(r.fake.windows.every(w => w.window.packed))
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  assert.deepEqual(r.fake.taken[4999], {
    '@metadata': { beat: 'yarder', type: '_doc', version, _id: 'a-4999' },
    n: 4999,
    message: 'line 4999'
  })
  assert.deepEqual(taken(r.fake), sorted(ids('a', 5000)))
  assert.equal(r.fake.connections.total, 1)
})

test('options change what is sent', async t => {
  const r = await single(t, {
    compression_level: 0,
    index: 'web',
    batch: { max_events: 7, timeout: '0s' },
    in_flight: 1
  })
  await r.offer('a', 20)
  await r.arrived('a')
  assert.deepEqual(sizes(r.fake), [7, 7, 6])
  assert.ok(r.fake.windows.every(w => !w.window.packed))
  assert.equal((r.fake.taken[0]!['@metadata'] as { beat: string }).beat, 'web')
})

test('what can only be wrong is said before the start', () => {
  const said = (options: object): string[] => faults(logstash as never, { hosts: ['x'], ...options })
  assert.deepEqual(said({}), [])
  assert.deepEqual(said({ hosts: 'logs.example:5045' }), [])
  assert.deepEqual(said({ hosts: ['a', 'a:5044'] }), [
    'hosts: a:5044 is there twice; one connection to each host is enough'
  ])
  assert.deepEqual(said({ hosts: ['a:0'] }), ['hosts: a:0 is no address to send to'])
  assert.match(said({ hosts: ['http://a:5044'] })[0]!, /must be an address such as/)
  assert.match(said({ batch: { max_events: 10_001 } })[0]!, /at most 10000/)
  assert.match(said({ compression_level: 10 })[0]!, /at most 9/)
  assert.deepEqual(said({ pipelining: 4 }), ['pipelining: 4 windows never come together; raise in_flight (2) as well'])
  assert.match(said({ tls: { cert_file: 'x' } })[0]!, /go together/)
  const values = readFields(logstash.fields, { hosts: ['a', '[::1]:6'] }, () => assert.fail())!
  assert.equal(logstash.build(values, plainContext()).target, 'a:5044, [::1]:6')
})

test('down at the start: host and errno are told, and every record arrives once it is up', async t => {
  const r = await single(t)
  await r.fake.down()
  await r.offer('a', 50)
  await until(t, () => assert.ok(r.said('Request error, retrying.') > 0))
  const line = r.lines.find(l => l.message === 'Request error, retrying.')!
  assert.equal(line.data['errno'], 'ECONNREFUSED')
  assert.match(String(line.data['error']), new RegExp(`^connecting to 127.0.0.1:${r.fake.port}: connect ECONNREFUSED`))
  await r.fake.up()
  await r.arrived('a')
  assert.deepEqual(taken(r.fake), sorted(ids('a', 50)))
  assert.equal(r.delivery.status().state, 'green')
})

test('green before the first record, by a connection alone', async t => {
  const r = await single(t)
  await until(t, () => assert.equal(r.delivery.status().state, 'green'))
  assert.deepEqual([r.fake.windows.length, r.fake.connections.total], [0, 1])
  await r.offer('a', 1)
  await r.arrived('a')
  assert.equal(r.fake.connections.total, 1)
})

test('what was acknowledged of a broken window is not sent again', async t => {
  const r = await single(t)
  r.fake.next(fakes.partly(30, 'reset'), fakes.partly(5, 'fin'))
  await r.offer('a', 100)
  await r.arrived('a')
  assert.deepEqual(sizes(r.fake), [100, 70, 65])
  assert.deepEqual(taken(r.fake), sorted(ids('a', 100)))
})

test('killed in the middle of windows, again and again: nothing is lost, nothing settled early', async t => {
  const r = await single(t, { batch: { max_events: 50, timeout: '0s' }, in_flight: 3 })
  r.fake.next(
    fakes.ack(),
    fakes.takeAndReset(20),
    fakes.fin(),
    fakes.ack(),
    fakes.partly(10, 'reset'),
    fakes.takeAndReset(),
    fakes.keepAlives(3)
  )
  r.fake.cuts.push(Infinity, 700, Infinity, 3)
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await r.offer(name, 60)
  await r.arrived('a', 'b', 'c', 'd', 'e', 'f')
  assert.equal(r.fake.pending, 0)
  assert.deepEqual(distinct(r.fake), sorted(['a', 'b', 'c', 'd', 'e', 'f'].flatMap(name => ids(name, 60))))
  assert.deepEqual(await r.letters(), [])
})

test('a connection that Logstash closed while it was idle is replaced at once, without a word', async t => {
  const r = await single(t, { backoff: { init: '1h', max: '1h' } })
  await r.offer('a', 1)
  await r.arrived('a')
  r.fake.resetAll()
  await until(t, () => assert.equal(r.fake.connections.open, 0))
  await r.offer('b', 1)
  await r.arrived('a', 'b')
  // The close may also be seen only when the next window is on its way.
  r.fake.next(fakes.reset())
  await r.offer('c', 1)
  await r.arrived('a', 'b', 'c')
  assert.equal(r.fake.connections.total, 3)
  assert.deepEqual(
    r.lines.filter(l => l.level !== 'info').map(l => l.message),
    []
  )
})

test('silence is a failure after the timeout, and the window is sent again', async t => {
  const r = await single(t, { timeout: '100ms' })
  r.fake.next(fakes.silence())
  await r.offer('a', 3)
  await r.arrived('a')
  assert.deepEqual(sizes(r.fake), [3, 3])
  const line = r.lines.find(l => l.message === 'Request error, retrying.')!
  assert.match(String(line.data['error']), /^sending to 127.0.0.1:\d+: no answer for 100 ms$/)
})

test('something else than Lumberjack at the port is quoted', async t => {
  const r = await single(t)
  r.fake.next(fakes.answer('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await r.offer('a', 1)
  await r.arrived('a')
  const line = r.lines.find(l => l.message === 'Request error, retrying.')!
  assert.match(String(line.data['error']), /no Lumberjack answer but "HTTP\/1.1 400 Bad Reques/)
})

test('the one record that Logstash breaks off at becomes a dead letter, all others arrive once', async t => {
  const r = await single(t, { batch: { max_events: 200, timeout: '0s' }, in_flight: 1 })
  r.fake.poison = event => event['n'] === 77
  await r.offer('a', 500)
  await r.arrived('a')
  assert.deepEqual(taken(r.fake), sorted(ids('a', 500).filter(id => id !== 'a-77')))
  const letters = await r.letters()
  assert.equal(letters.length, 1)
  assert.equal(letters[0]!.id, 'a-77')
  assert.match(letters[0]!.reason, /broken off 3 times at this record alone, while others were taken: sending to/)
})

test('a server that breaks off at everything is at fault itself: no record is refused, all arrive when it is well', async t => {
  const r = await single(t)
  r.fake.poison = () => true
  await r.offer('a', 40)
  const wrong = /breaks off at every record; is it a Beats input/
  await until(t, () => assert.match(String(r.delivery.status().lastError), wrong))
  r.fake.poison = () => false
  await r.arrived('a')
  assert.deepEqual(await r.letters(), [])
  assert.deepEqual(taken(r.fake), sorted(ids('a', 40)))
})

test('a document larger than Logstash reads is refused here, the rest goes around it', async t => {
  const r = await single(t, { batch: { max_bytes: '64MiB', timeout: '0s' }, compression_level: 1 })
  const docs = [{ n: 0 }, { n: 1 }, { n: 2, text: 'x'.repeat(20_000_000) }, { n: 3 }]
  await r.offer('a', 0, { docs, offsets: [0, 1, 2, 3] })
  await r.arrived('a')
  assert.deepEqual(taken(r.fake), ['a-0', 'a-1', 'a-3'])
  const [letter] = await r.letters()
  assert.match(letter!.reason, /larger than Logstash reads: 200000\d\d bytes/)
})

test('windows go out before the first is acknowledged, up to pipelining', async t => {
  for (const [pipelining, expected] of [
    [undefined, 3],
    [2, 2],
    [1, 1]
  ] as const) {
    const r = await single(t, {
      in_flight: 3,
      batch: { max_events: 10, timeout: '0s' },
      ...(pipelining === undefined ? {} : { pipelining })
    })
    await r.offer('a', 1)
    await r.arrived('a')
    r.fake.otherwise(fakes.silence())
    const offered = r.offer('b', 60)
    await until(t, () => assert.equal(r.fake.windows.length, 1 + expected))
    r.fake.otherwise(fakes.ack())
    // More than fit would be on the wire by the time a later connection is.
    await server(t)
    assert.equal(r.fake.windows.length, 1 + expected)
    r.fake.windows[1]!.ack()
    await offered
    await r.arrived('a', 'b')
    assert.equal(r.fake.connections.total, 1)
  }
})

test('slow_start begins with windows of 10 and comes to whole batches', async t => {
  const r = await single(t, { slow_start: true, batch: { max_events: 60, timeout: '0s' }, in_flight: 1 })
  await r.offer('a', 180)
  await r.arrived('a')
  assert.deepEqual(sizes(r.fake), [10, 15, 23, 12, 35, 25, 53, 7])
  r.fake.next(fakes.reset(), fakes.reset())
  await r.offer('b', 60)
  await r.arrived('a', 'b')
  assert.deepEqual(sizes(r.fake).slice(8, 11), [60, 60, 30])
})

test('with ttl connections are made anew, the old ones ended in good order', async t => {
  const r = await single(t, { ttl: '20ms' })
  for (let i = 0; r.fake.connections.total < 4; i++) {
    await r.offer(`a${i}`, 3)
    await until(t, () => assert.equal(r.settled.length, i + 1))
  }
  await until(t, () => assert.equal(r.fake.connections.open, 1))
  assert.equal(r.fake.goodbyes, r.fake.connections.total - 1)
  assert.equal(r.said('Request error, retrying.'), 0)
})

test('a stop waits for what is under way, then says goodbye', async t => {
  const r = await single(t)
  r.fake.next(fakes.silence())
  await r.offer('a', 5)
  await until(t, () => assert.equal(r.fake.windows.length, 1))
  const drained = r.delivery.drain(10_000)
  await server(t)
  assert.deepEqual([r.settled, r.fake.goodbyes], [[], 0])
  r.fake.windows[0]!.ack()
  assert.equal(await drained, true)
  await until(t, () => assert.equal(r.fake.goodbyes, 1))
  assert.deepEqual(
    [...r.gauges.keys()].filter(k => /host_up|connections/.test(k)),
    []
  )
})

test('a stop at once breaks off, and settles nothing', async t => {
  const r = await single(t)
  r.fake.otherwise(fakes.silence())
  await r.offer('a', 5)
  await until(t, () => assert.equal(r.fake.windows.length, 1))
  await r.delivery.close()
  await until(t, () => assert.equal(r.fake.connections.open, 0))
  assert.deepEqual(r.settled, [])
})

test('of several hosts one is used; the next takes over within the same send, and the first comes back', async t => {
  const [a, b] = [await server(t), await server(t)]
  const r = rig(t, { hosts: [a.address, b.address], backoff: { init: '1h', max: '1h' } })
  await r.offer('x', 10)
  await r.arrived('x')
  const [used, other] = a.windows.length > 0 ? [a, b] : [b, a]
  assert.equal(other.windows.length, 0)
  await used.down()
  await r.offer('y', 10)
  await r.arrived('x', 'y')
  assert.deepEqual(taken(other), sorted(ids('y', 10)))
  assert.equal(r.said('Request error, retrying.'), 0)
  await used.up()
  other.resetAll()
  await other.down()
  await r.offer('z', 10)
  await r.arrived('x', 'y', 'z')
  assert.deepEqual(distinct(a, b), sorted([...ids('x', 10), ...ids('y', 10), ...ids('z', 10)]))
})

test('with loadbalance all hosts are used; one that fails three times in a row is out, and its share goes to the others', async t => {
  const [a, b] = [await server(t), await server(t)]
  const r = rig(t, {
    hosts: [a.address, b.address],
    loadbalance: true,
    batch: { max_events: 10, timeout: '0s' },
    in_flight: 4
  })
  await r.offer('x', 200)
  await r.arrived('x')
  assert.ok(a.windows.length > 3 && b.windows.length > 3, `${a.windows.length} and ${b.windows.length} windows`)
  assert.equal(r.gauges.get(`yarder_output_host_up ls ${a.address}`), 1)
  await a.down()
  const before = b.windows.length
  await r.offer('y', 200)
  await r.arrived('x', 'y')
  assert.equal(b.windows.length - before, 20)
  await until(t, () => assert.equal(r.said('Host is out of rotation.'), 1))
  assert.equal(r.gauges.get(`yarder_output_host_up ls ${a.address}`), 0)
  assert.deepEqual(distinct(a, b), sorted([...ids('x', 200), ...ids('y', 200)]))
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: each knows the other by certificate; a host without one is not let in, and keeps its records`, async t => {
    const ca = makeCa(t)
    const own = ca.issue('127.0.0.1', 'server')
    const client = ca.issue('agent.example', 'client')
    const read = (path: string): Buffer => readFileSync(path)
    const fake = await server(t, {
      tls: {
        key: read(own.keyFile),
        cert: read(own.certFile),
        ca: read(ca.caFile),
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: version,
        maxVersion: version
      }
    })
    const good = rig(t, {
      hosts: [fake.address],
      tls: { ca_file: ca.caFile, cert_file: client.certFile, key_file: client.keyFile }
    })
    await good.offer('a', 100)
    await good.arrived('a')
    assert.deepEqual(taken(fake), sorted(ids('a', 100)))
    const nobody = rig(t, { hosts: [fake.address], tls: { ca_file: ca.caFile } })
    await nobody.offer('b', 100)
    await until(t, () => assert.ok(nobody.said('Request error, retrying.') > 0))
    assert.deepEqual([nobody.settled, await nobody.letters()], [[], []])
    assert.notEqual(nobody.delivery.status().state, 'green')
  })
}

test('a server is verified: by authority, and by the name in its certificate', async t => {
  const ca = makeCa(t)
  const own = ca.issue('logs.example')
  const fake = await server(t, { tls: { key: readFileSync(own.keyFile), cert: readFileSync(own.certFile) } })
  const refused = async (tls: object, errno: RegExp): Promise<void> => {
    const r = rig(t, { hosts: [fake.address], tls })
    await r.offer('a', 1)
    await until(t, () => assert.match(String(r.delivery.status().lastError), errno))
    await r.delivery.close()
    assert.deepEqual(r.settled, [])
  }
  await refused({}, /connecting to 127.0.0.1:\d+: .*(self-signed|unable to)/)
  await refused({ ca_file: ca.caFile }, /does not match certificate's altnames/)
  const named = rig(t, { hosts: [fake.address], tls: { ca_file: ca.caFile, server_name: 'logs.example' } })
  await named.offer('a', 1)
  await named.arrived('a')
  const blind = rig(t, { hosts: [fake.address], tls: { insecure_skip_verify: true } })
  await blind.offer('b', 1)
  await blind.arrived('b')
})

test('in the clear to a TLS port: no record is refused', async t => {
  const ca = makeCa(t)
  const own = ca.issue('127.0.0.1')
  const fake = await server(t, { tls: { key: readFileSync(own.keyFile), cert: readFileSync(own.certFile) } })
  const r = rig(t, { hosts: [fake.address] })
  await r.offer('a', 20)
  await until(t, () => assert.ok((r.delivery.status().lastError ?? '') !== ''))
  await until(t, () => assert.ok(fake.windows.length === 0 && r.delivery.status().state !== 'green'))
  assert.deepEqual([r.settled, await r.letters()], [[], []])
})
