import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildCheck } from '../../../test/lib/check.ts'
import { manualClock } from '../../../test/lib/manual-clock.ts'
import { memoryState } from '../../core/state.ts'
import type { State } from '../../core/state.ts'
import { awaitedSince, beat, forgetBeats, lastBeat } from '../heartbeats.ts'
import { heartbeat } from './heartbeat.ts'

function watch(state: State, clock = manualClock(), options = {}) {
  const runner = buildCheck(heartbeat, { within: '10m', ...options }, 1000, { state, clock, name: 'backup' })
  const look = async (): Promise<string> => {
    const { state: is, reason, message } = await runner.run(new AbortController().signal)
    return `${is} ${reason}: ${message}`
  }
  return { clock, look }
}

test('who reports in time lives, and who does not is dead', async () => {
  const state = memoryState()
  const { clock, look } = watch(state)
  assert.equal(await look(), 'unknown missing: no sign of life yet; it is given by yarder check beat backup')
  await clock.advance(60_000)
  beat(state, 'backup', { at: clock.now(), ok: true, message: '3 GB' })
  await clock.advance(600_000)
  assert.equal(await look(), 'ok ok: the last sign of life was 600 s ago: 3 GB')
  await clock.advance(1)
  assert.equal(await look(), 'critical age: the last sign of life was 600 s ago, expected within 600 s')
  beat(state, 'backup', { at: clock.now(), ok: false, message: 'disk full' })
  assert.equal(await look(), 'critical exit: a failure was reported 0 s ago: disk full')
})

test('one that never reports is late when its time is over, a restart of the agent between or not', async () => {
  const state = memoryState()
  const { clock, look } = watch(state)
  await look()
  await clock.advance(400_000)
  const after = watch(state, clock)
  assert.match(await after.look(), /^unknown missing/)
  await clock.advance(200_001)
  assert.equal(await after.look(), 'critical age: no sign of life for 600 s, expected within 600 s')
})

test('the beat of another check is none of this one', async () => {
  const state = memoryState()
  const { clock, look } = watch(state)
  beat(state, 'other', { at: clock.now(), ok: true, message: '' })
  assert.match(await look(), /^unknown missing/)
})

test('a touch of a file is a sign as well', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'done')
  const { clock, look } = watch(memoryState(), manualClock(), { file })
  assert.equal(await look(), `unknown missing: no sign of life yet; it is given by a change of ${file}`)
  writeFileSync(file, '')
  utimesSync(file, clock.now() / 1000 - 60, clock.now() / 1000 - 60)
  assert.equal(await look(), 'ok ok: the last sign of life was 60 s ago')
  await clock.advance(600_000)
  assert.match(await look(), /^critical age: /)
})

test('nothing is left of a check that is gone', () => {
  const state = memoryState()
  awaitedSince(state, 'backup', 1)
  beat(state, 'backup', { at: 2, ok: true, message: '' })
  beat(state, 'other', { at: 2, ok: true, message: '' })
  forgetBeats(state, 'backup')
  assert.equal(lastBeat(state, 'backup'), undefined)
  assert.equal(awaitedSince(state, 'backup', 9), 9)
  assert.equal(lastBeat(state, 'other')?.at, 2)
})
