// The fake itself: it must read as the real servers do, fail as told, and see every rule that a client breaks.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { deflateSync, gzipSync } from 'node:zlib'
import { ack, answer, fin, keepAlives, partly, reset, startFakeLogstash, takeAndReset } from './fake-logstash.ts'
import type { Behaviour, FakeLogstash } from './fake-logstash.ts'
import { inCi } from './real/process.ts'

const edgeCases = new URL('../../../shared/vectors/lumberjack/edge-cases.json', import.meta.url)
const skip = existsSync(edgeCases) || inCi() ? false : 'needs shared/vectors beside the project'

const u32 = (n: number): Buffer => {
  const b = Buffer.alloc(4)
  b.writeUInt32BE(n)
  return b
}
const W = (n: number): Buffer => Buffer.concat([Buffer.from('2W'), u32(n)])
const J = (seq: number, json: string): Buffer =>
  Buffer.concat([Buffer.from('2J'), u32(seq), u32(Buffer.byteLength(json)), Buffer.from(json)])
const C = (...frames: Buffer[]): Buffer => {
  const packed = deflateSync(Buffer.concat(frames))
  return Buffer.concat([Buffer.from('2C'), u32(packed.length), packed])
}

async function client(t: TestContext, fake: FakeLogstash): Promise<{ socket: Socket; end: Promise<string> }> {
  const socket = connect(fake.port, '127.0.0.1')
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  const got: Buffer[] = []
  let ending = ''
  socket.on('data', chunk => got.push(chunk as Buffer))
  socket.on('end', () => (ending ||= 'FIN'))
  socket.on('error', error => (ending ||= (error as NodeJS.ErrnoException).code ?? ''))
  const end = new Promise<string>(resolve => {
    socket.on('close', () => resolve(`${Buffer.concat(got).toString('hex')} ${ending}`.trim()))
  })
  return { socket, end }
}

async function converse(t: TestContext, bytes: Buffer, ...behaviours: Behaviour[]) {
  const fake = await startFakeLogstash()
  t.after(() => fake.down())
  fake.next(...behaviours)
  const { socket, end } = await client(t, fake)
  socket.write(bytes)
  return { fake, socket, end }
}

const TWO = Buffer.concat([W(2), J(1, '{"n":1}'), J(2, '{"n":2}')])

for (const [title, behaviour, answered, taken] of [
  ['fin', fin(), 'FIN', 0],
  ['reset', reset(), 'ECONNRESET', 0],
  ['takeAndReset', takeAndReset(1), 'ECONNRESET', 1],
  ['partly, then FIN', partly(1, 'fin'), '324100000001 FIN', 1],
  ['partly, then reset', partly(1, 'reset'), '324100000001 ECONNRESET', 1]
] as const) {
  test(`${title} does as it says`, async t => {
    const { fake, end } = await converse(t, TWO, behaviour)
    assert.equal(await end, answered)
    assert.equal(fake.taken.length, taken)
  })
}

test('windows of a connection are dealt with in their order, and their events kept', async t => {
  const { fake, socket, end } = await converse(
    t,
    Buffer.concat([TWO, W(1), C(J(1, '{"n":3}'))]),
    keepAlives(2),
    answer('hello'),
    ack()
  )
  await t.waitFor(() => assert.equal(fake.windows.length, 2))
  assert.deepEqual(
    fake.windows.map(w => w.window.packed),
    [false, true]
  )
  fake.windows[1]!.ack()
  assert.deepEqual(fake.taken, [{ n: 1 }, { n: 2 }, { n: 3 }])
  socket.end()
  assert.equal(await end, `324100000000324100000000324100000002${Buffer.from('hello').toString('hex')}324100000001 FIN`)
  assert.deepEqual([fake.goodbyes, fake.violations, fake.pending], [1, [], 1])
})

test('one byte at a time is the same', async t => {
  const { fake, socket, end } = await converse(t, Buffer.alloc(0))
  for (const byte of Buffer.concat([TWO, W(2), C(J(1, '{"n":3}'), J(2, '{}'))])) {
    await new Promise(resolve => socket.write(Buffer.of(byte), resolve))
  }
  await t.waitFor(() => assert.equal(fake.taken.length, 4))
  socket.end()
  assert.equal(await end, '324100000002324100000002 FIN')
})

const BROKEN: Array<[string, Buffer]> = [
  ['window of 0 events', W(0)],
  ['window of 10001 events', W(10_001)],
  ['window after 1 of 2 events', Buffer.concat([W(2), J(1, '{}'), W(1)])],
  ['J outside of a window', J(1, '{}')],
  ['J outside of a window', Buffer.concat([W(1), J(1, '{}'), J(2, '{}')])],
  ['sequence 2 of event 1', Buffer.concat([W(1), J(2, '{}')])],
  ['more events than the window has', Buffer.concat([W(1), C(J(1, '{}'), J(2, '{}'))])],
  ['compressed frame of 1 events in a window of 2', Buffer.concat([W(2), C(J(1, '{}')), C(J(2, '{}'))])],
  ['compressed frame after other events of its window', Buffer.concat([W(2), J(1, '{}'), C(J(2, '{}'))])],
  ['C inside of a compressed frame', Buffer.concat([W(1), C(C(J(1, '{}')))])],
  ['W inside of a compressed frame', Buffer.concat([W(1), C(W(1), J(1, '{}'))])],
  ['half a frame in a compressed one', Buffer.concat([W(1), C(J(1, '{}').subarray(0, 9))])],
  ['no zlib stream', Buffer.concat([W(1), Buffer.from('2C'), u32(8), Buffer.from('garbage!')])],
  ['version byte 71', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['frame type 88', Buffer.concat([Buffer.from('2X'), u32(1)])],
  ['event without a document', Buffer.concat([W(1), J(1, '')])],
  ['document that is no JSON', Buffer.concat([W(1), J(1, '{"a":NaN}')])],
  ['document that is no JSON', Buffer.concat([W(1), J(1, '\u{FEFF}{}')])],
  ['document that is no object', Buffer.concat([W(1), J(1, '[1]')])],
  ['document with a lone surrogate', Buffer.concat([W(1), J(1, '{"a":"\\ud800"}')])],
  ['number beyond a double', Buffer.concat([W(1), J(1, '{"a":1e400}')])],
  ['document nested too deep', Buffer.concat([W(1), J(1, `${'{"a":'.repeat(1001)}1${'}'.repeat(1001)}`)])],
  ['document with @metadata twice', Buffer.concat([W(1), J(1, '{"@metadata":{},"@metadata":{}}')])]
]

for (const [violation, bytes] of BROKEN) {
  test(`sees a ${violation} (${bytes.toString('latin1', 0, 12).replace(/[^ -~]/g, '.')})`, async t => {
    const { fake, end } = await converse(t, bytes)
    assert.match(await end, /ECONNRESET$/)
    assert.deepEqual(fake.violations, [violation])
  })
}

test('sees an end before the last acknowledgement', async t => {
  const { fake, socket } = await converse(t, TWO, () => {})
  socket.end()
  await t.waitFor(() => assert.deepEqual(fake.violations, ['end with 1 windows unacknowledged']))
})

test('resets at the byte, the event and the moment it was told to', async t => {
  const fake = await startFakeLogstash()
  t.after(() => fake.down())
  fake.cuts.push(10)
  fake.poison = event => event['n'] === 2
  for (let i = 0; i < 2; i++) {
    const { socket, end } = await client(t, fake)
    socket.write(TWO)
    assert.equal(await end, 'ECONNRESET')
    assert.equal(fake.windows.length, i)
  }
  const { end } = await client(t, fake)
  await t.waitFor(() => assert.equal(fake.connections.open, 1))
  fake.resetAll()
  assert.equal(await end, 'ECONNRESET')
  await fake.down()
  await assert.rejects(client(t, fake), { code: 'ECONNREFUSED' })
  await fake.up()
  await client(t, fake)
})

test('takes no input of the recorded ones that a real server closes the connection for', { skip }, async t => {
  const { cases } = JSON.parse(readFileSync(edgeCases, 'utf8')) as {
    cases: Array<{ name: string; clientHex: string } & Record<string, string[]>>
  }
  assert.equal(cases.length, 43)
  const refused = (said: readonly string[]): boolean => said.some(s => s === 'FIN' || s === 'ECONNRESET')
  let checked = 0
  for (const c of cases) {
    // Its fault is the end, not the bytes; the fake speaks version 2 only.
    if (c.name === 'half-close-after-batch' || c.name.startsWith('v1-')) continue
    const servers = [c['logstashBeatsInput7.0.9']!, c['goLumber0.2.0Server']!]
    if (!servers.some(refused)) continue
    const { fake, end } = await converse(t, Buffer.from(c.clientHex, 'hex'))
    await t.waitFor(() => assert.equal(fake.violations.length, 1, c.name))
    assert.match(await end, /ECONNRESET$/, c.name)
    checked++
  }
  assert.equal(checked, 25)
})

test('packs as gzip are not taken for zlib', async t => {
  const packed = gzipSync(J(1, '{}'))
  const { fake } = await converse(t, Buffer.concat([W(1), Buffer.from('2C'), u32(packed.length), packed]))
  await t.waitFor(() => assert.deepEqual(fake.violations, ['no zlib stream']))
})
