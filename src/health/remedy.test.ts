import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { manualClock } from '../../test/lib/manual-clock.ts'
import { systemClock } from '../core/clock.ts'
import type { Clock } from '../core/clock.ts'
import type { CheckState } from '../core/component.ts'
import { readFields } from '../core/field.ts'
import { silentLog } from '../core/log.ts'
import { checkCommonFields, lintCheckCommon } from './common.ts'
import { Remedy } from './remedy.ts'

const common = (given: Record<string, unknown>) =>
  readFields(checkCommonFields, given, (path, message) => assert.fail(`${path} ${message}`))!

/** A remedy whose program writes a line each time it runs. */
function watch(t: TestContext, given: Record<string, unknown>, program: string, clock: Clock = manualClock()) {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  const trace = join(dir, 'trace')
  const file = join(dir, 'remedy')
  writeFileSync(file, `#!/bin/sh\necho run >> ${trace}\n${program}\n`, { mode: 0o755 })
  const outcomes: string[] = []
  const said: string[] = []
  const data: unknown[] = []
  const log = {
    ...silentLog,
    error: (_data: unknown, message: string) => void said.push(message),
    warn: (given: unknown) => void data.push(given)
  }
  const remedy = new Remedy(common({ remedy: { command: [file, 's3cret'], ...given } }).remedy!, {
    check: 'web',
    every: 3,
    clock,
    log,
    count: outcome => void outcomes.push(outcome)
  })
  t.after(async () => {
    await remedy.stop()
    rmSync(dir, { recursive: true })
  })
  return {
    remedy,
    outcomes,
    said,
    data,
    runs: () => (existsSync(trace) ? readFileSync(trace, 'utf8').split('\n').length - 1 : 0),
    /** One more look, and what it started is over. */
    look: async (state: CheckState, failures: number): Promise<void> => {
      const before = outcomes.length
      remedy.look(state, failures)
      if (remedy.busy) await t.waitFor(() => assert.ok(outcomes.length > before), { timeout: 10_000, interval: 5 })
    }
  }
}

test('it is done at the state, again after as many failures, and left when it does not help', async t => {
  const clock = manualClock()
  const { look, runs, outcomes, said } = watch(t, { times: 2, within: '15m' }, 'exit 0', clock)
  for (const failures of [1, 2]) await look('ok', failures)
  assert.equal(runs(), 0)
  for (const failures of [3, 4, 5]) await look('critical', failures)
  assert.equal(runs(), 1)
  for (const failures of [6, 7, 8, 9, 10, 11, 12]) await look('critical', failures)
  assert.deepEqual([runs(), outcomes], [2, ['done', 'done', 'left']])
  assert.deepEqual(said, ['A remedy has not helped and is left; somebody has to look.'])
  await clock.advance(15 * 60_000)
  await look('critical', 13)
  assert.equal(runs(), 3)
})

test('what comes back after it was well counts towards the same limit', async t => {
  const { look, runs, outcomes } = watch(t, { times: 1 }, 'exit 0')
  await look('critical', 3)
  await look('ok', 0)
  await look('critical', 3)
  assert.deepEqual([runs(), outcomes], [1, ['done', 'left']])
})

test('one that fails or hangs is told, and killed with all it started', async t => {
  const failing = watch(t, {}, 'echo no >&2; exit 4')
  await failing.look('critical', 3)
  assert.deepEqual([failing.outcomes, failing.said], [['failed'], ['A remedy has failed.']])
  const hanging = watch(t, { timeout: '200ms' }, 'sleep 300', systemClock)
  await hanging.look('critical', 3)
  assert.deepEqual(hanging.outcomes, ['failed'])
})

test('an argument, which may be a secret, stands in no log', async t => {
  const { look, data, outcomes } = watch(t, {}, 'exit 0')
  await look('critical', 3)
  assert.deepEqual(outcomes, ['done'])
  assert.equal(data.length, 1)
  assert.deepEqual(Object.keys(data[0] as object), ['check', 'command'])
  const { command } = data[0] as { command: string }
  assert.match(command, /\/remedy$/)
})

test('a remedy is one thing', () => {
  for (const remedy of [{}, { command: ['x'], restart: 'y.service' }])
    assert.deepEqual([...lintCheckCommon(common({ remedy }))], [['remedy', 'takes either command or restart']])
})
