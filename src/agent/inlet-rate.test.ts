import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { manualClock } from '../../test/lib/manual-clock.ts'
import { readFields } from '../core/field.ts'
import { silentInstruments } from '../core/instruments.ts'
import { silentLog } from '../core/log.ts'
import type { Rate } from '../core/rate.ts'
import { memoryState } from '../core/state.ts'
import { file } from '../input/file.ts'
import { createBufferPool } from './buffers.ts'
import { Inlet } from './inlet.ts'
import { Progress } from './progress.ts'

const LINES = 20_000

/** Reads a file that stands there under a rate, and answers how many milliseconds of the clock it took. */
async function readAll(t: TestContext, rate: Rate, allowed: (seconds: number) => number): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const path = join(dir, 'a.log')
  writeFileSync(path, '123456789\n'.repeat(LINES))
  const clock = manualClock()
  const context = {
    name: 'app',
    log: silentLog,
    clock,
    instruments: silentInstruments,
    state: memoryState(),
    dataDir: dir,
    configDir: dir,
    schema: 'logstash' as const,
    timezone: 'UTC',
    constants: {},
    once: true,
    outputs: ['out'],
    rate
  }
  const input = file.build(
    readFields(file.fields, { paths: [path] }, (at, what) => assert.fail(`${at} ${what}`))!,
    context
  )
  let taken = 0
  const faults: string[] = []
  const inlet = new Inlet({
    name: 'app',
    type: 'file',
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
        offer({ batch }) {
          taken += rate.unit === 'records' ? batch.count : batch.bytes.length
          const most = allowed(clock.elapsed() / 1000)
          if (taken > most + 1e-6) faults.push(`${taken} after ${clock.elapsed()} ms, where ${most} may be`)
          batch.settle('out')
          return Promise.resolve()
        }
      }
    ],
    keys: [],
    observers: [],
    buffers: createBufferPool(64 * 1024, 0),
    rateLimit: rate,
    clock,
    progress: new Progress(clock),
    log: silentLog,
    instruments: silentInstruments
  })
  let over = false
  void inlet.finished.then(() => (over = true))
  while (!over) await clock.advance(10)
  assert.deepEqual(faults, [])
  assert.equal(taken, rate.unit === 'records' ? LINES : LINES * 10)
  return clock.elapsed()
}

test('rate_limit: of a file that stands there no more is read than a second of it and what the rate gave since', async t => {
  const ms = await readAll(t, { unit: 'records', perSecond: 500 }, seconds => 500 + 500 * seconds)
  assert.ok(ms >= 39_000, `${ms} ms`)
  await readAll(t, { unit: 'bytes', perSecond: 20_000 }, seconds => 20_000 + 20_000 * seconds)
})
