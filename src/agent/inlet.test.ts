import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../test/lib/manual-clock.ts'
import { makeRecords } from '../../test/lib/records.ts'
import type { Emit, Input } from '../core/component.ts'
import { silentInstruments } from '../core/instruments.ts'
import { silentLog } from '../core/log.ts'
import type { Rate } from '../core/rate.ts'
import { createBufferPool } from './buffers.ts'
import { Inlet } from './inlet.ts'
import { Progress } from './progress.ts'

/** An input that hands out batches of ten lines of ten bytes for as long as it may. */
function start(rateLimit: Rate | undefined, only?: string) {
  const clock = manualClock()
  const taken: number[] = []
  const input: Input = {
    async run(emit: Emit, signal: AbortSignal) {
      for (let n = 0; n < 100 && !signal.aborted; n++) {
        const lines = Buffer.from('123456789\n'.repeat(10))
        const bounds = Uint32Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? i * 5 : (i - 1) * 5 + 9))
        const { source, arrival } = makeRecords({ docs: [] }).batch
        await emit({ source, arrival, count: 10, bytes: lines, bounds, offset: n * 100, only, settle: () => {} })
      }
    }
  }
  const throttled: number[] = []
  const inlet = new Inlet({
    name: 'app',
    type: 'test',
    signature: '',
    input,
    steps: [],
    pipelineName: 'app',
    sinks: [
      {
        name: 'out',
        full: false,
        detaches: false,
        down: false,
        room: () => Promise.resolve(),
        offer(records) {
          taken.push(records.batch.offset)
          records.batch.settle('out')
          return Promise.resolve()
        }
      }
    ],
    keys: [],
    observers: [],
    buffers: createBufferPool(64 * 1024, 0),
    rateLimit,
    clock,
    progress: new Progress(clock),
    log: silentLog,
    instruments: {
      ...silentInstruments,
      counter: (name, help, labels) =>
        name === 'yarder_input_throttled_seconds_total'
          ? { add: n => void throttled.push(n) }
          : silentInstruments.counter(name, help, labels)
    }
  })
  return { inlet, clock, taken, throttled }
}

test('rate_limit: an input hands out no more than it may, and says how long it waited for that', async () => {
  const { inlet, clock, taken, throttled } = start({ unit: 'records', perSecond: 20 })
  await clock.advance(0)
  assert.equal(taken.length, 2, 'a second of records at once')
  await clock.advance(10_000)
  assert.ok(taken.length >= 20 && taken.length <= 23, `${taken.length} batches of ten`)
  assert.ok(throttled.reduce((a, b) => a + b) > 9)
  const stopped = inlet.stopReading()
  await clock.advance(0)
  await stopped
})

test('rate_limit in bytes', async () => {
  const { inlet, clock, taken } = start({ unit: 'bytes', perSecond: 200 })
  await clock.advance(10_000)
  assert.ok(taken.length >= 20 && taken.length <= 23, `${taken.length} batches of a hundred bytes`)
  const stopped = inlet.stopReading()
  await clock.advance(0)
  await stopped
})

test('rate_limit does not hold up what is read again for one output', async () => {
  const { inlet, clock, taken } = start({ unit: 'records', perSecond: 1 }, 'out')
  await clock.advance(0)
  await inlet.finished
  assert.equal(taken.length, 100)
})
