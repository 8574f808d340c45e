import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import fc from 'fast-check'
import { manualClock } from '../../test/lib/manual-clock.ts'
import type { ManualClock } from '../../test/lib/manual-clock.ts'
import { makeRecords } from '../../test/lib/records.ts'
import type { Output, Parcel, Sent } from '../core/component.ts'
import { YarderError } from '../core/errors.ts'
import { silentInstruments } from '../core/instruments.ts'
import { silentLog } from '../core/log.ts'
import type { Log } from '../core/log.ts'
import { locate, partDocuments, recordId } from '../core/parcel.ts'
import { readDeadLetters } from './dead-letter.ts'
import { Delivery } from './delivery.ts'
import type { DeliveryOptions } from './delivery.ts'

type Answer = Partial<Sent> | Error | 'hang'

/** A destination in memory: answers as told, then takes everything. Keeps what it took by identity. */
class Destination implements Output {
  readonly target = 'memory'
  readonly taken: string[] = []
  readonly parcels: Array<{ count: number; ids: string[] }> = []
  readonly script: Answer[] = []
  otherwise: Answer = {}
  open = 0
  mostOpen = 0
  closed = 0

  async send(parcel: Parcel, signal: AbortSignal): Promise<Sent> {
    const ids = Array.from({ length: parcel.count }, (_, i) => {
      const { records, row } = locate(parcel, i)
      return recordId(records, row)
    })
    this.parcels.push({ count: parcel.count, ids })
    this.open++
    this.mostOpen = Math.max(this.mostOpen, this.open)
    const answer = this.script.shift() ?? this.otherwise
    try {
      if (answer === 'hang')
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('x'))))
      await Promise.resolve()
    } finally {
      this.open--
    }
    if (answer instanceof Error) throw answer
    const { retry = [], rejected = [] } = answer as Partial<Sent>
    const out = new Set([...retry, ...rejected.map(r => r.index)])
    ids.forEach((id, i) => out.has(i) || this.taken.push(id))
    return { ...(answer as Partial<Sent>), retry, rejected }
  }

  close(): Promise<void> {
    this.closed++
    return Promise.resolve()
  }
}

interface Bench {
  delivery: Delivery
  destination: Destination
  clock: ManualClock
  settled: string[]
  lines: Array<{ level: string; message: string; data: Record<string, unknown> }>
  dataDir: string
  /** Offers records `name`-0 … of one document each of about `bytes` bytes. */
  offer(name: string, count: number, bytes?: number): Promise<void>
}

const OPTIONS: DeliveryOptions = {
  backoff: { init: 1000, max: 60_000 },
  batch: { max_events: 100, max_bytes: 100_000, timeout: 1000 },
  in_flight: 2,
  queue_bytes: 300_000
}

function bench(t: TestContext, options: Partial<DeliveryOptions> = {}, start = true, more: object = {}): Bench {
  const dataDir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  const clock = manualClock()
  const destination = new Destination()
  const lines: Bench['lines'] = []
  const say =
    (level: string) =>
    (data: object, message: string): void =>
      void lines.push({ level, message, data: data as Record<string, unknown> })
  const log: Log = { ...silentLog, error: say('error'), warn: say('warn'), info: say('info') }
  const context = { name: 'out', log, clock, instruments: silentInstruments, dataDir }
  const delivery = new Delivery({
    type: 'memory',
    output: destination,
    options: { ...OPTIONS, ...options },
    context,
    random: () => 1,
    ...more
  })
  t.after(() => delivery.close())
  if (start) delivery.start()
  const settled: string[] = []
  const offer = (name: string, count: number, bytes = 20): Promise<void> =>
    delivery.offer(
      makeRecords({
        docs: Array.from({ length: count }, (_, n) => ({ n, text: 'x'.repeat(bytes) })),
        offsets: Array.from({ length: count }, (_, n) => n),
        sourceId: name,
        settle: output => settled.push(`${output}:${name}`)
      })
    )
  return { delivery, destination, clock, settled, lines, dataDir, offer }
}

const ids = (name: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${name}-${n}`)
const refused = (): YarderError =>
  new YarderError('UNREACHABLE', 'POST http://h:9200/_bulk', {
    cause: Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:9200'), { code: 'ECONNREFUSED' })
  })

test('records wait for others up to the time limit, and no longer once the parcel is full', async t => {
  const b = bench(t)
  await b.offer('a', 3)
  await b.clock.advance(999)
  assert.equal(b.destination.parcels.length, 0)
  await b.clock.advance(1)
  assert.deepEqual(
    b.destination.parcels.map(p => p.count),
    [3]
  )
  await b.offer('b', 60)
  await b.offer('c', 60)
  await b.clock.advance(0)
  assert.deepEqual(
    b.destination.parcels.map(p => p.count),
    [3, 100]
  )
  assert.deepEqual(b.settled, ['out:a', 'out:b'])
  await b.clock.advance(1000)
  assert.deepEqual(b.settled, ['out:a', 'out:b', 'out:c'])
  assert.deepEqual(b.destination.taken, [...ids('a', 3), ...ids('b', 60), ...ids('c', 60)])
})

test('a parcel is cut by bytes, and a record larger than that goes alone', async t => {
  const b = bench(t, { queue_bytes: 10_000_000 })
  await b.offer('a', 10, 30_000)
  await b.offer('b', 1, 500_000)
  await b.clock.advance(5000)
  assert.deepEqual(
    b.destination.parcels.map(p => p.count),
    [3, 3, 3, 1, 1]
  )
})

test('a batch of which the pipeline left nothing settles at once', async t => {
  const b = bench(t)
  await b.offer('a', 0)
  assert.deepEqual(b.settled, ['out:a'])
})

test('offer waits while the queue is full, and takes the records over all the same', async t => {
  const b = bench(t)
  b.destination.otherwise = 'hang'
  let resolved = false
  const waiting = b.offer('a', 40, 10_000).then(() => (resolved = true))
  await b.clock.advance(60_000)
  assert.equal(resolved, false)
  assert.equal(b.delivery.unacknowledged, 40)
  await b.delivery.close()
  await waiting
  assert.deepEqual(b.settled, [])
})

test('no more than in_flight sends run at once, and one only until the destination has answered', async t => {
  const b = bench(t, { batch: { max_events: 10, max_bytes: 100_000, timeout: 1000 } })
  const open: number[] = []
  const send = b.destination.send.bind(b.destination)
  b.destination.send = (parcel, signal) => (open.push(b.destination.open + 1), send(parcel, signal))
  await b.offer('a', 100)
  await b.clock.advance(10)
  assert.deepEqual([open.slice(0, 2), Math.max(...open)], [[1, 1], 2])
  assert.equal(b.destination.taken.length, 100)
})

test('a failed send is repeated whole, waits double up to the limit, and a success starts them anew', async t => {
  const b = bench(t)
  const at: number[] = []
  const send = b.destination.send.bind(b.destination)
  b.destination.send = (parcel, signal) => (at.push(b.clock.elapsed()), send(parcel, signal))
  b.destination.script.push(...Array.from({ length: 9 }, refused))
  await b.offer('a', 100)
  await b.clock.advance(400_000)
  assert.deepEqual(
    at.map((ms, i) => ms - (at[i - 1] ?? 0)),
    [0, 1, 2, 4, 8, 16, 32, 60, 60, 60].map(s => s * 1000)
  )
  assert.deepEqual(b.destination.taken, ids('a', 100))
  assert.deepEqual(b.settled, ['out:a'])
  at.length = 0
  b.destination.script.push(refused())
  await b.offer('b', 100)
  await b.clock.advance(5000)
  assert.equal(at[1]! - at[0]!, 1000)
})

test('while a destination fails, one send at a time asks it', async t => {
  const b = bench(t, { batch: { max_events: 10, max_bytes: 100_000, timeout: 1000 } })
  await b.offer('a', 10)
  await b.clock.advance(0)
  b.destination.otherwise = refused()
  b.destination.mostOpen = 0
  await b.offer('b', 100)
  await b.clock.advance(100)
  const before = b.destination.parcels.length
  assert.ok(before <= 3, `${before} parcels`)
  b.destination.mostOpen = 0
  await b.clock.advance(600_000)
  assert.equal(b.destination.mostOpen, 1)
  assert.ok(b.destination.parcels.length - before < 20)
  assert.deepEqual(b.settled, ['out:a'])
})

test('a wait the destination asks for is kept, up to five minutes', async t => {
  const b = bench(t)
  b.destination.script.push(
    new YarderError('REFUSED', 'too many requests: POST http://h/_bulk', { retryAfterMs: 20_000 })
  )
  b.destination.script.push(new YarderError('REFUSED', 'too many requests: POST http://h/_bulk', { retryAfterMs: 9e9 }))
  await b.offer('a', 100)
  await b.clock.advance(19_999)
  assert.equal(b.destination.parcels.length, 1)
  await b.clock.advance(1)
  assert.equal(b.destination.parcels.length, 2)
  await b.clock.advance(299_999)
  assert.equal(b.destination.parcels.length, 2)
  await b.clock.advance(1)
  assert.deepEqual(b.settled, ['out:a'])
})

test('only the records named are sent again, before all others and in their order', async t => {
  const b = bench(t, { in_flight: 1, batch: { max_events: 10, max_bytes: 100_000, timeout: 1000 } })
  b.destination.script.push({ retry: [1, 2, 7] })
  await b.offer('a', 10)
  await b.offer('b', 10)
  await b.clock.advance(0)
  assert.deepEqual(b.settled, [])
  await b.clock.advance(5000)
  assert.deepEqual(b.destination.parcels[1]!.ids.slice(0, 4), ['a-1', 'a-2', 'a-7', 'b-0'])
  assert.deepEqual(b.settled, ['out:a', 'out:b'])
  assert.equal(new Set(b.destination.taken).size, 20)
  assert.equal(b.destination.taken.length, 20)
})

test('a refused record settles once its dead letter is on disk, with the reason and the bytes of the document', async t => {
  const b = bench(t)
  b.destination.script.push({ rejected: [{ index: 2, reason: 'no such field', status: 400, target: 'logs-x' }] })
  await b.offer('a', 5)
  await b.clock.advance(1000)
  await t.waitFor(() => assert.deepEqual(b.settled, ['out:a']))
  const letters = await Array.fromAsync(readDeadLetters(b.dataDir, 'out'))
  assert.equal(letters.length, 1)
  assert.deepEqual(
    [letters[0]!.reason, letters[0]!.status, letters[0]!.target, letters[0]!.id, letters[0]!.document],
    ['no such field', 400, 'logs-x', 'a-2', { n: 2, text: 'x'.repeat(20) }]
  )
  assert.deepEqual(b.destination.taken, ['a-0', 'a-1', 'a-3', 'a-4'])
})

test('while no dead letter can be written the batch stays unsettled, others go on, and it settles when there is room', async t => {
  const b = bench(t)
  const block = join(b.dataDir, 'dead-letters')
  writeFileSync(block, 'in the way')
  b.destination.script.push({ rejected: [{ index: 0, reason: 'bad', status: 400 }] })
  await b.offer('a', 1)
  await b.clock.advance(1000)
  await t.waitFor(() => assert.ok(b.lines.some(l => l.level === 'error')))
  await b.offer('b', 1)
  await b.clock.advance(1000)
  assert.deepEqual(b.settled, ['out:b'])
  rmSync(block)
  await t.waitFor(async () => {
    await b.clock.advance(60_000)
    assert.deepEqual(b.settled, ['out:b', 'out:a'])
  })
  assert.equal((await Array.fromAsync(readDeadLetters(b.dataDir, 'out'))).length, 1)
})

test('a stop while no dead letter can be written settles nothing: the refused record comes again at the next start', async t => {
  const b = bench(t)
  writeFileSync(join(b.dataDir, 'dead-letters'), 'in the way')
  b.destination.script.push({ rejected: [{ index: 0, reason: 'bad', status: 400 }] })
  await b.offer('a', 1)
  await b.clock.advance(1000)
  await t.waitFor(() => assert.ok(b.lines.some(l => l.level === 'error')))
  await b.delivery.close()
  await b.clock.advance(60_000)
  assert.deepEqual(b.settled, [])
})

test('the state goes from yellow to green and back with the words for the journal, once per change', async t => {
  const b = bench(t, {}, false)
  assert.equal(b.delivery.status().state, 'uninitialized')
  b.destination.script.push(refused(), refused(), refused())
  b.delivery.start()
  await b.offer('a', 100)
  await b.clock.advance(30_000)
  const said = b.lines.map(l => l.message)
  assert.deepEqual(said, [
    'Status changed from uninitialized to yellow - Waiting for memory',
    'Request error, retrying.',
    'Status changed from yellow to green - Ready'
  ])
  assert.deepEqual(
    [b.lines[1]!.data['error'], b.lines[1]!.data['errno']],
    ['POST http://h:9200/_bulk: connect ECONNREFUSED 10.0.0.1:9200', 'ECONNREFUSED']
  )
  assert.deepEqual(
    [b.lines[2]!.data['state'], b.lines[2]!.data['prevState'], b.lines[2]!.data['prevMsg']],
    ['green', 'yellow', 'Request error, retrying']
  )
  b.destination.script.push(new YarderError('REFUSED', 'unauthorised: POST http://h:9200/_bulk answered 401'))
  await b.offer('b', 100)
  await b.clock.advance(0)
  assert.deepEqual([b.delivery.status().state, b.delivery.status().message], ['yellow', 'Unauthorised'])
  assert.equal(b.lines.at(-1)!.message, 'Status changed from green to yellow - Unauthorised')
  await b.clock.advance(5000)
  assert.equal(b.delivery.status().state, 'green')
})

test('an hour of failures is told a few times, not each time', async t => {
  const b = bench(t)
  b.destination.otherwise = refused()
  await b.offer('a', 100)
  await b.clock.advance(3_600_000)
  assert.ok(b.destination.parcels.length > 60)
  const told = b.lines.filter(l => l.message === 'Request error, retrying.').length
  assert.ok(told >= 4 && told <= 9, `${told} lines`)
})

test('five minutes without an acknowledgement while something waits is red, until the next acknowledgement', async t => {
  const b = bench(t)
  await b.clock.advance(3_600_000)
  assert.equal(b.delivery.status().state, 'yellow')
  b.destination.script.push('hang')
  b.destination.otherwise = {}
  await b.offer('a', 100)
  await b.clock.advance(299_999)
  assert.equal(b.delivery.status().state, 'yellow')
  await b.clock.advance(1)
  assert.deepEqual(
    b.lines.filter(l => l.level === 'error').map(l => l.message),
    ['Status changed from yellow to red - No acknowledgement for 5 minutes']
  )
  const { state, unacknowledged, oldestAgeMs } = b.delivery.status()
  assert.deepEqual([state, unacknowledged, oldestAgeMs], ['red', 100, 300_000])
})

test('an outage is told again after 10, 30 and 70 minutes and then each hour, with how long it lasts and what waits', async t => {
  const b = bench(t)
  b.destination.otherwise = refused()
  await b.offer('a', 100)
  await b.clock.advance(5 * 3_600_000)
  const told = b.lines.filter(l => l.level === 'error' && l.message.startsWith('Still nothing'))
  assert.deepEqual(
    told.map(l => l.data['minutes']),
    [15, 35, 75, 135, 195, 255]
  )
  assert.deepEqual([told[0]!.data['waiting'], told[0]!.data['target']], [100, b.delivery.status().target])
  assert.match(String(told[0]!.data['error']), /ECONNREFUSED/)
  b.destination.otherwise = {}
  await b.clock.advance(3_600_000)
  assert.equal(b.delivery.status().state, 'green')
  b.lines.length = 0
  await b.clock.advance(24 * 3_600_000)
  assert.deepEqual(b.lines, [])
})

test('red turns green with the first acknowledgement', async t => {
  const b = bench(t)
  b.destination.otherwise = refused()
  await b.offer('a', 100)
  await b.clock.advance(400_000)
  assert.equal(b.delivery.status().state, 'red')
  b.destination.otherwise = {}
  await b.clock.advance(60_000)
  assert.equal(b.delivery.status().state, 'green')
  assert.deepEqual(b.settled, ['out:a'])
})

test('a destination that can be probed is known before the first record', async t => {
  const b = bench(t, {}, false)
  let probes = 0
  const probing = Object.assign(b.destination, {
    probe: () => (++probes < 3 ? Promise.reject(refused()) : Promise.resolve())
  })
  assert.ok(probing)
  b.delivery.start()
  await b.clock.advance(0)
  assert.equal(b.delivery.status().lastError, 'POST http://h:9200/_bulk: connect ECONNREFUSED 10.0.0.1:9200')
  await b.clock.advance(60_000)
  assert.deepEqual([probes, b.delivery.status().state], [3, 'green'])
})

test('drain sends what is gathered at once and waits for the answers', async t => {
  const b = bench(t)
  await b.offer('a', 5)
  assert.equal(await b.delivery.drain(10_000), true)
  assert.deepEqual(b.settled, ['out:a'])
  assert.equal(b.destination.closed, 1)
})

test('drain gives up at its deadline, and what was not acknowledged stays unsettled', async t => {
  const b = bench(t)
  b.destination.otherwise = 'hang'
  await b.offer('a', 100)
  const draining = b.delivery.drain(10_000)
  await b.clock.advance(10_000)
  assert.equal(await draining, false)
  assert.deepEqual(b.settled, [])
  assert.equal(b.destination.open, 0)
  assert.equal(b.clock.waiting, 0)
})

test('drain does not hang on an output that heeds no signal and never closes', async t => {
  const b = bench(t)
  b.destination.send = () => new Promise(() => {})
  b.destination.close = () => new Promise(() => {})
  await b.offer('a', 100)
  const draining = b.delivery.drain(10_000)
  await b.clock.advance(12_000)
  assert.equal(await draining, false)
})

test('drain tries once more at once though a long wait was on', async t => {
  const b = bench(t)
  b.destination.otherwise = refused()
  await b.offer('a', 100)
  await b.clock.advance(250_000)
  b.destination.otherwise = {}
  const draining = b.delivery.drain(10_000)
  await b.clock.advance(0)
  assert.equal(await draining, true)
  assert.deepEqual(b.settled, ['out:a'])
})

test('an output that is broken for good says so once and is not asked again', async t => {
  const broken: unknown[] = []
  const b = bench(t, {}, true, { onBroken: (e: unknown) => broken.push(e) })
  b.destination.otherwise = new YarderError('RUNTIME', 'writing to stdout')
  await b.offer('a', 100)
  await b.clock.advance(600_000)
  assert.equal(b.destination.parcels.length, 1)
  assert.equal(broken.length, 1)
  assert.equal(b.delivery.status().state, 'red')
  assert.equal(await b.delivery.drain(10_000), false)
})

test('whatever a destination answers, every record arrives or has a dead letter, and each batch settles once, not before', async t => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(30), { minLength: 1, maxLength: 12 }),
      fc.array(fc.oneof(fc.constant('fail'), fc.array(fc.nat(2), { maxLength: 25 })), { maxLength: 25 }),
      fc.integer({ min: 1, max: 3 }),
      async (batches, script, in_flight) => {
        const b = bench(t, { in_flight, batch: { max_events: 25, max_bytes: 2000, timeout: 1000 }, queue_bytes: 1500 })
        const open = new Map(batches.map((count, i) => [`b${i}`, count]))
        const send = b.destination.send.bind(b.destination)
        b.destination.send = async (parcel, signal) => {
          const next = script.shift()
          if (next === 'fail') b.destination.script.unshift(refused())
          else if (next !== undefined) {
            const marks = next.slice(0, parcel.count)
            const at = (m: number): number[] => marks.flatMap((mark, i) => (mark === m ? [i] : []))
            b.destination.script.unshift({
              retry: at(1),
              rejected: at(2).map(index => ({ index, reason: 'no', status: 400 }))
            })
          }
          return await send(parcel, signal)
        }
        const offering = batches.map((count, i) => b.offer(`b${i}`, count))
        await t.waitFor(
          async () => {
            await b.clock.advance(60_000)
            assert.equal(b.settled.length, batches.length)
          },
          { timeout: 5000, interval: 2 }
        )
        await Promise.all(offering)
        assert.equal(new Set(b.settled).size, batches.length)
        const buried = (await Array.fromAsync(readDeadLetters(b.dataDir, 'out'))).map(l => l.id)
        const expected = [...open].flatMap(([name, count]) => ids(name, count))
        assert.deepEqual([...b.destination.taken, ...buried].sort(), expected.sort())
        assert.equal(b.delivery.unacknowledged, 0)
        await b.delivery.close()
      }
    ),
    { numRuns: 40 }
  )
})

test('the documents of a part are its own lines', () => {
  const records = makeRecords({ docs: [{ a: 1 }, { b: 2 }, { c: 3 }] })
  assert.equal(partDocuments({ records, from: 1, to: 3 }).toString(), '{"b":2}\n{"c":3}\n')
})

test('an output that would keep a record twice has positions written after each answer, another has not', async t => {
  for (const repeats of [true, false]) {
    let told = 0
    let settledBefore = 0
    const b = bench(t, {}, false, {
      onSettled: () => {
        told++
        settledBefore = b.settled.length
      }
    })
    if (repeats) Object.assign(b.destination, { repeats })
    b.delivery.start()
    await b.offer('a', 100)
    await b.offer('b', 100)
    await t.waitFor(() => assert.equal(b.settled.length, 2))
    assert.equal(told, repeats ? 2 : 0)
    assert.equal(settledBefore, repeats ? 2 : 0, 'after the batch is settled')
  }
})

test('a dead letter has positions written at once, so that a crash does not write it twice', async t => {
  let told = 0
  const b = bench(t, {}, true, { onSettled: () => told++ })
  b.destination.script.push({ rejected: [{ index: 1, reason: 'bad', status: 400, target: 'x', id: 'i' }] })
  await b.offer('a', 100)
  await t.waitFor(() => assert.equal(b.settled.length, 1))
  assert.equal(told, 1)
})

test('another kind of trouble is told at once, the same one only now and then', async t => {
  const b = bench(t)
  const expired = new YarderError('UNREACHABLE', 'POST https://h:9200/_bulk', {
    cause: Object.assign(new Error('certificate has expired'), { code: 'CERT_HAS_EXPIRED' })
  })
  b.destination.script.push(refused(), refused(), expired, expired, refused())
  await b.offer('a', 100)
  await b.clock.advance(20_000)
  const told = b.lines.filter(l => l.message === 'Request error, retrying.').map(l => l.data['errno'])
  assert.deepEqual(told, ['ECONNREFUSED', 'CERT_HAS_EXPIRED'])
})
