import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { inspect } from 'node:util'
import { manualClock } from '../../../test/lib/manual-clock.ts'
import type { ManualClock } from '../../../test/lib/manual-clock.ts'
import { context } from '../../../test/lib/step.ts'
import type { Context, Exporter } from '../../core/component.ts'
import { readFields } from '../../core/field.ts'
import type { Family, MetricReader } from '../../core/instruments.ts'
import type { LogData } from '../../core/log.ts'
import { silentLog } from '../../core/log.ts'
import { createStore } from '../store.ts'
import type { Store } from '../store.ts'
import { statsd } from './statsd.ts'

function build(options: Record<string, unknown>, over: Partial<Context> = {}): Exporter {
  const read = readFields(statsd.fields, { prefix: 'p', ...options }, (option, message) =>
    assert.fail(`${option}: ${message}`)
  )
  return statsd.build(read!, context({ name: 'statsd', ...over }))
}

/** Starts an exporter as the agent does. `stop` sends what is left. */
function start(t: TestContext, exporter: Exporter, reader: MetricReader): { stop: () => Promise<void> } {
  const abort = new AbortController()
  const ran = exporter.run(reader, abort.signal)
  const stop = async (): Promise<void> => {
    abort.abort()
    await ran
    await exporter.close()
  }
  t.after(stop)
  return { stop }
}

interface Server {
  readonly port: number
  readonly datagrams: string[]
  /** Resolves with all datagrams once there are so many. */
  heard(count: number): Promise<string[]>
}

async function listen(t: TestContext, port = 0): Promise<Server> {
  const socket: Socket = createSocket('udp4')
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  t.after(() => socket.close())
  const datagrams: string[] = []
  socket.on('message', message => datagrams.push(message.toString()))
  return {
    port: (socket.address() as AddressInfo).port,
    datagrams,
    async heard(count) {
      while (datagrams.length < count) await once(socket, 'message')
      return datagrams
    }
  }
}

/** A reader of these families, which may change between readings. */
const readerOf = (families: () => Family[]): MetricReader => ({ read: () => Promise.resolve(families()) })

const counter = (name: string, value: number): Family => ({
  name,
  help: 'Help.',
  type: 'counter',
  samples: [{ name, labels: {}, value }]
})

test("the book's datagram arrives letter by letter", async t => {
  const server = await listen(t)
  const clock = manualClock()
  let value = 0
  const reader = readerOf(() => [counter('web.api.aws.s3.write.Counter', value)])
  start(t, build({ port: server.port, prefix: 'app1', secret: 'secret' }, { clock }), reader)
  await turn()
  value = 1
  await clock.advance(10_000)
  assert.deepEqual(await server.heard(1), ['secret.app1.web.api.aws.s3.write.Counter:1|c'])
})

test('100,000 increments cost one datagram a flush, and their sum is that of the page', async t => {
  const server = await listen(t)
  const clock = manualClock()
  const store: Store = createStore()
  const requests = store.instruments.counter('requests_total', 'Requests.', ['status'])
  const running = start(t, build({ port: server.port }, { clock }), store)
  await turn()
  for (let i = 0; i < 100_000; i++) requests.add(1, i % 4 === 0 ? '500' : '200')
  await clock.advance(10_000)
  await server.heard(1)
  requests.add(7, '200')
  await running.stop()
  const sums: Record<string, number> = {}
  for (const line of (await server.heard(2)).join('\n').split('\n')) {
    const [, name, value] = /^(.*):(\d+)\|c$/.exec(line)!
    sums[name!] = (sums[name!] ?? 0) + Number(value)
  }
  assert.equal(server.datagrams.length, 2)
  assert.deepEqual(sums, { 'p.requests_total.200': 75_007, 'p.requests_total.500': 25_000 })
  const page = (await store.read()).find(({ name }) => name === 'requests_total')!
  assert.deepEqual(
    [...page.samples].map(({ labels, value }) => `${labels['status']} ${value}`),
    ['500 25000', '200 75007']
  )
})

test('what was counted before the start is not sent again', async t => {
  const server = await listen(t)
  const clock = manualClock()
  let value = 1000
  start(
    t,
    build({ port: server.port }, { clock }),
    readerOf(() => [counter('a_total', value)])
  )
  await clock.advance(10_000)
  value = 1002
  await clock.advance(10_000)
  assert.deepEqual(await server.heard(1), ['p.a_total:2|c'])
})

interface Heard {
  readonly lines: string[]
  readonly over: Partial<Context>
  readonly store: Store
  errors(): Promise<Record<string, number>>
}

/** A context whose log and counters the test looks at. */
function heard(clock: ManualClock): Heard {
  const lines: string[] = []
  const store = createStore()
  const say = (level: string) => (data: LogData, message: string) =>
    void lines.push(`${level} ${String(data['errno'] ?? '-')} ${message}`)
  return {
    lines,
    store,
    over: { clock, instruments: store.instruments, log: { ...silentLog, warn: say('warn'), info: say('info') } },
    async errors() {
      const families = await store.read()
      const samples = families.find(({ name }) => name === 'yarder_exporter_errors_total')?.samples ?? []
      return Object.fromEntries([...samples].map(({ labels, value }) => [labels['errno']!, value]))
    }
  }
}

test('a closed port is counted and told once, and its end too', async t => {
  const taken = await listen(t)
  const free = createSocket('udp4').bind(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address() as AddressInfo
  free.close()
  const clock = manualClock()
  const { lines, over, errors } = heard(clock)
  let value = 0
  start(
    t,
    build({ port }, over),
    readerOf(() => [counter('a_total', ++value)])
  )
  await t.waitFor(
    async () => {
      await clock.advance(10_000)
      assert.ok(((await errors())['ECONNREFUSED'] ?? 0) >= 3)
    },
    { timeout: 10_000, interval: 5 }
  )
  const told = ['warn ECONNREFUSED Metrics could not be sent; the next ones are tried as usual.']
  assert.deepEqual(lines, told)
  const server = await listen(t, port)
  await t.waitFor(
    async () => {
      await clock.advance(10_000)
      assert.equal(lines.length, 2)
    },
    { timeout: 10_000, interval: 5 }
  )
  assert.deepEqual(lines, [...told, 'info - Metrics are sent again.'])
  assert.ok(server.datagrams.length > 0)
  assert.equal(taken.datagrams.length, 0)
})

test('a name that is not found, and an address that can not be sent to, are counted and harm nobody', async t => {
  const cases = [
    // Reserved for names that never exist (RFC 6761); without a network the resolver itself is out of reach.
    { host: 'no-such-host.invalid', errno: /^(ENOTFOUND|EAI_AGAIN)$/ },
    // Broadcast needs a socket option that the sender does not set.
    { host: '255.255.255.255', errno: /^(EACCES|ENETUNREACH)$/ }
  ]
  for (const { host, errno } of cases) {
    const clock = manualClock()
    const { lines, over, errors } = heard(clock)
    let value = 0
    const running = start(
      t,
      build({ host }, over),
      readerOf(() => [counter('a_total', ++value)])
    )
    await t.waitFor(
      async () => {
        await clock.advance(10_000)
        assert.ok(Object.values(await errors()).some(count => count >= 2))
      },
      { timeout: 20_000, interval: 5 }
    )
    const counted = Object.keys(await errors())
    assert.equal(counted.length, 1)
    assert.match(counted[0]!, errno)
    assert.equal(lines.length, 1)
    await running.stop()
  }
})

test('the secret goes out in names only: neither log nor page has it', async t => {
  const server = await listen(t)
  const clock = manualClock()
  const store = createStore()
  const said: string[] = []
  const say = (data: LogData, message: string): void => void said.push(`${inspect(data, { depth: 9 })} ${message}`)
  const log = { ...silentLog, warn: say, info: say, error: say, debug: say }
  const over = { clock, log, instruments: store.instruments }
  const options = { prefix: 'x'.repeat(100), secret: 'canary', dialect: 'datadog', include_own: true }
  const running = [
    start(t, build({ ...options, port: server.port }, over), store),
    start(t, build({ ...options, host: '255.255.255.255' }, over), store)
  ]
  await t.waitFor(async () => {
    await clock.advance(10_000)
    assert.ok(said.length > 0)
  })
  for (const one of running) await one.stop()
  assert.match((await server.heard(1)).join(), /^canary\.x/)
  const page = (await store.read()).flatMap(({ help, samples }) => [help, ...samples])
  assert.ok(inspect(page).length > 100)
  assert.ok(!JSON.stringify([page, said]).includes('canary'))
})

test('a reader that fails is trouble of the exporter, not of the agent', async t => {
  const clock = manualClock()
  const { over, errors } = heard(clock)
  const running = start(t, build({}, over), { read: () => Promise.reject(new Error('broken')) })
  await clock.advance(10_000)
  await running.stop()
  assert.equal((await errors())['unknown'], 3)
})

test('a metric too long for a datagram is left out and counted, the others are sent', async t => {
  const server = await listen(t)
  const clock = manualClock()
  const { over, errors } = heard(clock)
  const labels = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`label_${i}`, 'x'.repeat(300)]))
  const long: Family = {
    name: 'g',
    help: 'Help.',
    type: 'gauge',
    samples: [
      { name: 'g', labels, value: 1 },
      { name: 'g', labels: {}, value: 2 }
    ]
  }
  start(
    t,
    build({ port: server.port, dialect: 'datadog' }, over),
    readerOf(() => [long])
  )
  await clock.advance(10_000)
  assert.deepEqual(await server.heard(1), ['p.g:2|g'])
  assert.deepEqual(await errors(), { EMSGSIZE: 1 })
})

test('10,000 series arrive whole: the sender waits for the receiver', async t => {
  const server = await listen(t)
  let value = 0
  const many: Family = {
    name: 'many_total',
    help: 'Help.',
    type: 'counter',
    samples: {
      *[Symbol.iterator]() {
        for (let i = 0; i < 10_000; i++) yield { name: 'many_total', labels: { i: String(i) }, value }
      }
    }
  }
  const running = start(
    t,
    build({ port: server.port }),
    readerOf(() => [many])
  )
  await turn()
  value = 3
  await running.stop()
  const lines = (): number => server.datagrams.join('\n').split('\n').length
  await t.waitFor(() => assert.equal(lines(), 10_000), { timeout: 10_000, interval: 5 })
  for (const datagram of server.datagrams) assert.ok(datagram.length <= 1432)
})
