import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { manualClock } from '../../../test/lib/manual-clock.ts'
import { NOON } from '../../../test/lib/records.ts'
import { context } from '../../../test/lib/step.ts'
import type { Context } from '../../core/component.ts'
import { readFields } from '../../core/field.ts'
import type { Family, Sample } from '../../core/instruments.ts'
import { silentLog } from '../../core/log.ts'
import { createStore } from '../store.ts'
import { graphite } from './graphite.ts'

const SECONDS = NOON / 1000

interface Carbon {
  readonly server: Server
  readonly port: number
  readonly sockets: Socket[]
  /** All that came, over all connections. */
  text(): string
}

async function listen(t: TestContext, port = 0, onSocket: (socket: Socket) => void = () => {}): Promise<Carbon> {
  let text = ''
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', chunk => (text += chunk.toString('latin1')))
    onSocket(socket)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { server, port: (server.address() as AddressInfo).port, sockets, text: () => text }
}

interface Running {
  /** One more flush; resolves when its push is over, as the exporter waits for the next. */
  flush(): Promise<void>
  stop(): Promise<void>
  readonly lines: string[]
  errors(): Promise<Record<string, number>>
}

function start(t: TestContext, options: Record<string, unknown>, families: () => Family[]): Running {
  const clock = manualClock()
  const store = createStore()
  const lines: string[] = []
  const log: Context['log'] = {
    ...silentLog,
    warn: data => void lines.push(`warn ${String(data['errno'])}`),
    info: () => void lines.push('info')
  }
  const read = readFields(graphite.fields, { prefix: 'p', flush: '10s', ...options }, assert.fail)
  const exporter = graphite.build(read!, context({ name: 'graphite', clock, log, instruments: store.instruments }))
  const abort = new AbortController()
  let pushed = 0
  const reader = {
    read: () => {
      pushed++
      return Promise.resolve(families())
    }
  }
  const ran = exporter.run(reader, abort.signal)
  const stop = async (): Promise<void> => {
    abort.abort()
    await ran
    await exporter.close()
  }
  t.after(stop)
  return {
    lines,
    stop,
    async flush() {
      const before = pushed
      await clock.advance(10_000)
      await t.waitFor(() => assert.ok(pushed > before && clock.waiting > 0), { timeout: 10_000, interval: 2 })
    },
    async errors() {
      const found = (await store.read()).find(({ name }) => name === 'yarder_exporter_errors_total')
      return Object.fromEntries([...(found?.samples ?? [])].map(({ labels, value }) => [labels['errno']!, value]))
    }
  }
}

const family = (type: Family['type'], ...samples: Partial<Sample>[]): Family => ({
  name: 'a',
  type,
  help: 'Help.',
  samples: samples.map(sample => ({ name: 'a', labels: {}, value: 0, ...sample }))
})

test('totals and levels arrive as lines of path, value and seconds, the last ones at the stop', async t => {
  const carbon = await listen(t)
  let value = 5
  const running = start(t, { port: carbon.port, prefix: 'app1', secret: 'secret' }, () => [
    family(
      'counter',
      { name: 'web.api', value },
      { name: 'web.api', labels: { path: '/x.y', verb: 'GET' }, value: 2.5 }
    ),
    family('gauge', { name: 'level', value: -1e-7 }, { name: 'level', labels: { k: 'v' }, value: NaN }),
    family(
      'histogram',
      { name: 'h_bucket', le: 1, value: 1 },
      { name: 'h_sum', value: 9 },
      { name: 'h_count', value: 1 }
    )
  ])
  await running.flush()
  value = 6
  await running.stop()
  await t.waitFor(() => assert.match(carbon.text(), / 6 /))
  const lines = (count: number, at: number): string =>
    [
      `secret.app1.web.api ${count}`,
      'secret.app1.web.api._x_y.GET 2.5',
      'secret.app1.level -0.0000001',
      'secret.app1.h_sum 9',
      'secret.app1.h_count 1'
    ]
      .map(line => `${line} ${at}\n`)
      .join('')
  await t.waitFor(() => assert.equal(carbon.text(), lines(5, SECONDS + 10) + lines(6, SECONDS + 10)))
  assert.equal(carbon.sockets.length, 1)
  assert.deepEqual(running.lines, [])
})

test('counters whose names become the same are added up, as carbon keeps one value a name', async t => {
  const carbon = await listen(t)
  const labels = ['a b', 'a/b', 'a_b'].map(k => ({ k }))
  const running = start(t, { port: carbon.port }, () => [
    family('counter', ...labels.map((l, i) => ({ labels: l, value: i + 1 })))
  ])
  await running.flush()
  await t.waitFor(() => assert.equal(carbon.text(), `p.a.a_b 6 ${SECONDS + 10}\n`))
})

test('a connection that carbon ends is made anew for the next flush', async t => {
  const carbon = await listen(t)
  let value = 0
  const running = start(t, { port: carbon.port }, () => [family('counter', { value: ++value })])
  for (let i = 1; i <= 3; i++) {
    await running.flush()
    await t.waitFor(() => assert.match(carbon.text(), new RegExp(`a ${i} \\d+\n$`)))
    const gone = once(carbon.sockets.at(-1)!, 'close')
    carbon.sockets.at(-1)!.end()
    await gone
  }
  assert.equal(carbon.sockets.length, 3)
  assert.deepEqual(await running.errors(), {})
})

test('while carbon is away that is counted and told once; then the totals are there again', async t => {
  const before = await listen(t)
  const { port } = before
  before.server.close()
  await once(before.server, 'close')
  let value = 0
  const running = start(t, { port }, () => [family('counter', { value: ++value })])
  await running.flush()
  await running.flush()
  assert.deepEqual(await running.errors(), { ECONNREFUSED: 2 })
  assert.deepEqual(running.lines, ['warn ECONNREFUSED'])
  const carbon = await listen(t, port)
  await running.flush()
  await t.waitFor(() => assert.equal(carbon.text(), `p.a 3 ${SECONDS + 30}\n`))
  assert.deepEqual(running.lines, ['warn ECONNREFUSED', 'info'])
})

test('a peer that accepts and never reads is given up, and the stop is not held up by it', async t => {
  const carbon = await listen(t, 0, socket => socket.pause())
  const many: Family = {
    ...family('gauge'),
    samples: {
      *[Symbol.iterator]() {
        const filler = 'x'.repeat(190)
        for (let i = 0; i < 100_000; i++) yield { name: 'a', labels: { i: String(i), filler }, value: i }
      }
    }
  }
  const running = start(t, { port: carbon.port, timeout: '50ms' }, () => [many])
  await running.flush()
  assert.deepEqual(await running.errors(), { ETIMEDOUT: 1 })
  await running.stop()
  assert.deepEqual(running.lines, ['warn ETIMEDOUT'])
})

test('a host whose name is not found is an error like any other', async t => {
  const running = start(t, { host: 'no-such-host.invalid' }, () => [family('gauge', { value: 1 })])
  await running.flush()
  assert.match(running.lines.join(), /^warn (ENOTFOUND|EAI_AGAIN)$/)
})
