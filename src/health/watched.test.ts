// Who is told of what, and when not: maintenance, dependencies, flapping.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { manualClock } from '../../test/lib/manual-clock.ts'
import { NOON } from '../../test/lib/records.ts'
import type { CheckState } from '../core/component.ts'
import { readFields } from '../core/field.ts'
import { silentLog } from '../core/log.ts'
import { memoryState } from '../core/state.ts'
import { createStore } from '../metrics/store.ts'
import { Checks } from './checks.ts'
import type { CheckChange, CheckPlan } from './checks.ts'
import { checkCommonFields, lintCheckCommon } from './common.ts'
import { silence, unsilence } from './quiet.ts'

const MINUTE = 60_000

/** Checks whose targets a test holds in its hand. Each is looked at every ten seconds, one failure is enough. */
async function watch(common: Record<string, Record<string, unknown>>, state = memoryState(), clock = manualClock()) {
  const store = createStore()
  const changes: CheckChange[] = []
  const targets: Record<string, CheckState> = {}
  const random = (): number => 0
  const options = { clock, log: silentLog, instruments: store.instruments, state, random }
  const checks = new Checks({ ...options, onChange: change => void changes.push(change) })
  const plans = Object.entries(common).map(([name, given]): CheckPlan => {
    targets[name] = 'ok'
    const all = { failures_before_critical: 1, notify: ['oncall'], ...given }
    const read = readFields(checkCommonFields, all, (path, message) => assert.fail(`${path} ${message}`))!
    return {
      name,
      type: 'stub',
      signature: name,
      common: read,
      timing: { every: 10_000 },
      zone: 'UTC',
      check: async () => ({ state: targets[name]!, reason: targets[name] === 'ok' ? 'ok' : 'status', message: name })
    }
  })
  await checks.apply(plans)
  await clock.advance(0)
  let seen = 0
  return {
    clock,
    checks,
    state,
    targets,
    /** What people were told since this was last asked. */
    told: (): string[] => {
      const fresh = changes.slice(seen)
      seen = changes.length
      return fresh
        .filter(c => c.notify.length > 0)
        .map(({ notification: n }) => `${n.check}: ${n.previous} to ${n.state}`)
    },
    records: () => changes.flatMap(c => (c.record === undefined ? [] : [c.record])),
    state_: (name: string) => checks.status().find(c => c.name === name)!.state,
    metric: async (name: string, check: string) =>
      (await store.read()).flatMap(f => [...f.samples]).find(s => s.name === name && s.labels['check'] === check)?.value
  }
}

test('in maintenance nobody is told, and afterwards only what is still so', async t => {
  const w = await watch({ web: { maintenance: [{ schedule: '10 12 * * *', for: '10m' }] } })
  t.after(() => w.checks.stop())
  await w.clock.advance(10 * MINUTE)
  assert.equal(w.state_('web'), 'maintenance')
  assert.equal(await w.metric('yarder_check_state', 'web'), 4)
  w.targets['web'] = 'critical'
  await w.clock.advance(2 * MINUTE)
  w.targets['web'] = 'ok'
  await w.clock.advance(2 * MINUTE)
  assert.deepEqual(w.told(), [])
  w.targets['web'] = 'critical'
  await w.clock.advance(5 * MINUTE)
  assert.deepEqual([w.state_('web'), w.told()], ['maintenance', []])
  await w.clock.advance(MINUTE + 10_000)
  assert.deepEqual([w.state_('web'), w.told()], ['critical', ['web: ok to critical']])
  // The index has each change when it came, and why nobody was told.
  const last = w.records().at(-1)!['check'] as Record<string, unknown>
  assert.deepEqual(
    [last['state'], last['muted']],
    ['critical', `maintenance until ${new Date(NOON + 20 * MINUTE).toISOString()}: a planned window`]
  )
})

test('who is silenced by hand is quiet until then, or until that is taken back, over a restart too', async t => {
  const w = await watch({ web: {} })
  silence(w.state, 'web', { until: w.clock.now() + 60 * MINUTE, comment: 'new disk' })
  w.checks.lookAgain('web')
  assert.deepEqual([w.state_('web'), w.checks.status()[0]!.since], ['maintenance', new Date(NOON).toISOString()])
  w.targets['web'] = 'critical'
  await w.clock.advance(10 * MINUTE)
  assert.deepEqual(w.told(), [])
  await w.checks.stop()
  const after = await watch({ web: {} }, w.state, w.clock)
  t.after(() => after.checks.stop())
  after.targets['web'] = 'critical'
  await after.clock.advance(10_000)
  assert.deepEqual([after.state_('web'), after.told()], ['maintenance', []])
  unsilence(after.state, 'web')
  after.checks.lookAgain('web')
  assert.deepEqual([after.state_('web'), after.told()], ['critical', ['web: ok to critical']])
})

test('what follows from the failure of another is not told; what remains after it is', async t => {
  const w = await watch({ web: { depends_on: ['db'] }, db: {} })
  t.after(() => w.checks.stop())
  await w.clock.advance(MINUTE)
  // The one that depends is looked at first, so it must wait to hear of the other.
  w.targets['web'] = w.targets['db'] = 'critical'
  await w.clock.advance(MINUTE)
  assert.deepEqual(w.told(), ['db: ok to critical'])
  assert.deepEqual([w.state_('web'), w.checks.status()[0]!.muted], ['critical', 'it depends on db'])
  assert.equal(await w.metric('yarder_check_muted', 'web'), 1)
  w.targets['web'] = w.targets['db'] = 'ok'
  await w.clock.advance(MINUTE)
  assert.deepEqual(w.told(), ['db: critical to ok'])
  w.targets['web'] = w.targets['db'] = 'critical'
  await w.clock.advance(MINUTE)
  w.targets['db'] = 'ok'
  await w.clock.advance(MINUTE)
  assert.deepEqual(w.told(), ['db: ok to critical', 'db: critical to ok', 'web: ok to critical'])
})

test('a failure of its own is told while all it depends on is well, and so is its recovery later', async t => {
  const w = await watch({ web: { depends_on: 'db' }, db: {} })
  t.after(() => w.checks.stop())
  await w.clock.advance(MINUTE)
  w.targets['web'] = 'critical'
  await w.clock.advance(MINUTE)
  assert.deepEqual(w.told(), ['web: ok to critical'])
  w.targets['db'] = 'critical'
  await w.clock.advance(MINUTE)
  w.targets['web'] = 'ok'
  await w.clock.advance(MINUTE)
  assert.deepEqual(w.told(), ['db: ok to critical', 'web: critical to ok'])
})

test('one that flaps for an hour is told as flapping, and again when it is calm', async t => {
  const w = await watch({ web: {} })
  t.after(() => w.checks.stop())
  for (let minute = 0; minute < 60; minute++) {
    w.targets['web'] = minute % 2 === 0 ? 'critical' : 'ok'
    await w.clock.advance(MINUTE)
  }
  const told = w.told()
  // Five changes are told one by one, the sixth as flapping.
  assert.deepEqual(told.length, 6)
  assert.equal(w.checks.status()[0]!.muted, 'flapping')
  await w.clock.advance(29 * MINUTE)
  assert.deepEqual(w.told(), ['web: ok to ok'])
  assert.equal(w.checks.status()[0]!.muted, undefined)
  w.targets['web'] = 'critical'
  await w.clock.advance(MINUTE)
  assert.deepEqual(w.told(), ['web: ok to critical'])
})

test('a remedy is tried when it fails for itself, and neither in maintenance nor for the fault of another', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  const trace = join(dir, 'trace')
  const remedy = { command: ['sh', '-c', `echo run >> ${trace}`] }
  const w = await watch({ web: { depends_on: ['db'], remedy }, db: {} })
  t.after(async () => {
    await w.checks.stop()
    rmSync(dir, { recursive: true })
  })
  await w.clock.advance(MINUTE)
  w.targets['web'] = w.targets['db'] = 'critical'
  await w.clock.advance(MINUTE)
  assert.equal(existsSync(trace), false)
  w.targets['db'] = w.targets['web'] = 'ok'
  await w.clock.advance(MINUTE)
  w.targets['web'] = 'critical'
  await w.clock.advance(MINUTE)
  await t.waitFor(() => assert.match(readFileSync(trace, 'utf8'), /^run\n/), { timeout: 10_000, interval: 10 })
})

test('the record of a failure has the last lines of its log, and nobody waits for them', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'error.log')
  writeFileSync(file, Array.from({ length: 50 }, (_, i) => `line ${i}\n`).join(''))
  const w = await watch({
    web: { show_log: { file, lines: 2 } },
    db: { show_log: { file: join(dir, 'gone') } }
  })
  await w.clock.advance(MINUTE)
  w.targets['web'] = w.targets['db'] = 'critical'
  await w.clock.advance(MINUTE)
  assert.deepEqual(w.told().sort(), ['db: ok to critical', 'web: ok to critical'])
  await w.checks.stop()
  const logs = w.records().flatMap(r => {
    const { name, state, log } = r['check'] as Record<string, string>
    return state === 'ok' ? [] : [`${name}: ${log!.replace(dir, '')}`]
  })
  assert.deepEqual(logs.sort(), [
    "db: (no log: ENOENT: no such file or directory, open '/gone')",
    'web: line 48\nline 49'
  ])
})

test('options that contradict each other are told', () => {
  const read = readFields(checkCommonFields, { failures_within: 2 }, () => {})!
  assert.deepEqual([...lintCheckCommon(read)], [['failures_within', 'must not be below failures_before_critical']])
  const log = readFields(checkCommonFields, { show_log: {} }, () => {})!
  assert.deepEqual([...lintCheckCommon(log)], [['show_log', 'takes either file or unit']])
})
