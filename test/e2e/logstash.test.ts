// The logstash output before Elastic's own Lumberjack server: every line acknowledged, and nothing lost when it is killed.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { readFields } from '../../src/core/field.ts'
import { readDeadLetters } from '../../src/output/dead-letter.ts'
import { Delivery, deliveryOptions } from '../../src/output/delivery.ts'
import { logstash } from '../../src/output/logstash.ts'
import { debianPackage } from '../lib/real/debian.ts'
import { lumberjackMissing, startLumberjack } from '../lib/real/lumberjack.ts'
import type { Lumberjack, LumberjackOptions } from '../lib/real/lumberjack.ts'
import { startMicrosocks } from '../lib/real/microsocks.ts'
import { freePort, until } from '../lib/real/process.ts'
import { makeRecords } from '../lib/records.ts'
import { context as plainContext } from '../lib/step.ts'
import { makeCa } from '../lib/test-ca.ts'

const skip = (await lumberjackMissing()) ?? false
const noProxy = skip || ((await debianPackage(['microsocks'])) ?? false)

interface Rig {
  delivery: Delivery
  /** Sends records as batches of a source of that name; resolves when all are settled. */
  ship(name: string, count: number): Promise<void>
  letters(): Promise<unknown[]>
}

function rig(t: TestContext, address: string, options: object = {}): Rig {
  const dataDir = mkdtempSync(join(tmpdir(), 'yarder-'))
  const given = { hosts: [address], backoff: { init: '20ms', max: '200ms' }, batch: { timeout: '10ms' }, ...options }
  const values = readFields(logstash.fields, given, (path, message) => assert.fail(`${path} ${message}`))!
  const context = plainContext({ name: 'ls', dataDir, configDir: dataDir })
  const output = logstash.build(values, context)
  const delivery = new Delivery({ type: 'logstash', output, options: deliveryOptions(values), context })
  t.after(async () => {
    await delivery.close()
    rmSync(dataDir, { recursive: true, force: true })
  })
  delivery.start()
  return {
    delivery,
    async ship(name, count) {
      const { promise, resolve } = Promise.withResolvers<void>()
      let open = 0
      const settle = (): void => void (--open === 0 && resolve())
      for (let from = 0; from < count; from += 250) {
        open++
        const docs = Array.from({ length: Math.min(250, count - from) }, (_, i) => ({
          '@timestamp': '2026-11-22T12:00:00.000Z',
          n: from + i,
          message: `line ${from + i} \u{1F4DC} ${'x'.repeat(100)}`
        }))
        await delivery.offer(makeRecords({ docs, offsets: docs.map(d => d.n), sourceId: name, settle }))
      }
      await promise
    },
    letters: () => Array.fromAsync(readDeadLetters(dataDir, 'ls'))
  }
}

async function peer(t: TestContext, program: 'tst-lj' | 'events', options?: LumberjackOptions): Promise<Lumberjack> {
  const server = await startLumberjack(program, options)
  t.after(() => server.stop())
  return server
}

const idOf = (event: Record<string, unknown>): string => (event['@metadata'] as { _id: string })._id
const ids = (name: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${name}-${n}`).sort()

test("the first words that doctor says are no offence to Elastic's server, and records go on", { skip }, async t => {
  const server = await peer(t, 'tst-lj')
  const r = rig(t, server.address)
  await r.delivery.output.examine!(AbortSignal.timeout(10_000))
  await r.ship('a', 500)
  assert.equal(r.delivery.status().state, 'green')
})

for (const compression_level of [0, 3]) {
  test(`tst-lj takes 1,000 lines as 1,000 events at compression_level ${compression_level}`, { skip }, async t => {
    const server = await peer(t, 'tst-lj')
    const r = rig(t, server.address, { compression_level })
    await r.ship('a', 1000)
    assert.equal(server.acknowledged(), 1000)
    assert.doesNotMatch(server.log(), /error|failed|Unknown|Expected/i)
  })
}

test('what arrives is what was sent, each once, with @metadata as Beats have it', { skip }, async t => {
  const server = await peer(t, 'events')
  const r = rig(t, server.address)
  await r.ship('a', 5000)
  await until('5,000 events', () => server.acknowledged() === 5000)
  const events = server.events().sort((a, b) => Number(a['n']) - Number(b['n']))
  assert.deepEqual(
    events.map(e => e['n']),
    Array.from({ length: 5000 }, (_, n) => n)
  )
  const { '@metadata': metadata, ...rest } = events[4999]!
  assert.deepEqual(Object.keys(metadata as object).sort(), ['_id', 'beat', 'type', 'version'])
  assert.deepEqual(rest, {
    '@timestamp': '2026-11-22T12:00:00.000Z',
    n: 4999,
    message: `line 4999 \u{1F4DC} ${'x'.repeat(100)}`
  })
})

test('killed and started again in the middle of windows: nothing is lost', { skip }, async t => {
  let server = await peer(t, 'events', { delay: '30ms' })
  const { port, address } = server
  const r = rig(t, address, { batch: { max_events: 200, timeout: '10ms' }, in_flight: 3 })
  let shipped = false
  const shipping = r.ship('a', 10_000).then(() => (shipped = true))
  const seen: string[] = []
  for (let round = 1; round <= 4; round++) {
    await until(`events in round ${round}`, () => server.events().length > 600 * round)
    await server.kill()
    seen.push(...server.events().map(idOf))
    assert.equal(shipped, false, 'killed before the end')
    server = await peer(t, 'events', { port, delay: round === 4 ? '0s' : '30ms' })
  }
  await shipping
  seen.push(...server.events().map(idOf))
  assert.deepEqual([...new Set(seen)].sort(), ids('a', 10_000))
  assert.deepEqual(await r.letters(), [])
  // At most what was under way at each kill came twice.
  assert.ok(seen.length - 10_000 <= 4 * 3 * 200, `${seen.length - 10_000} came twice`)
})

test(
  'a server that holds windows longer than the timeout, but says that it is at work, is waited for',
  { skip },
  async t => {
    const server = await peer(t, 'events', { delay: '3500ms' })
    const r = rig(t, server.address, { timeout: '2s' })
    await r.ship('a', 100)
    assert.deepEqual(server.events().map(idOf).sort(), ids('a', 100))
  }
)

for (const version of ['1.2', '1.3'] as const) {
  test(
    `mutual TLS ${version}: a client that is known is let in; others are told so, and keep their records`,
    { skip },
    async t => {
      const ca = makeCa(t)
      const stranger = makeCa(t).issue('agent.example', 'client')
      const own = ca.issue('127.0.0.1', 'server')
      const known = ca.issue('agent.example', 'client')
      const tls = { cert: own.certFile, key: own.keyFile, ca: ca.caFile, version }
      const server = await peer(t, 'events', { tls })
      const good = rig(t, server.address, {
        tls: { ca_file: ca.caFile, cert_file: known.certFile, key_file: known.keyFile }
      })
      await good.ship('a', 1000)
      await until('1,000 events', () => server.acknowledged() === 1000)
      // TLS 1.2 has no word for a certificate that is missing.
      const words = ['Certificate refused', ...(version === '1.2' ? ['Handshake refused'] : [])]
      for (const theirs of [{}, { cert_file: stranger.certFile, key_file: stranger.keyFile }]) {
        const bad = rig(t, server.address, { tls: { ca_file: ca.caFile, ...theirs } })
        void bad.ship('b', 10)
        const refused = (): boolean => words.includes(bad.delivery.status().message)
        await until('the refusal', refused, 5000).catch(() => assert.fail(bad.delivery.status().lastError))
        assert.equal(bad.delivery.unacknowledged, 10)
        assert.deepEqual(await bad.letters(), [])
        await bad.delivery.close()
      }
      assert.equal(server.acknowledged(), 1000)
    }
  )
}

test(
  'through a SOCKS5 proxy with a password every record arrives, by TLS and by a name that is known there',
  { skip: noProxy },
  async t => {
    const proxy = await startMicrosocks('agent')
    t.after(() => proxy.stop())
    const ca = makeCa(t)
    const own = ca.issue('localhost', 'server')
    const known = ca.issue('agent.example', 'client')
    const tls = { cert: own.certFile, key: own.keyFile, ca: ca.caFile, version: '1.3' as const }
    const server = await peer(t, 'events', { tls })
    const through = {
      hosts: [`localhost:${server.port}`],
      tls: { ca_file: ca.caFile, cert_file: known.certFile, key_file: known.keyFile }
    }
    const by = (login: string): string => `socks5://${login}127.0.0.1:${proxy.port}`
    const r = rig(t, '', { ...through, proxy_url: by('agent:agent@') })
    await r.ship('a', 1000)
    await until('1,000 events', () => server.acknowledged() === 1000)
    assert.match(proxy.log(), new RegExp(`connected to localhost:${server.port}`))
    const local = rig(t, '', { ...through, proxy_url: by('agent:agent@'), proxy_use_local_resolver: true })
    await local.ship('b', 10)
    assert.match(proxy.log(), new RegExp(`connected to 127\\.0\\.0\\.1:${server.port}`))

    for (const login of ['agent:wrong@', '']) {
      const stranger = rig(t, '', { ...through, proxy_url: by(login) })
      await until('a refusal', () => stranger.delivery.status().message === 'Proxy refused')
      assert.match(stranger.delivery.status().lastError!, /authentication.*connecting to localhost:\d+ by the proxy/)
      assert.doesNotMatch(JSON.stringify(stranger.delivery.status()), /wrong/)
    }
    const astray = rig(t, '', { hosts: [`127.0.0.1:${await freePort()}`], proxy_url: by('agent:agent@') })
    await until('a refusal', () => /connection refused/.test(astray.delivery.status().lastError ?? ''))
    await proxy.stop()
    const alone = rig(t, '', { ...through, proxy_url: by('agent:agent@') })
    await until('an error', () => /ECONNREFUSED/.test(alone.delivery.status().lastError ?? ''))
    assert.match(alone.delivery.status().lastError!, new RegExp(`by the proxy 127.0.0.1:${proxy.port}`))
  }
)
