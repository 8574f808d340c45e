import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { manualClock } from '../../test/lib/manual-clock.ts'
import { makeRecords } from '../../test/lib/records.ts'
import { systemClock } from '../core/clock.ts'
import type { Batch, Records } from '../core/component.ts'
import { createBufferPool } from './buffers.ts'
import { createWire } from './wire.ts'
import type { Sink } from './wire.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** An output that takes until it is told to be full, and settles when told to. */
class Outlet implements Sink {
  readonly name: string
  readonly detaches: boolean
  full = false
  down = false
  readonly taken: Records[] = []
  #waiting: (() => void)[] = []

  constructor(name: string, detaches = true) {
    this.name = name
    this.detaches = detaches
  }

  async offer(records: Records): Promise<void> {
    this.taken.push(records)
    await this.room()
  }

  async room(): Promise<void> {
    if (this.full) await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  empty(): void {
    this.full = false
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  get offsets(): number[] {
    return this.taken.map(r => r.batch.offset)
  }
}

function setUp(sinks: readonly Sink[], clock = systemClock, counts = false) {
  const abort = new AbortController()
  const ran: string[] = []
  const run =
    (how: string) =>
    (batch: Batch): Promise<Records> => {
      ran.push(`${how} ${batch.offset}`)
      return Promise.resolve({ ...makeRecords({ docs: [{ message: 'x' }] }), batch })
    }
  const wire = createWire({
    run: run('first'),
    runAgain: () => run('again'),
    counts,
    sinks,
    buffers: createBufferPool(64, 0),
    clock,
    signal: abort.signal
  })
  const settled: string[] = []
  const declined: string[] = []
  const batch = (offset: number, more: Partial<Batch> = {}): Batch => ({
    ...makeRecords({ docs: [{ message: 'x' }] }).batch,
    offset,
    settle: output => void settled.push(`${output} ${offset}`),
    decline: output => void declined.push(`${output} ${offset}`),
    ...more
  })
  return { abort, wire, batch, settled, declined, ran }
}

/** True when it is still waiting after everything that could go on has. */
async function waits(work: Promise<unknown>): Promise<boolean> {
  let over = false
  void work.finally(() => (over = true)).catch(() => {})
  for (let i = 0; i < 5; i++) await new Promise(resolve => setImmediate(resolve))
  return !over
}

test('what has passed leaves nothing behind', async () => {
  const out = new Outlet('out')
  const { wire, batch, ran } = setUp([out])
  const pass = async (n: number): Promise<number> => {
    for (let i = 0; i < n; i++) {
      await wire.emit(batch(i))
      out.taken.length = 0
      ran.length = 0
    }
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = await pass(2000)
  const grown = (await pass(30_000)) - before
  assert.ok(grown < 1_500_000, `${grown} bytes more after 30,000 batches`)
})

test('a stop ends the wait for room, and nothing more is taken', async () => {
  const out = new Outlet('out')
  out.full = true
  const { abort, settled, wire, batch } = setUp([out])
  const waiting = wire.emit(batch(0))
  const next = assert.rejects(wire.emit(batch(1)))
  assert.ok(await waits(waiting))
  abort.abort()
  await waiting
  await next
  assert.deepEqual(settled, [])
})

test('a stop while the pipeline is at work ends the wait for room too', async () => {
  const out = new Outlet('out')
  out.full = true
  const { abort, wire, batch } = setUp([out])
  const waiting = wire.emit(batch(0))
  await Promise.resolve()
  abort.abort()
  await waiting
})

test('an output that is behind gets nothing and nothing is settled for it; the others go on', async () => {
  const [a, b] = [new Outlet('a'), new Outlet('b')]
  const { wire, batch, settled } = setUp([a, b])
  await wire.emit(batch(7, { behind: ['b'] }))
  assert.deepEqual([a.offsets, b.offsets], [[7], []])
  a.taken[0]!.batch.settle('a')
  await wire.settled()
  assert.deepEqual(settled, ['a 7'])
})

test('one of two outputs has no room: it is waited for a little, then left behind, and the other goes on', async () => {
  const clock = manualClock()
  const [a, b] = [new Outlet('a'), new Outlet('b')]
  const { wire, batch, declined } = setUp([a, b], clock)
  await wire.emit(batch(0))
  b.full = true
  const second = wire.emit(batch(1))
  assert.ok(await waits(second))
  await clock.advance(2100)
  await second
  assert.deepEqual(declined, ['b 1'])
  await wire.emit(batch(2))
  assert.deepEqual(declined, ['b 1', 'b 2'], 'its patience is used up')
  assert.deepEqual([a.offsets, b.offsets], [[0, 1, 2], [0]])
})

test('room that comes in time keeps an output with the others', async () => {
  const clock = manualClock()
  const [a, b] = [new Outlet('a'), new Outlet('b')]
  const { wire, batch, declined } = setUp([a, b], clock)
  b.full = true
  const first = wire.emit(batch(0))
  assert.ok(await waits(first))
  await clock.advance(500)
  b.empty()
  await first
  assert.deepEqual(declined, [])
  assert.deepEqual([a.offsets, b.offsets], [[0], [0]])
})

for (const [why, a, b, more] of [
  ['it is the only one', undefined, new Outlet('b'), {}],
  ['it blocks by intention', new Outlet('a'), new Outlet('b', false), {}],
  ['nothing can be read again', new Outlet('a'), new Outlet('b'), { decline: undefined }]
] as const)
  test(`an output without room is waited for when ${why}`, async () => {
    const clock = manualClock()
    const { wire, batch, declined } = setUp(a === undefined ? [b] : [a, b], clock)
    b.full = true
    const first = wire.emit(batch(0, more as Partial<Batch>))
    const second = wire.emit(batch(1, more as Partial<Batch>))
    await clock.advance(60_000)
    assert.ok(await waits(second))
    b.empty()
    await first
    await second
    assert.deepEqual(declined, [])
    assert.deepEqual(b.offsets, [0, 1])
  })

test('while no output has room all are waited for; the first that has lets the input go on', async () => {
  const clock = manualClock()
  const [a, b] = [new Outlet('a'), new Outlet('b')]
  const { wire, batch, declined } = setUp([a, b], clock)
  a.full = true
  b.full = true
  const first = wire.emit(batch(0))
  await clock.advance(60_000)
  assert.ok(await waits(first))
  a.empty()
  await clock.advance(2100)
  await first
  assert.deepEqual(declined, ['b 0'])
  assert.deepEqual([a.offsets, b.offsets], [[0], []])
})

test('an output that has caught up goes on, though the last that took has no room any more', async () => {
  const clock = manualClock()
  const [a, b] = [new Outlet('a'), new Outlet('b')]
  const { wire, batch, declined } = setUp([a, b], clock)
  a.full = true
  let awaited = false
  const first = wire.emit({
    ...batch(0, { behind: ['b'] }),
    get awaited() {
      return awaited
    }
  })
  await clock.advance(60_000)
  assert.ok(await waits(first))
  awaited = true
  await clock.advance(3000)
  await first
  assert.deepEqual(declined, ['a 0'])
  await wire.emit(batch(1))
  assert.deepEqual([a.offsets, b.offsets], [[], [1]])
})

test('metrics go on while the only output is down, not while it is just slow', async () => {
  const clock = manualClock()
  const out = new Outlet('out')
  const { wire, batch, declined, ran } = setUp([out], clock, true)
  await wire.emit(batch(0))
  out.full = true
  const slow = wire.emit(batch(1))
  await clock.advance(60_000)
  assert.ok(await waits(slow))
  out.down = true
  await clock.advance(3000)
  await slow
  await wire.emit(batch(2))
  assert.deepEqual(declined, ['out 1', 'out 2'])
  assert.deepEqual(ran, ['first 0', 'first 1', 'first 2'])
})

test('what is read again goes to its output alone, on a lane of its own, through a pipeline that counts nothing', async () => {
  const [a, b] = [new Outlet('a'), new Outlet('b')]
  const { wire, batch, ran, settled } = setUp([a, b])
  b.full = true
  const again = wire.emit(batch(1, { only: 'b' }))
  assert.ok(await waits(again))
  await wire.emit(batch(5, { behind: ['b'] }))
  assert.deepEqual([a.offsets, b.offsets], [[5], [1]])
  assert.deepEqual(ran, ['again 1', 'first 5'])
  b.empty()
  await again
  b.taken[0]!.batch.settle('b')
  a.taken[0]!.batch.settle('a')
  await wire.settled()
  assert.deepEqual(settled, ['b 1', 'a 5'])
})

test('an output that wants nothing of a batch keeps nobody waiting for it, full as it is', async () => {
  const [all, few] = [new Outlet('all'), new Outlet('few', false)]
  few.full = true
  const none = { ...makeRecords({ docs: [] }), unwanted: 1 }
  const { abort } = setUp([])
  const wire = createWire({
    run: batch => {
      const records = { ...makeRecords({ docs: [{ message: 'x' }] }), batch }
      const part = batch.offset === 1 ? records : { ...none, batch }
      return Promise.resolve({ ...records, selected: new Map([['few', part]]) })
    },
    runAgain: () => () => assert.fail('nothing is read again'),
    sinks: [all, few],
    buffers: createBufferPool(64, 0),
    clock: systemClock,
    signal: abort.signal
  })
  const { batch } = setUp([])
  await wire.emit(batch(0))
  assert.deepEqual(all.offsets, [0])
  assert.deepEqual(
    few.taken.map(r => [r.count, r.unwanted]),
    [[0, 1]]
  )
  const waiting = wire.emit(batch(1))
  assert.ok(await waits(waiting), 'but for what it wants')
  few.empty()
  await waiting
  assert.deepEqual(
    few.taken.map(r => r.count),
    [0, 1]
  )
  abort.abort()
})
