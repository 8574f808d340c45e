import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import {
  answer,
  fin,
  partly,
  reset,
  startFakeLogstash,
  silence,
  takeAndReset
} from '../../../test/lib/fake-logstash.ts'
import type { FakeLogstash } from '../../../test/lib/fake-logstash.ts'
import { manualClock } from '../../../test/lib/manual-clock.ts'
import { inCi } from '../../../test/lib/real/process.ts'
import { makeRecords } from '../../../test/lib/records.ts'
import { systemClock } from '../../core/clock.ts'
import type { Clock } from '../../core/clock.ts'
import { silentLog } from '../../core/log.ts'
import type { Log } from '../../core/log.ts'
import { makeParcel } from '../../core/parcel.ts'
import { Connection, LostWindow } from './connection.ts'
import { dial } from '../dial.ts'
import { WindowFrames } from './frames.ts'

const edgeCases = new URL('../../../../shared/vectors/lumberjack/edge-cases.json', import.meta.url)
const skip = existsSync(edgeCases) || inCi() ? false : 'needs shared/vectors beside the project'

const never = new AbortController().signal

const connectTo = async (t: TestContext, port: number, clock: Clock = systemClock, log: Log = silentLog) => {
  const state = { gone: 0 }
  const address = { host: '127.0.0.1', port }
  const socket = await dial({ address, tls: undefined, timeoutMs: 5000, clock: systemClock, signal: never })
  const onGone = (): void => void state.gone++
  const connection = new Connection(socket, { name: `127.0.0.1:${port}`, timeout: 30_000, clock, log, onGone })
  t.after(() => socket.destroy())
  return { connection, socket, state }
}

async function window(count: number, name = 'w'): Promise<Buffer> {
  const records = makeRecords({ docs: Array.from({ length: count }, (_, n) => ({ n })), sourceId: name })
  const frames = new WindowFrames({ beat: 'yarder', version: '0' }, 0)
  return Buffer.from(await frames.build(makeParcel([{ records, from: 0, to: count }])))
}

async function rig(t: TestContext, clock?: Clock, log?: Log) {
  const fake = await startFakeLogstash()
  t.after(async () => {
    await fake.down()
    assert.deepEqual(fake.violations, [])
  })
  const made = await connectTo(t, fake.port, clock, log)
  const send = async (count: number): Promise<void> => made.connection.send(await window(count), count, never)
  return { fake, send, ...made }
}

const lost = async (sending: Promise<void>): Promise<LostWindow> => {
  const error: unknown = await sending.then(
    () => undefined,
    (e: unknown) => e
  )
  assert.ok(error instanceof LostWindow, String(error))
  return error
}
const facts = ({ code, acked, blamed, stale }: LostWindow): unknown[] => [code, acked, blamed, stale]
const arrived = (t: TestContext, fake: FakeLogstash, count: number): Promise<void> =>
  t.waitFor(() => assert.equal(fake.windows.length, count), { interval: 2 })

test('a window resolves at the acknowledgement of its last record, not before', async t => {
  const { fake, send } = await rig(t)
  fake.next(silence())
  let done = false
  const sending = send(5).then(() => (done = true))
  await arrived(t, fake, 1)
  for (const k of [0, 2, 1, 4]) fake.windows[0]!.ack(k)
  await new Promise(resolve => fake.windows[0]!.flushed(() => resolve(undefined)))
  assert.equal(done, false)
  fake.windows[0]!.ack(5)
  await sending
})

test('several windows are on the wire before the first is acknowledged, each numbered from 1', async t => {
  const { fake, send, connection } = await rig(t)
  fake.next(silence())
  const order: number[] = []
  const sending = [3, 2, 1].map(count => send(count).then(() => order.push(count)))
  await arrived(t, fake, 3)
  assert.equal(connection.windows, 3)
  fake.windows[0]!.ack()
  await Promise.all(sending)
  assert.deepEqual(order, [3, 2, 1])
  assert.equal(connection.windows, 0)
})

test('what was acknowledged of a window before the end is known', async t => {
  for (const end of ['reset', 'fin'] as const) {
    const { fake, send, state } = await rig(t)
    fake.next(partly(3, end))
    const [first, second] = [send(5), send(4)]
    assert.deepEqual(facts(await lost(first)), ['UNREACHABLE', 3, false, false])
    assert.deepEqual(facts(await lost(second)), ['UNREACHABLE', 0, false, false])
    assert.equal(state.gone, 1)
  }
})

test('a break before any answer is blamed on the first window only', async t => {
  for (const behaviour of [reset(), fin(), takeAndReset(2)]) {
    const { fake, send } = await rig(t)
    fake.next(silence())
    const [first, second] = [send(3), send(3)]
    await arrived(t, fake, 2)
    behaviour(fake.windows[0]!)
    assert.deepEqual(facts(await lost(first)), ['UNREACHABLE', 0, true, false])
    assert.equal((await lost(second)).blamed, false)
  }
})

test('a window that was worked at (keep-alive) is not blamed for a break', async t => {
  const { fake, send } = await rig(t)
  fake.next(w => {
    w.ack(0)
    w.flushed(() => w.reset())
  })
  assert.deepEqual(facts(await lost(send(3))), ['UNREACHABLE', 0, false, false])
})

test('a connection that was closed while it was idle makes a stale window, and says nothing by itself', async t => {
  const { fake, send, connection } = await rig(t)
  await send(1)
  fake.otherwise(reset())
  const error = await lost(send(1))
  assert.deepEqual([error.stale, error.message], [true, `sending to ${fake.address}`])
  assert.equal(connection.usable, false)
  assert.equal((await lost(send(1))).stale, true)
})

test('silence fails after the timeout; every answer, also a keep-alive, begins it anew', async t => {
  const clock = manualClock()
  const { fake, send } = await rig(t, clock)
  fake.next(silence())
  const sending = lost(send(2))
  await arrived(t, fake, 1)
  const flushed = (): Promise<void> => new Promise(resolve => fake.windows[0]!.flushed(resolve))
  for (const k of [0, 1, 0, 0]) {
    await clock.advance(29_000)
    fake.windows[0]!.ack(k)
    await flushed()
    await clock.advance(0)
  }
  await clock.advance(30_000)
  const error = await sending
  assert.deepEqual(facts(error), ['TIMEOUT', 1, false, false])
  assert.match(String((error.cause as Error).message), /no answer for 30000 ms/)
})

test('an idle connection may be silent for ever', async t => {
  const clock = manualClock()
  const { send, connection } = await rig(t, clock)
  await send(1)
  await clock.advance(3_600_000)
  assert.equal(connection.usable, true)
  assert.equal(clock.waiting, 0)
})

test('a Logstash that only says that it is alive for five minutes is told of once, and once when it goes on', async t => {
  const clock = manualClock()
  const said: string[] = []
  const log = {
    ...silentLog,
    warn: (_: unknown, m: string) => said.push(m),
    info: (_: unknown, m: string) => said.push(m)
  }
  const { fake, send } = await rig(t, clock, log)
  fake.next(silence())
  const sending = send(2)
  await arrived(t, fake, 1)
  const blocked = 'Logstash is alive and takes nothing; its pipeline may be blocked.'
  for (let i = 1; i <= 40; i++) {
    await clock.advance(10_000)
    fake.windows[0]!.ack(0)
    await new Promise(resolve => fake.windows[0]!.flushed(() => resolve(undefined)))
    await clock.advance(0)
    if (i < 30) assert.deepEqual(said, [])
  }
  await t.waitFor(() => assert.deepEqual(said, [blocked]))
  fake.windows[0]!.ack()
  await sending
  assert.deepEqual(said, [blocked, 'Logstash takes records again.'])
})

test('a wrong answer is a protocol error, and nothing of it counts', async t => {
  const cases: Array<[string, RegExp]> = [
    ['2A\0\0\0\x04', /acknowledged 4 of 3/],
    ['HTTP/1.1 400 Bad Request\r\n', /no Lumberjack answer but "HTTP/]
  ]
  for (const [bytes, message] of cases) {
    const { fake, send } = await rig(t)
    fake.next(answer(bytes))
    const error = await lost(send(3))
    assert.deepEqual(facts(error), ['PROTOCOL', 0, false, false])
    assert.match(error.message, message)
  }
})

test('an acknowledgement of nothing ends the connection', async t => {
  const { fake, send, connection } = await rig(t)
  fake.next(w => {
    w.ack()
    w.ack(1)
  })
  await send(2)
  assert.match(String(await connection.goneWithin(10_000)), /acknowledged 1 when nothing was open/)
})

test('a retiring connection says goodbye only after the last acknowledgement', async t => {
  const { fake, send, connection, state } = await rig(t)
  fake.next(silence())
  const sending = send(1)
  await arrived(t, fake, 1)
  connection.retire()
  assert.deepEqual([connection.usable, connection.gone, fake.goodbyes], [false, false, 0])
  fake.windows[0]!.ack()
  await sending
  await t.waitFor(() => assert.equal(fake.goodbyes, 1))
  assert.equal(state.gone, 1)
})

test('an abort ends the connection, and its windows at once', async t => {
  const { fake, connection } = await rig(t)
  fake.otherwise(silence())
  const stop = new AbortController()
  const sending = lost(connection.send(await window(1), 1, stop.signal))
  await arrived(t, fake, 1)
  stop.abort(new Error('stopping'))
  assert.deepEqual(facts(await sending), ['UNREACHABLE', 0, false, false])
})

test('a slow reader is not taken for a silent one while it reads', async t => {
  const clock = manualClock()
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const taken = once(server, 'connection') as Promise<[Socket]>
  const { connection } = await connectTo(t, (server.address() as AddressInfo).port, clock)
  const [peer] = await taken
  t.after(() => peer.destroy())
  peer.pause()
  const records = makeRecords({ docs: ['x'.repeat(40 * 1024 * 1024)].map(x => ({ x })) })
  const frames = new WindowFrames({ beat: 'b', version: '0' }, 0)
  const wire = await frames.build(makeParcel([{ records, from: 0, to: 1 }]))
  const sending = connection.send(wire, 1, never)
  let read = 0
  while (read < wire.length) {
    await clock.advance(10_000)
    assert.equal(connection.usable, true, `after ${read} of ${wire.length} bytes`)
    // More than the kernel's buffers hold back before they tell the sender of room.
    for (const until = Math.min(wire.length, read + 6 * 1024 * 1024); read < until;) {
      const chunk = (peer.read() ?? Buffer.alloc(0)) as Buffer
      read += chunk.length
      if (chunk.length === 0) await once(peer, 'readable')
    }
  }
  peer.write('2A\0\0\0\x01')
  await sending
})

interface EdgeCase {
  name: string
  clientHex: string
  'logstashBeatsInput7.0.9': string[]
  'goLumber0.2.0Server': string[]
}

// What each recorded answer means to a window of so many records, by what came: the acknowledgements, then the end.
const MEANING: ReadonlyArray<readonly [records: number, answers: string, meaning: string]> = [
  [1, 'ECONNRESET', 'UNREACHABLE, 0 acked, blamed'],
  [1, 'FIN', 'UNREACHABLE, 0 acked, blamed'],
  [1, '<324100000001', 'acknowledged'],
  [2, '<324100000002', 'acknowledged'],
  [3, '<324100000002', 'waits'],
  [3, '<324100000003', 'acknowledged'],
  [4, '<324100000004', 'acknowledged'],
  [1, '<324100000001 FIN', 'acknowledged'],
  [1, '<324100000001 <324100000001', 'acknowledged'],
  [1, '<324100000001 <324100000002', 'acknowledged'],
  [1, '<324100000000 <324100000001', 'acknowledged'],
  [2, '<324100000002 <324100000001 <324100000003', 'acknowledged'],
  [2, '<324100000000324100000000', 'waits'],
  [3, '<324100000067', 'PROTOCOL, 0 acked'],
  [2, '<314100000002', 'PROTOCOL, 0 acked'],
  [1, '(nothing within 1 s)', 'waits']
]

test('every answer that the real servers gave in the 43 recorded cases is understood', { skip }, async t => {
  const { cases } = JSON.parse(readFileSync(edgeCases, 'utf8')) as { cases: EdgeCase[] }
  assert.equal(cases.length, 43)
  const known = new Set(MEANING.map(([, answers]) => answers))
  const seen = new Set(
    cases.flatMap(c => [c['logstashBeatsInput7.0.9'], c['goLumber0.2.0Server']]).map(a => a.join(' '))
  )
  assert.deepEqual(
    [...seen].filter(answers => !known.has(answers)),
    []
  )
  for (const [records, answers, meaning] of MEANING)
    assert.equal(await meaningOf(t, records, answers), meaning, answers)
})

async function meaningOf(t: TestContext, records: number, answers: string): Promise<string> {
  const clock = manualClock()
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', () => {
      for (const said of answers.split(' ')) {
        if (said.startsWith('<')) socket.write(Buffer.from(said.slice(1), 'hex'))
        else if (said === 'FIN') socket.end()
        else if (said === 'ECONNRESET') socket.resetAndDestroy()
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { connection, socket } = await connectTo(t, (server.address() as AddressInfo).port, clock)
  const sending = connection.send(await window(records), records, never).then(
    () => 'acknowledged',
    (e: LostWindow) => (e.code === 'TIMEOUT' ? 'waits' : `${e.code}, ${e.acked} acked${e.blamed ? ', blamed' : ''}`)
  )
  // Nothing of the answers is under way any more when time goes on.
  if (/^[<(]/.test(answers)) {
    await settled(socket, answers)
    await clock.advance(60_000)
  }
  const meaning = await sending
  socket.destroy()
  server.close()
  return meaning
}

async function settled(socket: Socket, answers: string): Promise<void> {
  const bytes = answers.split(' ').reduce((n, said) => n + (said.startsWith('<') ? (said.length - 1) / 2 : 0), 0)
  while (socket.bytesRead < bytes && !socket.destroyed) await new Promise(resolve => setImmediate(resolve))
}
