import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { context } from '../../test/lib/step.ts'
import { cli } from '../../test/lib/world.ts'
import type { Outcome } from '../../test/lib/world.ts'
import { startControl } from '../agent/admin.ts'
import { catalog } from '../agent/components.ts'
import { HealthChecks } from '../agent/health-checks.ts'
import type { CheckStatus, Status } from '../agent/status.ts'
import { loadText } from '../config/load.ts'
import { systemClock } from '../core/clock.ts'
import type { Event } from '../core/event.ts'
import { silentLog } from '../core/log.ts'
import { memoryState } from '../core/state.ts'
import { createStore } from '../metrics/store.ts'

interface Running {
  readonly records: Event[]
  yarder(...argv: string[]): Promise<Outcome>
  /** Resolves with the check once it is so. */
  until(name: string, so: (check: CheckStatus) => boolean): Promise<CheckStatus>
}

/** The checks of a configuration on a control socket, as an agent has them. */
async function run(t: TestContext, yaml: string): Promise<Running> {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  const { checked, problems } = loadText(yaml, catalog, {})
  assert.deepEqual(problems, [])
  const store = createStore()
  const state = memoryState()
  const records: Event[] = []
  const options = { clock: systemClock, log: silentLog, instruments: store.instruments, state }
  const health = new HealthChecks({ ...options, ship: event => void records.push(event) })
  const source = { store, status: () => ({ checks: health.status() }) as unknown as Status }
  const control = await startControl(source, join(dir, 'yarder.sock'), health.actions())
  t.after(async () => {
    await health.stop(0)
    await control.close()
    rmSync(dir, { recursive: true })
  })
  await health.plan(checked, (_, name) => context({ name, state })).apply()
  return {
    records,
    yarder: (...argv) => cli(argv, { env: { RUNTIME_DIRECTORY: dir } }),
    until: (name, so) =>
      t.waitFor(
        () => {
          const check = health.status().find(c => c.name === name)!
          assert.ok(so(check), JSON.stringify(check))
          return check
        },
        { timeout: 10_000, interval: 10 }
      )
  }
}

test('a job that reports keeps its heartbeat alive, and one that reports a failure does not', async t => {
  const { yarder, until } = await run(
    t,
    'checks: { backup: { type: heartbeat, within: 1h, every: 100ms, failures_before_critical: 1 } }'
  )
  await until('backup', c => c.message.startsWith('no sign of life yet'))
  assert.deepEqual(await yarder('check', 'beat', 'backup', '--message', '3 GB'), { status: 0, stdout: '', stderr: '' })
  const alive = await until('backup', c => c.state === 'ok')
  assert.match(alive.message, /^the last sign of life was \d+ s ago: 3 GB$/)
  assert.equal((await yarder('check', 'beat', 'backup', '--failed', 'disk full')).status, 0)
  const dead = await until('backup', c => c.state === 'critical')
  assert.match(dead.message, /^a failure was reported \d+ s ago: disk full$/)
})

test('a beat for nobody, or for a check that waits for none, is refused with the reason', async t => {
  const { yarder } = await run(t, 'checks: { backup: { type: heartbeat, within: 1h }, disk: { type: disk, path: / } }')
  assert.deepEqual(await yarder('check', 'beat', 'bakcup'), {
    status: 1,
    stdout: '',
    stderr: 'yarder check: there is no check "bakcup"; did you mean "backup"?\n'
  })
  assert.equal(
    (await yarder('check', 'beat', 'disk')).stderr,
    'yarder check: the check "disk" is a disk check; only a heartbeat waits for beats\n'
  )
})
