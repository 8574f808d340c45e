// Checks of the agent's own records and numbers, with a real agent around them.
import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { loadText } from '../config/load.ts'
import { systemClock } from '../core/clock.ts'
import { createLog } from '../service/log.ts'
import { Agent } from './agent.ts'
import { catalog } from './components.ts'
import type { CheckedConfig } from './components.ts'
import type { CheckStatus } from './status.ts'

const INPUT = `outputs: { out: { type: file, path: out.ndjson } }
inputs: { app: { type: file, paths: [app.log], start_at: beginning, poll: 20ms, pipeline: [{ json: {} }] } }
metrics: { failures_total: { type: counter, help: Failures., input: app, labels: { status: status } } }
admin: { listen: '127.0.0.1:0' }
`

async function drive(t: TestContext, yaml: string) {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  const file = join(dir, 'app.log')
  writeFileSync(file, '')
  const checked = (text: string): CheckedConfig => {
    const outcome = loadText(`agent: { data_dir: ${join(dir, 'state')} }\n${text}`, catalog, {})
    assert.deepEqual(outcome.problems, [])
    return outcome.checked
  }
  const writer = { write: () => {}, flush: () => Promise.resolve() }
  const logs = createLog({ format: 'text', level: 'info', environment: 'TEST', writer, journal: false, terminal: true })
  const options = { configDir: dir, env: {}, logs, clock: systemClock, version: '0', once: false }
  const agent = new Agent({ checked: checked(yaml), ...options })
  t.after(async () => {
    await agent.stop()
    rmSync(dir, { recursive: true, force: true })
  })
  await agent.start()
  return {
    reload: (text: string) => agent.reload(() => Promise.resolve(checked(text))),
    log: (status: number, count: number): void =>
      appendFileSync(file, `{"message":"GET /","status":${status}}\n`.repeat(count)),
    until: (name: string, so: (check: CheckStatus) => boolean): Promise<CheckStatus> =>
      t.waitFor(
        () => {
          const check = agent.status().checks.find(c => c.name === name)!
          assert.ok(so(check), JSON.stringify(check))
          return check
        },
        { timeout: 15_000, interval: 20 }
      )
  }
}

const often = 'every: 100ms, failures_before_critical: 1'

test('records and numbers of the agent are checked as they come, after a reload too', async t => {
  const errors = `checks:
  errors: { type: log, input: app, when: { status: { gte: 500 } }, over: 1h, critical: 2, ${often} }
  failures: { type: metric, metric: failures_total, labels: { status: "500" }, critical: 2, ${often} }
`
  const it = await drive(t, INPUT)
  it.log(200, 5)
  assert.equal(await it.reload(`${INPUT}${errors}`), undefined)
  await it.until('errors', c => c.state === 'ok' && c.lastRun !== undefined)
  it.log(500, 3)
  it.log(200, 10)
  const failing = await it.until('errors', c => c.state === 'critical')
  assert.match(failing.message, /^3 records of app in 60 min, expected at most 2; the last: /)
  const counted = await it.until('failures', c => c.state === 'critical')
  assert.equal(counted.message, 'failures_total{status="500"} is 3, expected at most 2')
})

test('a log that fell silent is told', async t => {
  const silence = `checks: { silence: { type: log, input: app, over: 1s, critical: "1:", ${often} } }\n`
  const it = await drive(t, `${INPUT}${silence}`)
  const silent = await it.until('silence', c => c.state === 'critical')
  assert.equal(silent.message, '0 records of app in 1 s, expected at least 1')
  it.log(200, 1)
  await it.until('silence', c => c.state === 'ok')
})
