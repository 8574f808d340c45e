import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { makeRecords } from '../../test/lib/records.ts'
import { createBufferPool } from './buffers.ts'
import { createWire } from './wire.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function setUp(offer: () => Promise<void>) {
  const abort = new AbortController()
  const settled: string[] = []
  const records = makeRecords({ docs: [{ message: 'x' }], settle: output => settled.push(output) })
  const wire = createWire({
    run: batch => Promise.resolve({ ...records, batch }),
    sinks: [{ name: 'out', offer }],
    buffers: createBufferPool(64, 0),
    signal: abort.signal
  })
  return { abort, settled, wire, batch: records.batch }
}

test('what has passed leaves nothing behind', async () => {
  const { wire, batch } = setUp(() => Promise.resolve())
  const pass = async (n: number): Promise<number> => {
    for (let i = 0; i < n; i++) await wire.emit(batch)
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = await pass(2000)
  const grown = (await pass(30_000)) - before
  assert.ok(grown < 1_500_000, `${grown} bytes more after 30,000 batches`)
})

test('a stop ends the wait for room, and nothing more is taken', async () => {
  const { abort, settled, wire, batch } = setUp(() => new Promise(() => {}))
  const waiting = wire.emit(batch)
  const next = assert.rejects(wire.emit(batch))
  await new Promise(resolve => setImmediate(resolve))
  abort.abort()
  await waiting
  await next
  assert.deepEqual(settled, [])
})

test('a stop while the pipeline is at work ends the wait for room too', async () => {
  const { abort, wire, batch } = setUp(() => new Promise(() => {}))
  const waiting = wire.emit(batch)
  await Promise.resolve()
  abort.abort()
  await waiting
})

test('an output that had a batch before a restart does not get it again, and it is settled for all', async () => {
  const settled: string[] = []
  const offered: string[] = []
  const records = makeRecords({ docs: [{ message: 'x' }], settle: output => settled.push(output) })
  const sink = (name: string) => ({
    name,
    offer: (taken: typeof records) => {
      offered.push(name)
      taken.batch.settle(name)
      return Promise.resolve()
    }
  })
  const wire = createWire({
    run: batch => Promise.resolve({ ...records, batch }),
    sinks: [sink('elastic'), sink('file')],
    buffers: createBufferPool(64, 0),
    signal: new AbortController().signal
  })
  await wire.emit({ ...records.batch, settledFor: ['file'] })
  await wire.settled()
  assert.deepEqual(offered, ['elastic'])
  assert.deepEqual(settled.sort(), ['elastic', 'file'])
})
