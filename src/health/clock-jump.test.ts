// A wall clock that somebody sets, forward and back, changes no state, tells nobody, and delays no check.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../test/lib/manual-clock.ts'
import type { Clock } from '../core/clock.ts'
import type { CheckState } from '../core/component.ts'
import { readFields } from '../core/field.ts'
import { silentInstruments } from '../core/instruments.ts'
import { silentLog } from '../core/log.ts'
import { memoryState } from '../core/state.ts'
import { Checks } from './checks.ts'
import { checkCommonFields } from './common.ts'

const DAY_MS = 86_400_000

test('a jump of the clock is no failure, no recovery and no missed look', async t => {
  const steady = manualClock()
  let jumped = 0
  const clock: Clock = { ...steady, now: () => steady.now() + jumped }
  let result: CheckState = 'ok'
  let runs = 0
  const told: string[] = []
  const checks = new Checks({
    clock,
    log: silentLog,
    instruments: silentInstruments,
    state: memoryState(),
    random: () => 0,
    onChange: ({ notification: n, notify }) => void (notify.length > 0 && told.push(`${n.previous} to ${n.state}`))
  })
  t.after(async () => {
    const stopped = checks.stop()
    await steady.advance(0)
    await stopped
  })
  const common = readFields(checkCommonFields, { every: '10s', notify: 'ops' }, (path, message) =>
    assert.fail(`${path} ${message}`)
  )!
  await checks.apply([
    {
      name: 'web',
      type: 'http',
      signature: '',
      common,
      timing: { every: 10_000 },
      zone: 'UTC',
      check: () => {
        runs++
        return Promise.resolve({ state: result, reason: result === 'ok' ? 'ok' : 'status', message: '' })
      }
    }
  ])
  const looks = async (count: number): Promise<void> => {
    const before = runs
    await steady.advance(count * 10_000)
    assert.equal(runs - before, count)
  }
  // The first look comes at once.
  await steady.advance(0)
  await looks(3)
  for (const jump of [DAY_MS, -3 * DAY_MS, 40 * DAY_MS, -40 * DAY_MS]) {
    jumped += jump
    await looks(3)
    const { state, failures, uptime } = checks.status()[0]!
    assert.deepEqual([state, failures, told], ['ok', 0, []])
    for (const share of Object.values(uptime)) assert.ok(share === undefined || share === 1, String(share))
  }
  // A fault across a jump is counted as any other: the third in a row, once, and its end once.
  result = 'critical'
  await looks(2)
  jumped -= DAY_MS
  assert.deepEqual(told, [])
  await looks(1)
  assert.deepEqual(told, ['ok to critical'])
  jumped += 2 * DAY_MS
  await looks(5)
  result = 'ok'
  await looks(1)
  assert.deepEqual(told, ['ok to critical', 'critical to ok'])
  const times = checks.changes('web')!.map(change => change.at)
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
    'the history goes on in one direction'
  )
})
