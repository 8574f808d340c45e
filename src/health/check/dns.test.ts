import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { checkFaults, runCheck } from '../../../test/lib/check.ts'
import { dns } from './dns.ts'

/** A resolver that knows the A records of a few names (RFC 1035, section 4); one called `silent…` it leaves unanswered. */
async function serve(t: TestContext, zone: Record<string, readonly string[]>): Promise<string> {
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    const labels: string[] = []
    let at = 12
    for (let n = query[at]!; n > 0; n = query[at]!) {
      labels.push(query.toString('latin1', at + 1, at + 1 + n))
      at += n + 1
    }
    const name = labels.join('.')
    if (name.startsWith('silent')) return
    const found = zone[name]
    const isA = query.readUInt16BE(at + 1) === 1
    const answers = isA ? (found ?? []) : []
    const head = Buffer.alloc(12)
    query.copy(head, 0, 0, 2)
    head.writeUInt16BE(0x8180 | (found === undefined ? 3 : 0), 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(answers.length, 6)
    const records = answers.map(ip =>
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...ip.split('.').map(Number)])
    )
    socket.send(Buffer.concat([head, query.subarray(12, at + 5), ...records]), from.port, from.address)
  })
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  t.after(() => socket.close())
  return `127.0.0.1:${socket.address().port}`
}

test('a name with records at the chosen resolver is ok; without, or with others, it is not', async t => {
  const resolver = await serve(t, { 'db.internal': ['10.0.0.7', '10.0.0.8'], 'empty.internal': [] })
  const look = async (options: Record<string, unknown>): Promise<string> => {
    const run = await runCheck(dns, { resolver, ...options })
    return `${run.state} ${run.reason}: ${run.message}`
  }
  assert.equal(await look({ domain: 'db.internal' }), 'ok ok: db.internal A 10.0.0.7, 10.0.0.8')
  assert.equal(await look({ domain: 'db.internal', expect: ['10.0.0.8'] }), 'ok ok: db.internal A 10.0.0.7, 10.0.0.8')
  assert.equal(
    await look({ domain: 'db.internal', expect: ['10.0.0.9'] }),
    `critical answer: db.internal A is 10.0.0.7, 10.0.0.8 at ${resolver}, without 10.0.0.9`
  )
  for (const [domain, record] of [
    ['no-such.internal', 'A'],
    ['empty.internal', 'A'],
    ['db.internal', 'AAAA']
  ])
    assert.equal(await look({ domain, record }), `critical dns: ${domain} has no ${record} record at ${resolver}`)
})

test('a resolver that does not answer is a timeout at the limit of the check', async t => {
  const resolver = await serve(t, {})
  const run = await runCheck(dns, { domain: 'silent.internal', resolver }, 300)
  assert.deepEqual([run.state, run.reason], ['critical', 'timeout'])
  assert.ok(run.seconds < 2, String(run.seconds))
})

test('a resolver is an address', () => {
  assert.deepEqual(checkFaults(dns, { domain: 'a.b', resolver: 'ns1' }), ['resolver: must be an address, not a name'])
})
