import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { buildCheck, checkFaults, runCheck } from '../../../test/lib/check.ts'
import { manualClock } from '../../../test/lib/manual-clock.ts'
import { systemdUnit } from './systemd-unit.ts'

/** A program that answers as systemctl does, for units in states that no test machine has at will. */
function answering(t: TestContext, answer: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'systemctl')
  writeFileSync(file, `#!/bin/sh\n[ "$1 $3 $4" = "show -- nginx.service" ] || exit 9\ncat <<'E'\n${answer}\nE\n`, {
    mode: 0o755
  })
  return file
}

const shown = (load: string, active: string, sub: string, result = 'success'): string =>
  `LoadState=${load}\nActiveState=${active}\nSubState=${sub}\nResult=${result}\nNRestarts=2`

test('each state of a unit has its own answer', async t => {
  for (const [answer, expected] of [
    [shown('loaded', 'active', 'running'), 'ok ok: nginx.service is active (running)'],
    [shown('loaded', 'reloading', 'reload'), 'ok ok: nginx.service is reloading (reload)'],
    [shown('loaded', 'activating', 'start-pre'), 'warning restarting: nginx.service is activating (start-pre)'],
    [
      shown('loaded', 'activating', 'auto-restart', 'exit-code'),
      'critical restarting: nginx.service is activating (auto-restart, exit-code)'
    ],
    [shown('loaded', 'inactive', 'dead'), 'critical inactive: nginx.service is inactive (dead)'],
    [shown('loaded', 'failed', 'failed', 'oom-kill'), 'critical inactive: nginx.service is failed (failed, oom-kill)'],
    [shown('not-found', 'inactive', 'dead'), 'critical missing: there is no unit nginx.service']
  ] as const) {
    const run = await runCheck(systemdUnit, { unit: 'nginx', systemctl: answering(t, answer) })
    assert.equal(`${run.state} ${run.reason}: ${run.message}`, expected)
  }
})

test('without systemd it is unknown, and says why', async () => {
  const run = await runCheck(systemdUnit, { unit: 'nginx.service', systemctl: '/no/such/systemctl' })
  assert.deepEqual([run.state, run.reason], ['unknown', 'start'])
  assert.match(run.message, /^starting \/no\/such\/systemctl: .*ENOENT/)
  const failing = await runCheck(systemdUnit, { unit: 'nginx.service', systemctl: 'false' })
  assert.deepEqual([failing.state, failing.message], ['unknown', 'systemctl: exit status 1'])
})

/** A systemctl whose answer for each unit is a file that the test writes. */
function answers(t: TestContext): { systemctl: string; say(unit: string, ...properties: string[]): void } {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const systemctl = join(dir, 'systemctl')
  writeFileSync(systemctl, `#!/bin/sh\n[ "$TZ" = UTC ] && cat ${dir}/"$4"\n`, { mode: 0o755 })
  return { systemctl, say: (unit, ...properties) => writeFileSync(join(dir, unit), `${properties.join('\n')}\n`) }
}

test('a unit that takes too long to start is critical', async t => {
  const { systemctl, say } = answers(t)
  const clock = manualClock()
  const runner = buildCheck(systemdUnit, { unit: 'app', systemctl, max_activating: '1m' }, 5000, { clock })
  const look = async (): Promise<string> => {
    const { state, reason, message } = await runner.run(new AbortController().signal)
    return `${state} ${reason}: ${message}`
  }
  say('app.service', shown('loaded', 'activating', 'start'))
  assert.equal(await look(), 'warning restarting: app.service is activating (start)')
  await clock.advance(60_000)
  assert.match(await look(), /^warning/)
  await clock.advance(1000)
  assert.equal(await look(), 'critical restarting: app.service is activating (start) for 61 s already')
  say('app.service', shown('loaded', 'active', 'running'))
  assert.match(await look(), /^ok/)
  say('app.service', shown('loaded', 'activating', 'start'))
  assert.match(await look(), /^warning/)
})

test('restarts again and again are critical, however active it is between; those of long ago are not', async t => {
  const { systemctl, say } = answers(t)
  const clock = manualClock()
  const runner = buildCheck(systemdUnit, { unit: 'app', systemctl, max_restarts: 2, restarts_within: '10m' }, 5000, {
    clock
  })
  const look = async (restarts: number): Promise<string> => {
    say('app.service', 'LoadState=loaded', 'ActiveState=active', 'SubState=running', `NRestarts=${restarts}`)
    const { state, message } = await runner.run(new AbortController().signal)
    await clock.advance(60_000)
    return `${state}: ${message}`
  }
  const well = 'ok: app.service is active (running)'
  for (const n of [500, 501, 502]) assert.equal(await look(n), well)
  assert.equal(await look(503), 'critical: app.service was restarted 3 times within 10 min')
  for (let minute = 0; minute < 8; minute++) await look(503)
  assert.equal(await look(503), well)
  assert.equal(await look(0), well)
})

test('a unit that should start with the host does, and one that should not does not', async t => {
  const { systemctl, say } = answers(t)
  const state = async (file: string, enabled: boolean): Promise<string> => {
    say('app.service', shown('loaded', 'active', 'running'), `UnitFileState=${file}`)
    const run = await runCheck(systemdUnit, { unit: 'app', systemctl, enabled })
    return `${run.state} ${run.message}`
  }
  assert.match(await state('enabled', true), /^ok/)
  assert.equal(await state('disabled', true), 'critical app.service is disabled')
  assert.match(await state('disabled', false), /^ok/)
  assert.equal(await state('enabled', false), 'critical app.service is enabled')
})

test('a timer is overdue, or what it starts has failed', async t => {
  const { systemctl, say } = answers(t)
  const clock = manualClock()
  const timer = (last: string, next: string): void =>
    say(
      'backup.timer',
      'LoadState=loaded',
      'ActiveState=active',
      'SubState=waiting',
      'Unit=dump.service',
      `LastTriggerUSec=${last}`,
      `NextElapseUSecRealtime=${next}`
    )
  const dump = (result: string): void =>
    say('dump.service', 'LoadState=loaded', 'ActiveState=inactive', 'SubState=dead', `Result=${result}`)
  const look = async (): Promise<string> => {
    const options = { unit: 'backup.timer', systemctl, max_age: '25h' }
    const { state, reason, message } = await runCheck(systemdUnit, options, 5000, { clock })
    return `${state} ${reason}: ${message}`
  }
  // The clock says noon of 22 November 2026.
  timer('Sun 2026-11-22 03:00:00 UTC', 'Mon 2026-11-23 03:00:00 UTC')
  dump('success')
  assert.equal(await look(), 'ok ok: backup.timer is active (waiting)')
  dump('exit-code')
  assert.equal(await look(), 'critical exit: dump.service, which it starts, has failed (exit-code)')
  dump('success')
  timer('Sat 2026-11-21 10:00:00 UTC', 'Mon 2026-11-23 03:00:00 UTC')
  assert.equal(
    await look(),
    'critical age: backup.timer ran last at 2026-11-21T10:00:00.000Z, expected within 1500 min'
  )
  timer('n/a', 'Mon 2026-11-23 03:00:00 UTC')
  assert.equal(await look(), 'critical age: backup.timer has never run, expected within 1500 min')
  timer('Sun 2026-11-22 03:00:00 UTC', 'Sun 2026-11-22 11:50:00 UTC')
  assert.equal(await look(), 'critical age: backup.timer should have run at 2026-11-22T11:50:00.000Z')
  assert.deepEqual(checkFaults(systemdUnit, { unit: 'app', max_age: '1h' }), ['max_age: is for a timer'])
})

test('a unit name cannot be an option', () => {
  assert.match(checkFaults(systemdUnit, { unit: '--help' })[0] ?? '', /^unit: must be the name of a unit/)
})
