import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../test/lib/manual-clock.ts'
import { paced } from './paced.ts'

/** Work of a given cost, and how often it was done. */
function rig(cost: number) {
  const clock = manualClock()
  const stop = new AbortController()
  let cpu = 0
  const did = { times: 0, cost }
  const work = (): void => {
    did.times++
    cpu += did.cost
  }
  return { clock, stop, did, ask: paced(work, { clock, stopping: stop.signal, cpuMs: () => cpu }) }
}

test('cheap work is done each time it is asked for', () => {
  const { ask, did } = rig(2)
  for (let i = 0; i < 5; i++) ask()
  assert.equal(did.times, 5)
})

test('dear work takes a tenth of the CPU, and what was asked for meanwhile is done once', async () => {
  const { clock, ask, did } = rig(20)
  ask()
  assert.equal(did.times, 1)
  for (let i = 0; i < 5; i++) ask()
  await clock.advance(179)
  assert.equal(did.times, 1)
  await clock.advance(1)
  assert.equal(did.times, 2)
  await clock.advance(1000)
  assert.equal(did.times, 2, 'nobody has asked')
  ask()
  assert.equal(did.times, 3)
})

test('at a stop nothing waits, and nothing is left to be done afterwards', async () => {
  const { clock, stop, ask, did } = rig(20)
  ask()
  ask()
  stop.abort()
  ask()
  assert.equal(did.times, 2)
  await clock.advance(1000)
  assert.equal(did.times, 2)
  assert.equal(clock.waiting, 0)
})

test('by itself it measures the CPU of this thread', async () => {
  const clock = manualClock()
  let times = 0
  const burn = (): void => {
    times++
    const from = process.threadCpuUsage().user
    while (process.threadCpuUsage().user - from < 5000);
  }
  const ask = paced(burn, { clock, stopping: new AbortController().signal })
  ask()
  ask()
  assert.equal(times, 1)
  await clock.advance(1000)
  assert.equal(times, 2)
})
