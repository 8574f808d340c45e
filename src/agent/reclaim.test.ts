import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../test/lib/manual-clock.ts'
import { reclaimWhenCalm, thisProcess } from './reclaim.ts'

const MIB = 1024 * 1024

function rig() {
  const clock = manualClock()
  const stop = new AbortController()
  const it = { cpu: 0, rss: 100 * MIB, collected: 0, after: 100 * MIB }
  const done = reclaimWhenCalm(
    {
      cpuMs: () => it.cpu,
      rss: () => it.rss,
      collect() {
        it.collected++
        it.rss = it.after
      }
    },
    clock,
    stop.signal
  )
  return { it, clock, stop, done }
}

test('memory is given back once it has been calm for a while, and not again while nothing grows', async () => {
  const { it, clock, stop, done } = rig()
  it.rss = 300 * MIB
  await clock.advance(20_000)
  assert.equal(it.collected, 0)
  await clock.advance(10_000)
  assert.equal(it.collected, 1)
  await clock.advance(600_000)
  assert.equal(it.collected, 1)
  stop.abort()
  await done
})

test('nothing is done while there is work, or for a little', async () => {
  const { it, clock, stop, done } = rig()
  it.rss = 400 * MIB
  for (let i = 0; i < 30; i++) {
    it.cpu += 2000
    await clock.advance(10_000)
  }
  assert.equal(it.collected, 0, 'a fifth of a core is work')
  it.rss = 150 * MIB
  await clock.advance(600_000)
  assert.equal(it.collected, 0, '50 MiB are not worth it')
  stop.abort()
  await done
})

test('what is in use after a collection is the new measure', async () => {
  const { it, clock, stop, done } = rig()
  it.rss = 300 * MIB
  it.after = 250 * MIB
  await clock.advance(600_000)
  assert.equal(it.collected, 1)
  it.rss = 320 * MIB
  await clock.advance(600_000)
  assert.equal(it.collected, 2)
  stop.abort()
  await done
})

test('a collection of this process gives memory back', () => {
  const me = thisProcess()
  me.collect()
  const before = me.rss()
  let waste: unknown[] | undefined = Array.from({ length: 2_000_000 }, (_, i) => ({ i }))
  const full = me.rss()
  assert.equal(waste.length, 2_000_000)
  waste = undefined
  me.collect()
  assert.ok(full - before > 40 * MIB && me.rss() < before + (full - before) / 2, `${before} ${full} ${me.rss()}`)
  assert.ok(me.cpuMs() > 0)
})
