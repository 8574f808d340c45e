import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { manualClock } from '../../test/lib/manual-clock.ts'
import type { Clock } from '../core/clock.ts'
import type { Check } from '../core/component.ts'
import { createRunner } from './run.ts'

const fine = { state: 'ok', reason: 'ok', message: 'fine' } as const
const never = new AbortController().signal

test('a run is measured on the monotonic clock', async () => {
  const clock = manualClock()
  const runner = createRunner(() => clock.wait(1500).then(() => fine), 5000, clock)
  const run = runner.run(never)
  await clock.advance(1500)
  assert.deepEqual(await run, { ...fine, seconds: 1.5 })
  assert.equal(clock.waiting, 0)
})

test('at the limit the signal aborts and the result is a timeout, whatever the check says then', async () => {
  const clock = manualClock()
  const check: Check = signal =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const run = createRunner(check, 2000, clock).run(never)
  await clock.advance(2000)
  const { state, reason, message, seconds } = await run
  assert.deepEqual([state, reason, message, seconds], ['critical', 'timeout', 'timed out after 2 seconds', 2])
})

test('a check that does not let go is not started a second time', async () => {
  const clock = manualClock()
  const starts: ((r: typeof fine) => void)[] = []
  const runner = createRunner(() => new Promise(resolve => starts.push(resolve)), 1000, clock)
  const first = runner.run(never)
  await clock.advance(1000)
  assert.equal((await first).reason, 'timeout')
  const second = await runner.run(never)
  assert.deepEqual([second.reason, second.message, starts.length], ['timeout', 'the run before has not ended yet', 1])
  starts[0]!(fine)
  await clock.advance(0)
  const third = runner.run(never)
  await clock.advance(0)
  starts[1]!(fine)
  assert.equal((await third).state, 'ok')
})

test('a check that throws is unknown, with its stack for the log', async () => {
  const run = await createRunner(async () => Promise.reject(new Error('a bug')), 1000, manualClock()).run(never)
  assert.deepEqual([run.state, run.reason, run.message], ['unknown', 'error', 'the check itself failed: a bug'])
  assert.match(run.error!.stack!, /a bug\n\s+at /)
})

test('a stop ends a run at once, even of a check that hangs', async () => {
  const clock = manualClock()
  const stop = new AbortController()
  let aborted = false
  const hang: Check = signal => new Promise(() => signal.addEventListener('abort', () => (aborted = true)))
  const run = createRunner(hang, 60_000, clock).run(stop.signal)
  stop.abort()
  await run
  assert.equal(aborted, true)
  assert.equal(clock.waiting, 0)
})

test('after the agent itself stood still, an answer that has come meanwhile is heard; without one it is a timeout', async () => {
  for (const answers of [true, false]) {
    let elapsed = 0
    const waits: (() => void)[] = []
    // As after SIGSTOP: the limit ends long after its time, and a moment before the answer is read.
    const clock: Clock = {
      now: () => elapsed,
      elapsed: () => elapsed,
      wait: () => new Promise(resolve => waits.push(resolve))
    }
    const answer = Promise.withResolvers<typeof fine>()
    const run = createRunner(() => answer.promise, 1000, clock).run(never)
    elapsed = 60_000
    waits.shift()!()
    await turn()
    if (answers) answer.resolve(fine)
    else waits.shift()!()
    assert.equal((await run).reason, answers ? 'ok' : 'timeout')
  }
})
