import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { context } from '../../test/lib/step.ts'
import { cli } from '../../test/lib/world.ts'
import type { Outcome } from '../../test/lib/world.ts'
import { startControl } from '../agent/admin.ts'
import { catalog } from '../agent/components.ts'
import { crossProblems } from '../agent/cross-checks.ts'
import { HealthChecks } from '../agent/health-checks.ts'
import type { CheckStatus, Status } from '../agent/status.ts'
import { loadText } from '../config/load.ts'
import { systemClock } from '../core/clock.ts'
import type { Event } from '../core/event.ts'
import { silentLog } from '../core/log.ts'
import { memoryState } from '../core/state.ts'
import { createStore } from '../metrics/store.ts'
import { uptimeText } from './check-control.ts'
import { renderReport } from './check-report.ts'
import type { CheckReport } from './check-report.ts'

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
  const options = { clock: systemClock, log: silentLog, instruments: store.instruments, state, metrics: store }
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

test('a silenced check is in maintenance, tells nobody and is told of when the silence ends', async t => {
  const config = `checks:
  web: { type: tcp, address: '127.0.0.1:1', every: 100ms, failures_before_critical: 1, success_before_passing: 1 }`
  const { yarder, until, records } = await run(t, config)
  await until('web', c => c.state === 'critical')
  const silenced = await yarder('check', 'silence', 'web', '--for', '2h', '--comment', 'new disk')
  assert.equal(silenced.status, 0)
  assert.match(silenced.stdout, /^web is in maintenance until \d{4}-[\d-]+T[\d:.]+Z\n$/)
  const quiet = await until('web', c => c.state === 'maintenance')
  assert.match(quiet.muted!, /^maintenance until .*: new disk$/)
  assert.equal((await yarder('check', 'unsilence', 'web')).stdout, 'web is silenced no longer\n')
  assert.equal((await yarder('check', 'unsilence', 'web')).stdout, 'web was not silenced\n')
  await until('web', c => c.state === 'critical')
  assert.equal(records.length, 1)
  const past = JSON.parse((await yarder('check', 'history', 'web')).stdout) as { changes: { state: string }[] }
  assert.deepEqual(
    past.changes.map(c => c.state),
    ['critical', 'maintenance', 'critical']
  )
})

test('the report puts all checks side by side', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const often = 'every: 100ms, failures_before_critical: 1'
  const { yarder, until } = await run(
    t,
    `checks: { marker: { type: file, path: ${dir}/marker, ${often} }, root: { type: disk, path: /, critical: 100%, ${often} } }`
  )
  await until('marker', c => c.state === 'critical')
  writeFileSync(join(dir, 'marker'), '')
  await until('marker', c => c.state === 'ok')
  const report = JSON.parse((await yarder('check', 'report', '--days', '7')).stdout) as CheckReport
  const counts = report.checks.map(c => [c.check, c.state, c.changes, c.incidents, c.over, c.byThemselves])
  assert.deepEqual(counts[0], ['marker', 'ok', 1, 1, 1, 1])
  assert.equal(counts[1]![3], 0)
  const [day] = Object.keys(report.checks[0]!.days)
  const lines = renderReport(report).split('\n')
  assert.match(lines[1]!, /^marker +ok +[\d.]+ % +1 +1 +1\.0 +1 of 1 \(100 %\)$/)
  assert.equal(lines[4], `${day}  marker 1`)
  assert.match((await yarder('check', 'report', '--days', '365')).stderr, /--days must be a number from 1 to 31/)
})

test('a silence without an end, or for a stranger, is refused', async t => {
  const { yarder } = await run(t, 'checks: { disk: { type: disk, path: / } }')
  assert.deepEqual(await yarder('check', 'silence', 'disk', '--for', 'ever'), {
    status: 3,
    stdout: '',
    stderr: 'yarder check: --for must be a duration such as 2h, got "ever"\n'
  })
  assert.equal((await yarder('check', 'silence', 'dsik', '--for', '1h')).stderr.includes('did you mean "disk"?'), true)
})

test('checks that depend on each other in a circle, or look at what is not there, are told with their place', () => {
  const text = `checks:
  a: { type: disk, path: /, depends_on: b }
  b: { type: disk, path: /, depends_on: [a] }
`
  const { checked } = loadText(text, catalog, {})
  assert.deepEqual(
    crossProblems(checked, '/').map(({ path, message }) => `${path}: ${message}`),
    ['checks.a.depends_on: goes round in a circle: a on b on a']
  )
  const strange = 'inputs: { nginx: { type: stdin } }\nchecks: { a: { type: log, input: ngnix, critical: 5 } }'
  assert.deepEqual(
    crossProblems(loadText(strange, catalog, {}).checked, '/').map(({ path, message }) => `${path}: ${message}`),
    ['checks.a.input: there is no "ngnix" in inputs; did you mean "nginx"?']
  )
  const nobody = 'agent: { notify_ready: [ballancer] }\nnotify: { balancer: { type: exec, command: ["true"] } }'
  assert.deepEqual(
    crossProblems(loadText(nobody, catalog, {}).checked, '/').map(({ path, message }) => `${path}: ${message}`),
    ['agent.notify_ready: there is no "ballancer" in notify; did you mean "balancer"?']
  )
  assert.match(
    loadText('checks: { a: { type: disk, path: /, depends_on: z } }', catalog, {}).problems[0]!.message,
    /no "z" in checks/
  )
})

test('an uptime is told for no longer than it is known', () => {
  const [day, all] = [86_400, { day: 1, week: 1, month: 0.9999 }]
  assert.equal(uptimeText({}, 0), '')
  assert.equal(uptimeText(all, 33), 'uptime 100 % over the 33 s that are known')
  assert.equal(uptimeText(all, 3 * day), 'uptime 100 % over a day, 100 % over the 3.0 days that are known')
  assert.equal(uptimeText(all, 30 * day), 'uptime 100 % over a day, 100 % over a week, 99.99 % over a month')
})
