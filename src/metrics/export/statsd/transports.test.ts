import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { optionFaults, readerOf, startExporter } from '../../../../test/lib/exporter.ts'
import { notifySocket } from '../../../../test/lib/notify-socket.ts'
import type { Family } from '../../../core/instruments.ts'
import { statsd } from '../statsd.ts'

interface Heard {
  readonly sockets: Socket[]
  text(): string
}

function hear(server: Server, onSocket: (socket: Socket) => void = () => {}): Heard {
  const sockets: Socket[] = []
  let text = ''
  server.on('connection', socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', chunk => (text += chunk.toString()))
    onSocket(socket)
  })
  return { sockets, text: () => text }
}

async function listen(
  t: TestContext,
  at: { port: number } | { path: string },
  onSocket?: (s: Socket) => void
): Promise<Heard & { port: number }> {
  const server = createServer()
  const heard = hear(server, onSocket)
  server.listen('path' in at ? at : { ...at, host: '127.0.0.1' })
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of heard.sockets) socket.destroy()
  })
  return { ...heard, port: 'path' in at ? 0 : (server.address() as AddressInfo).port }
}

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return dir
}

const counting = (value: () => number): Family => ({
  name: 'a_total',
  help: 'Help.',
  type: 'counter',
  samples: [{ name: 'a_total', labels: { path: '/' }, value: value() }]
})

/** So many series, each of which changes at each reading. */
function many(count: number): () => Family[] {
  let value = 0
  return () => {
    value++
    const samples = {
      *[Symbol.iterator]() {
        for (let i = 0; i < count; i++) yield { name: 'many_total', labels: { i: String(i) }, value }
      }
    }
    return [{ name: 'many_total', help: 'Help.', type: 'counter', samples }]
  }
}

test('by TCP and over a Unix socket each line is ended, and one connection serves all flushes', async t => {
  const path = join(folder(t), 'statsd.sock')
  const cases = [
    { server: await listen(t, { port: 0 }), transport: 'tcp', options: (port: number) => ({ port }) },
    { server: await listen(t, { path }), transport: 'unix', options: () => ({ path }) }
  ]
  for (const { server, transport, options } of cases) {
    let value = 0
    const reader = readerOf(() => [counting(() => value)])
    const running = await startExporter(t, statsd, { transport, ...options(server.port) }, reader)
    for (value = 2; value <= 6; value += 2) await running.flush()
    await t.waitFor(() => assert.equal(server.text(), 'p.a_total._:2|c\n'.repeat(3)))
    assert.equal(server.sockets.length, 1)
    await running.stop()
    assert.deepEqual(running.lines, [])
  }
})

test('over a Unix socket of datagrams, a file or an abstract name, packets arrive whole; what is gone is told', async t => {
  for (const socket of [notifySocket(t), notifySocket(t, `@yarder-statsd-${process.pid}`)]) {
    let value = 0
    const options = { transport: 'unixgram', path: socket.path, dialect: 'datadog' }
    const reader = readerOf(() => [counting(() => value)])
    const running = await startExporter(t, statsd, options, reader)
    value = 3
    await running.flush()
    assert.deepEqual(socket.received(), ['p.a_total:3|c|#path:/'])
    assert.deepEqual(running.lines, [])
    await running.stop()
  }
  const gone = { transport: 'unixgram', path: join(folder(t), 'none.sock') }
  const running = await startExporter(t, statsd, gone, readerOf(many(1)))
  await running.flush()
  await running.flush()
  assert.deepEqual(await running.errors(), { ENOENT: 2 })
  assert.deepEqual(running.lines, ['warn ENOENT'])
})

test('a Unix socket that nobody reads any more costs a flush, not the agent', async t => {
  const socket = notifySocket(t)
  const running = await startExporter(t, statsd, { transport: 'unixgram', path: socket.path }, readerOf(many(10_000)))
  await running.flush()
  assert.deepEqual(await running.errors(), { EAGAIN: 1 })
  socket.received()
  await running.flush()
  assert.deepEqual(running.lines, ['warn EAGAIN'])
})

test('a TCP server that accepts and never reads is left at each flush, and memory does not grow', async t => {
  const server = await listen(t, { port: 0 }, socket => socket.pause())
  const options = { transport: 'tcp', port: server.port, timeout: '10ms' }
  const running = await startExporter(t, statsd, options, readerOf(many(200_000)))
  const used: number[] = []
  for (let i = 0; i < 8; i++) {
    await running.flush()
    // What the peer's side of this process holds is not the exporter's.
    for (const socket of server.sockets) socket.destroy()
    globalThis.gc?.()
    used.push(process.memoryUsage().external + process.memoryUsage().arrayBuffers)
  }
  const { ETIMEDOUT: timeouts = 0, ...others } = await running.errors()
  assert.ok(timeouts >= 6, `${timeouts} flushes were given up`)
  assert.deepEqual(Object.keys(others), [])
  assert.deepEqual(running.lines, ['warn ETIMEDOUT'])
  const grown = used.at(-1)! - used[2]!
  assert.ok(grown < 10_000_000, `external memory grew by ${grown} bytes`)
})

test('a name that is no longer found leaves the server where it was', async t => {
  const { UdpSender } = await import('./udp.ts')
  const { createSocket } = await import('node:dgram')
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.after(() => socket.close())
  const names = ['127.0.0.1', 'no-such-host.invalid', 'no-such-host.invalid']
  const errors: unknown[] = []
  const options = {
    get host() {
      return names.shift()!
    },
    port: socket.address().port,
    clock: { now: () => 0, elapsed: () => 0, wait: () => Promise.resolve() },
    onError: (error: unknown) => void errors.push(error)
  }
  const sender = new UdpSender(options)
  t.after(() => sender.close())
  for (const text of ['a:1|c', 'b:1|c']) {
    const arrived = once(socket, 'message')
    await sender.send([text])
    assert.equal(String((await arrived)[0]), text)
  }
  assert.match((errors[0] as NodeJS.ErrnoException).code!, /^(ENOTFOUND|EAI_AGAIN)$/)
  assert.equal(errors.length, 1)
})

test('on a host without any network each flush is an error of its own and the exporter goes on', async t => {
  const script = `
    import { UdpSender } from ${JSON.stringify(new URL('./udp.ts', import.meta.url).href)}
    const clock = { now: () => 0, elapsed: () => 0, wait: () => Promise.resolve() }
    const sender = new UdpSender({ host: '192.0.2.1', port: 8125, clock, onError() {} })
    for (let i = 0; i < 3; i++) await sender.send(['a:1|c']).catch(error => console.log(error.code))
    await sender.close()
  `
  const alone = ['--map-root-user', '--net', process.execPath, '--input-type=module-typescript', '-e', script]
  const { status, stdout, stderr } = spawnSync('unshare', alone, { encoding: 'utf8' })
  if (status !== 0 && /unshare/.test(stderr) && process.env['CI'] !== 'true') return t.skip(stderr.trim())
  assert.equal(status, 0, stderr)
  assert.equal(stdout, 'ENETUNREACH\n'.repeat(3))
})

test('options that do not go together are refused with what to do instead', () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ transport: 'unix' }, 'path: is required with transport unix'],
    [{ path: '/x' }, 'path: has no effect with transport udp; unix and unixgram use it'],
    [{ transport: 'unix', path: '@x' }, 'path: an abstract name goes with unixgram only'],
    [
      { transport: 'unix', path: '/x', dialect: 'datadog' },
      'transport: must not be unix for the Datadog agent, which frames its streams; use unixgram'
    ],
    [{ histograms: 'samples' }, 'histograms: must be counts with dialect plain, where one value cannot stand for many'],
    [{ service_checks: true }, 'service_checks: needs dialect datadog; the others have none']
  ]
  for (const [options, fault] of cases) assert.deepEqual(optionFaults(statsd, options), [fault])
})
