import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { checkFaults, runCheck } from '../../../test/lib/check.ts'
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
  const failing = await runCheck(systemdUnit, { unit: 'nginx.service', systemctl: 'false' })
  assert.deepEqual([failing.state, failing.message], ['unknown', 'systemctl: exit status 1'])
})

test('a unit name cannot be an option', () => {
  assert.match(checkFaults(systemdUnit, { unit: '--help' })[0] ?? '', /^unit: must be the name of a unit/)
})
