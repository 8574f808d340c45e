import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { FakeDatagrams, startFakeSyslog } from '../../test/lib/fake-syslog.ts'
import { makeRecords } from '../../test/lib/records.ts'
import { context as plainContext } from '../../test/lib/step.ts'
import { makeCa } from '../../test/lib/test-ca.ts'
import { readFields } from '../core/field.ts'
import { silentLog } from '../core/log.ts'
import { Delivery, deliveryOptions } from './delivery.ts'
import { syslog } from './syslog.ts'

function rig(t: TestContext, hosts: string[], options: object = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'yarder-'))
  const lines: Array<{ message: string; data: Record<string, unknown> }> = []
  const say = (data: object, message: string): void =>
    void lines.push({ message, data: data as Record<string, unknown> })
  const given = { hosts, backoff: { init: '10ms', max: '40ms' }, batch: { timeout: '0s' }, confirm: '20ms', ...options }
  const values = readFields(syslog.fields, given, (path, message) => assert.fail(`${path} ${message}`))!
  const context = plainContext({
    name: 'syslog',
    dataDir,
    configDir: dataDir,
    log: { ...silentLog, warn: say, info: say }
  })
  const output = syslog.build(values, context)
  const delivery = new Delivery({ type: 'syslog', output, options: deliveryOptions(values), context })
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
    offer: (name: string, count: number) =>
      delivery.offer(
        makeRecords({
          docs: Array.from({ length: count }, (_, n) => ({ message: `${name}-${n}` })),
          sourceId: name,
          settle: () => settled.push(name)
        })
      )
  }
}

const texts = (taken: readonly string[]): string[] => taken.map(m => m.slice(m.lastIndexOf(' ') + 1))
const wanted = (name: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${name}-${n}`)

async function receiver(t: TestContext, options: Parameters<typeof startFakeSyslog>[0] = {}) {
  const fake = await startFakeSyslog(options)
  t.after(() => fake.down())
  return fake
}

test('nothing is settled before the receiver has read it and ended its side', async t => {
  const fake = await receiver(t)
  fake.staysOpen = true
  const r = rig(t, [fake.address], { timeout: '200ms' })
  await r.offer('a', 10)
  await t.waitFor(() => assert.ok(fake.taken.length >= 10))
  await t.waitFor(() =>
    assert.match(
      r.delivery.status().lastError ?? '',
      /did not close its side within 200 ms after ours; if it never does, set confirm to 0/
    )
  )
  assert.deepEqual(texts(fake.taken.slice(0, 10)), wanted('a', 10))
  assert.deepEqual(r.settled, [])
  fake.staysOpen = false
  await t.waitFor(() => assert.deepEqual(r.settled, ['a']))
})

test('a receiver that turns the agent away right after the connection has taken nothing', async t => {
  const fake = await receiver(t)
  let away = 3
  fake.fault = () => (away-- > 0 ? { after: 0, how: 'close' } : undefined)
  const r = rig(t, [fake.address])
  await r.offer('a', 10)
  await t.waitFor(() => assert.deepEqual(r.settled, ['a']))
  assert.deepEqual(texts(fake.taken), wanted('a', 10))
})

test('with confirm 0 one connection is kept, and a receiver that never ends its side is served', async t => {
  const fake = await receiver(t)
  fake.staysOpen = true
  const r = rig(t, [fake.address], { confirm: 0 })
  for (const name of ['a', 'b', 'c']) {
    await r.offer(name, 5)
    await t.waitFor(() => assert.equal(r.settled.at(-1), name))
  }
  await t.waitFor(() => assert.equal(fake.taken.length, 15))
  assert.ok(fake.connections.total <= 2, 'the probe, and one for all')
  await r.delivery.close()
})

test('a connection that was closed while it was idle is made anew without a word', async t => {
  const fake = await receiver(t)
  const r = rig(t, [fake.address], { confirm: 0 })
  await r.offer('a', 5)
  await t.waitFor(() => assert.deepEqual(r.settled, ['a']))
  await t.waitFor(() => assert.equal(fake.taken.length, 5))
  await fake.down()
  await fake.up()
  await t.waitFor(() => assert.equal(fake.connections.open, 0))
  await r.offer('b', 5)
  await t.waitFor(() => assert.deepEqual(r.settled, ['a', 'b']))
  await t.waitFor(() => assert.equal(fake.taken.length, 10))
})

test('messages with a line feed behind them are whole', async t => {
  const fake = await receiver(t, { framing: 'newline' })
  const r = rig(t, [fake.address], { framing: 'newline', content: 'json' })
  await r.offer('a', 100)
  await t.waitFor(() => assert.deepEqual(r.settled, ['a']))
  assert.equal(fake.taken.length, 100)
  assert.deepEqual(fake.violations, [])
})

test('when a host is down the next takes over, and the dead one is left out', async t => {
  const fakes = [await receiver(t), await receiver(t)]
  const r = rig(
    t,
    fakes.map(f => f.address)
  )
  await fakes[0]!.down()
  for (let i = 0; i < 8; i++) {
    await r.offer(`a${i}`, 5)
    await t.waitFor(() => assert.equal(r.settled.length, i + 1))
  }
  assert.equal(fakes[1]!.taken.length, 40)
  assert.equal(r.delivery.status().state, 'green')
  assert.equal(r.delivery.status().target, fakes[1]!.address)
})

test('a stop ends what waits for its answer at once, and loses nothing', async t => {
  const fake = await receiver(t)
  const r = rig(t, [fake.address], { confirm: '1m' })
  for (const name of ['a', 'b', 'c']) await r.offer(name, 100)
  const started = performance.now()
  assert.equal(await r.delivery.drain(10_000), true)
  assert.ok(performance.now() - started < 5000)
  assert.deepEqual(texts(fake.taken).sort(), ['a', 'b', 'c'].flatMap(name => wanted(name, 100)).sort())
})

test('TLS with an authority and a client certificate from files; without them nothing is settled', async t => {
  const ca = makeCa(t)
  const server = ca.issue('127.0.0.1', 'server')
  const client = ca.issue('agent.example', 'client')
  const read = (path: string): string => readFileSync(path, 'utf8')
  const fake = await receiver(t, {
    tls: {
      key: read(server.keyFile),
      cert: read(server.certFile),
      ca: read(ca.caFile),
      requestCert: true,
      rejectUnauthorized: true
    }
  })
  const files = { ca_file: ca.caFile, cert_file: client.certFile, key_file: client.keyFile }
  const r = rig(t, [fake.address], { tls: files })
  await r.offer('a', 50)
  await t.waitFor(() => assert.deepEqual(r.settled, ['a']), { timeout: 5000 })
  assert.deepEqual(texts(fake.taken), wanted('a', 50))
  const nameless = rig(t, [fake.address], { tls: { ca_file: ca.caFile } })
  await nameless.offer('b', 3)
  await t.waitFor(() => assert.equal(nameless.delivery.status().message, 'Certificate refused'), { timeout: 5000 })
  const untrusting = rig(t, [fake.address], { tls: {} })
  await untrusting.offer('c', 3)
  await t.waitFor(() => assert.match(untrusting.delivery.status().lastError ?? '', /certificate/), { timeout: 5000 })
  assert.deepEqual([...nameless.settled, ...untrusting.settled], [])
})

test('UDP: a datagram a message; that nobody listens is noticed, and the batch comes again', async t => {
  const fake = new FakeDatagrams()
  await fake.up()
  t.after(() => fake.down())
  const r = rig(t, [fake.address], { protocol: 'udp' })
  await r.offer('a', 200)
  await t.waitFor(() => assert.deepEqual(r.settled, ['a']))
  await t.waitFor(() => assert.deepEqual(texts(fake.taken), wanted('a', 200)))
  await fake.down()
  await r.offer('b', 1)
  await t.waitFor(() => assert.match(r.delivery.status().lastError ?? '', /ECONNREFUSED/))
  assert.deepEqual(r.settled, ['a'])
  await fake.up()
  await t.waitFor(() => assert.deepEqual(r.settled, ['a', 'b']))
  await t.waitFor(() => assert.equal(texts(fake.taken).at(-1), 'b-0'))
})

test('that messages were cut is told once, with how many', async t => {
  const fake = await receiver(t)
  const r = rig(t, [fake.address], { max_bytes: 480, template: `%{message} ${'x'.repeat(500)}` })
  await r.offer('a', 20)
  await t.waitFor(() => assert.deepEqual(r.settled, ['a']))
  const told = r.lines.filter(l => l.message === 'Messages were longer than max_bytes, and cut.')
  assert.deepEqual(
    told.map(l => l.data['messages']),
    [20]
  )
  assert.ok(fake.taken.every(m => Buffer.byteLength(m) === 480))
})

test('options that contradict each other, or mean nothing, are named', () => {
  const faults = (o: object): string[] => {
    const values = readFields(syslog.fields, { hosts: 'logs', ...o }, (path, message) => assert.fail(path + message))!
    return [...syslog.lint!(values)].map(([option]) => option)
  }
  assert.deepEqual(faults({}), [])
  assert.deepEqual(faults({ protocol: 'udp', tls: {} }), ['tls'])
  assert.deepEqual(faults({ protocol: 'udp', max_bytes: '100KiB' }), ['max_bytes'])
  assert.deepEqual(faults({ format: 'rfc3164', msg_id: 'x' }), ['msg_id'])
  assert.deepEqual(faults({ facility: 'locl0' }), ['facility'])
  assert.deepEqual(faults({ severity: 'loud' }), ['severity'])
  assert.deepEqual(faults({ hosts: ['logs', 'logs:514'] }), ['hosts'])
  assert.deepEqual(faults({ structured_data: { id: 'x@1', params: { 'a b': '%{a}' } } }), ['structured_data'])
  const problems: string[] = []
  readFields(syslog.fields, { hosts: ['a:b:c', 'logs:0'] }, (path, message) => problems.push(`${path} ${message}`))
  assert.equal(problems.length, 2)
})
