// The syslog output before Debian's rsyslogd: by UDP, TCP and TLS, with its fields, and through a restart of it.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { readFields } from '../../src/core/field.ts'
import { Delivery, deliveryOptions } from '../../src/output/delivery.ts'
import { syslog } from '../../src/output/syslog.ts'
import { debianPackage } from '../lib/real/debian.ts'
import { until } from '../lib/real/process.ts'
import { startRsyslog } from '../lib/real/rsyslog.ts'
import type { Rsyslog, RsyslogOptions } from '../lib/real/rsyslog.ts'
import { agentFolder, startYarder } from '../lib/real/yarder.ts'
import { makeRecords } from '../lib/records.ts'
import { context as plainContext } from '../lib/step.ts'
import { makeCa } from '../lib/test-ca.ts'

const skip = (await debianPackage(['rsyslog', 'rsyslog-openssl', 'rsyslog-gnutls'])) ?? false

interface Rig {
  readonly delivery: Delivery
  /** Settled records so far. */
  settled(): number
  /** Resolves when all that fits has been taken over; `settled` tells of the rest. */
  offer(name: string, docs: object[]): Promise<void>
}

function rig(t: TestContext, address: string, options: object = {}): Rig {
  const dataDir = mkdtempSync(join(tmpdir(), 'yarder-'))
  const given = {
    hosts: [address],
    backoff: { init: '20ms', max: '200ms' },
    batch: { timeout: '10ms', max_events: 500 },
    confirm: '100ms',
    ...options
  }
  const values = readFields(syslog.fields, given, (path, message) => assert.fail(`${path} ${message}`))!
  assert.deepEqual([...syslog.lint!(values)], [])
  const context = plainContext({ name: 'syslog', dataDir, configDir: dataDir })
  const output = syslog.build(values, context)
  const delivery = new Delivery({ type: 'syslog', output, options: deliveryOptions(values), context })
  t.after(async () => {
    await delivery.close()
    rmSync(dataDir, { recursive: true, force: true })
  })
  delivery.start()
  let settled = 0
  return {
    delivery,
    settled: () => settled,
    async offer(name, docs) {
      for (let from = 0; from < docs.length; from += 250) {
        const part = docs.slice(from, from + 250)
        const settle = (): void => void (settled += part.length)
        await delivery.offer(makeRecords({ docs: part, offsets: part.map((_, i) => from + i), sourceId: name, settle }))
      }
    }
  }
}

async function collector(t: TestContext, options: RsyslogOptions): Promise<Rsyslog> {
  const rsyslog = await startRsyslog(options)
  t.after(() => rsyslog.remove())
  return rsyslog
}

const lines = (count: number): object[] =>
  Array.from({ length: count }, (_, n) => ({ message: `line ${n} \u{1F4DC} ${'x'.repeat(100)}` }))

const textOf = (n: number): string => `line ${n} \u{1F4DC} ${'x'.repeat(100)}`

const RECORD = {
  '@timestamp': '2026-11-22T12:00:00.000Z',
  message: 'GET /a\n<0>1 - forged - - - -\r\u001b[31m "b"',
  level: 'WARN',
  host: { name: 'web 1' },
  program: 'nginx',
  pid: 4711,
  verb: 'GET',
  quote: 'a "quoted" ] back\\slash\nline'
}
const DATA = { id: 'web@32473', params: { verb: '%{verb}', quote: '%{quote}', none: '%{absent}' } }

const WAYS: Array<{ name: string; listener: 'imudp' | 'imtcp'; options: object }> = [
  { name: 'UDP', listener: 'imudp', options: { protocol: 'udp' } },
  { name: 'TCP with lengths', listener: 'imtcp', options: {} },
  { name: 'TCP with line feeds', listener: 'imtcp', options: { framing: 'newline' } }
]

for (const { name, listener, options } of WAYS) {
  test(`rsyslogd gets every line by ${name}, with its fields, and no line of a log becomes two`, { skip }, async t => {
    const rsyslog = await collector(t, { listener })
    const r = rig(t, rsyslog.address, { facility: 'local3', msg_id: 'ac cess', structured_data: DATA, ...options })
    await r.offer('a', [RECORD, { nothing: true }])
    await until('both messages', () => rsyslog.taken().length >= 2)
    const [first, second] = rsyslog.taken()
    assert.deepEqual(
      { ...first, time: new Date(first!.time).toISOString() },
      {
        pri: 19 * 8 + 4,
        time: '2026-11-22T12:00:00.000Z',
        host: 'web_1',
        app: 'nginx',
        proc: '4711',
        msgId: 'ac_cess',
        data: '[web@32473 verb="GET" quote="a \\"quoted\\" \\] back\\\\slash\\nline"]',
        text: 'GET /a\\n<0>1 - forged - - - -\\r\\u001b[31m "b"'
      }
    )
    assert.equal(second!.pri, 19 * 8 + 6)
    assert.equal(second!.host, hostname())
    assert.equal(second!.app, 'yarder')
    assert.equal(second!.text, '{"nothing":true}')

    await r.offer('b', lines(3000))
    await until('every line', () => r.settled() === 3002)
    await until('every line in the file', () => rsyslog.taken().length >= 3002)
    assert.deepEqual(
      rsyslog
        .taken()
        .slice(2)
        .map(m => m.text)
        .sort(),
      Array.from({ length: 3000 }, (_, n) => textOf(n)).sort()
    )
    assert.equal(r.delivery.status().state, 'green')
  })
}

for (const { name, listener, options } of WAYS) {
  test(
    `a line longer than rsyslogd takes arrives by ${name} as one message, cut here and without a complaint there`,
    { skip },
    async t => {
      const rsyslog = await collector(t, { listener })
      const r = rig(t, rsyslog.address, options)
      await r.offer('a', [{ message: 'x'.repeat(9000) }, { message: 'after it' }])
      await until('both messages', () => rsyslog.taken().some(m => m.text === 'after it'))
      assert.deepEqual(
        rsyslog.taken().map(m => [m.app, m.text.replaceAll('x', '').length]),
        [
          ['yarder', 0],
          ['yarder', 'after it'.length]
        ]
      )
      // A few bytes of it are the header.
      assert.ok(rsyslog.taken()[0]!.text.length > 7900)
      assert.doesNotMatch(rsyslog.said(), /oversize|truncat|max msg size/i)
    }
  )
}

test('rsyslogd understands the older form', { skip }, async t => {
  const rsyslog = await collector(t, { listener: 'imudp' })
  const r = rig(t, rsyslog.address, { protocol: 'udp', format: 'rfc3164', facility: 'cron' })
  await r.offer('a', [RECORD])
  await until('the message', () => rsyslog.taken().length >= 1)
  const [message] = rsyslog.taken()
  assert.equal(message!.pri, 9 * 8 + 4)
  assert.equal(message!.host, 'web_1')
  assert.equal(message!.app, 'nginx')
  assert.equal(message!.proc, '4711')
  assert.match(message!.time, /-11-22T12:00:00/)
  assert.equal(message!.text, ' GET /a\\n<0>1 - forged - - - -\\r\\u001b[31m "b"')
})

for (const driver of ['ossl', 'gtls'] as const) {
  test(
    `rsyslogd gets every line by TLS (${driver}) from who shows a certificate; another is told why not`,
    { skip },
    async t => {
      const ca = makeCa(t)
      const server = ca.issue('127.0.0.1', 'server')
      const client = ca.issue('agent.example', 'client')
      const rsyslog = await collector(t, { listener: 'imtcp', tls: { driver, caFile: ca.caFile, ...server } })
      const tls = { ca_file: ca.caFile, cert_file: client.certFile, key_file: client.keyFile }
      const r = rig(t, rsyslog.address, { tls })
      await r.offer('a', lines(3000))
      await until('every line', () => r.settled() === 3000)
      assert.deepEqual(new Set(rsyslog.taken().map(m => m.text)), new Set(lines(3000).map((_, n) => textOf(n))))
      assert.equal(rsyslog.taken().length, 3000)

      const nameless = rig(t, rsyslog.address, { tls: { ca_file: ca.caFile } })
      await nameless.offer('b', lines(3))
      await until('a refusal', () => nameless.delivery.status().lastError !== undefined)
      const untrusting = rig(t, rsyslog.address, { tls: {} })
      await untrusting.offer('c', lines(3))
      await until('a refusal', () => /certificate/.test(untrusting.delivery.status().lastError ?? ''))
      assert.equal(nameless.settled() + untrusting.settled(), 0)
      assert.equal(rsyslog.taken().length, 3000)
    }
  )
}

test(
  'restarts of rsyslogd in the middle lose no line, and double no more than what was in flight',
  { skip },
  async t => {
    const rsyslog = await collector(t, { listener: 'imtcp' })
    const r = rig(t, rsyslog.address, { batch: { timeout: '10ms', max_events: 250 } })
    const offered = (async () => {
      for (let i = 0; i < 60; i++) await r.offer(`s${i}`, lines(250 * (i + 1)).slice(250 * i))
    })()
    for (const at of [2000, 6000, 10_000]) {
      await until(`${at} lines`, () => r.settled() >= at)
      await rsyslog.stop()
      await rsyslog.up()
    }
    await offered
    await until('every line', () => r.settled() === 15_000, 60_000)
    const taken = rsyslog.taken().map(m => m.text)
    const seen = new Set(taken)
    const missing = Array.from({ length: 15_000 }, (_, n) => textOf(n)).filter(text => !seen.has(text))
    assert.deepEqual(missing.slice(0, 5), [])
    assert.ok(taken.length - 15_000 <= 3 * 8 * 250, `${taken.length - 15_000} lines twice`)
  }
)

test(
  'a receiver that is down at the start is told with its errno, and gets every line once it is up',
  { skip },
  async t => {
    const rsyslog = await collector(t, { listener: 'imtcp' })
    await rsyslog.stop()
    const r = rig(t, rsyslog.address)
    await r.offer('a', lines(100))
    await until('an error', () => /ECONNREFUSED/.test(r.delivery.status().lastError ?? ''))
    await rsyslog.up()
    await until('every line', () => r.settled() === 100)
    assert.equal(rsyslog.taken().length, 100)
  }
)

test(
  'an agent that is killed three times, and a receiver that restarts between, lose no line of a file',
  { skip },
  async t => {
    const rsyslog = await collector(t, { listener: 'imtcp' })
    const folder = agentFolder(t)
    const log = join(folder, 'app.log')
    writeFileSync(log, Array.from({ length: 60_000 }, (_, n) => `${textOf(n)}\n`).join(''))
    const config = `agent: { data_dir: ${folder}/data }
admin: { listen: '127.0.0.1:0' }
inputs:
  app: { type: file, paths: ['${log}'], start_at: beginning }
outputs:
  log:
    type: syslog
    hosts: ['${rsyslog.address}']
    confirm: 200ms
    rate_limit: 20000/s
    backoff: { init: 50ms, max: 200ms }
    batch: { max_events: 500, timeout: 50ms }
`
    for (const at of [5000, 15_000, 25_000]) {
      const yarder = await startYarder(t, { folder, config })
      await until(`${at} lines`, () => rsyslog.taken().length >= at)
      await yarder.end('SIGKILL')
      await rsyslog.stop()
      await rsyslog.up()
    }
    const yarder = await startYarder(t, { folder, config })
    const complete = (): boolean => new Set(rsyslog.taken().map(m => m.text)).size === 60_000
    await until('every line', complete, 60_000)
    assert.equal((await yarder.end()).code, 0)
    // Positions are written after each answer: what was in flight comes again, and no more.
    const doubled = rsyslog.taken().length - 60_000
    assert.ok(doubled <= 3 * (8 + 8) * 500, `${doubled} lines twice`)
  }
)
