import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../test/lib/manual-clock.ts'
import { NOON } from '../../test/lib/records.ts'
import type { Check, CheckState } from '../core/component.ts'
import { readFields } from '../core/field.ts'
import { silentLog } from '../core/log.ts'
import type { State } from '../core/state.ts'
import { memoryState } from '../core/state.ts'
import { createStore } from '../metrics/store.ts'
import { Checks } from './checks.ts'
import type { CheckChange, CheckPlan } from './checks.ts'
import { checkCommonFields } from './common.ts'

const WORDS: Record<string, CheckState> = { S: 'ok', W: 'warning', F: 'critical', U: 'unknown' }

/** A plan whose target answers as the letters say, the last one for ever. */
function plan(name: string, answers: string, common: Record<string, unknown> = {}, signature = answers): CheckPlan {
  let i = 0
  const check: Check = async () => {
    const state = WORDS[answers[Math.min(i++, answers.length - 1)]!]!
    return { state, reason: state === 'ok' ? 'ok' : 'status', message: `look ${i}` }
  }
  const read = readFields(checkCommonFields, common, (path, message) => assert.fail(`${path} ${message}`))!
  return { name, type: 'stub', signature, common: read, timing: { every: read.every ?? 10_000 }, zone: 'UTC', check }
}

function start(state: State = memoryState(), clock = manualClock()) {
  const store = createStore()
  const changes: CheckChange[] = []
  const options = { clock, log: silentLog, instruments: store.instruments, state, random: () => 0 }
  const checks = new Checks({ ...options, onChange: change => changes.push(change) })
  const numbers = async (): Promise<Record<string, number>> => {
    const families = (await store.read()).filter(f => /^(yarder_check|probe)_/.test(f.name))
    const samples = families.flatMap(f => [...f.samples].filter(s => s.le === undefined))
    return Object.fromEntries(samples.map(s => [`${s.name}{${Object.values(s.labels).join()}}`, s.value]))
  }
  return { clock, checks, changes, numbers, state }
}

test('a third failure in a row is a change, told once with its record, and so is the recovery', async () => {
  const { clock, checks, changes } = start()
  await checks.apply([plan('web', 'SFFSFFFFFS', { notify: ['oncall'], owner: 'team-a' })])
  await clock.advance(95_000)
  await checks.stop()
  assert.deepEqual(
    changes.map(c => [c.notification.previous, c.notification.state, c.notify]),
    [
      ['unknown', 'ok', []],
      ['ok', 'critical', ['oncall']],
      ['critical', 'ok', ['oncall']]
    ]
  )
  const { record, notification } = changes[1]!
  assert.deepEqual(record, {
    message: 'web is critical: look 7',
    log: { level: 'error', logger: 'yarder.check' },
    check: {
      name: 'web',
      type: 'stub',
      state: 'critical',
      state_value: 2,
      previous: 'ok',
      reason: 'status',
      result: 'look 7',
      since: new Date(NOON + 60_000).toISOString(),
      duration_seconds: 0,
      failures: 3,
      owner: 'team-a'
    }
  })
  assert.deepEqual(notification, {
    check: 'web',
    type: 'stub',
    state: 'critical',
    previous: 'ok',
    reason: 'status',
    message: 'look 7',
    since: NOON + 60_000,
    previousSince: NOON,
    owner: 'team-a'
  })
})

test('the numbers say how things stand and what came before', async () => {
  const { clock, checks, numbers } = start()
  await checks.apply([plan('web', 'SFFF'), plan('db', 'S')])
  assert.equal((await numbers())['yarder_check_state{web}'], 3)
  await clock.advance(35_000)
  await checks.stop()
  assert.deepEqual(await numbers(), {
    'yarder_check_state{web}': 2,
    'yarder_check_state{db}': 0,
    'probe_success{web}': 0,
    'probe_success{db}': 1,
    'probe_duration_seconds{web}': 0,
    'probe_duration_seconds{db}': 0,
    'yarder_check_consecutive_failures{web}': 3,
    'yarder_check_consecutive_failures{db}': 0,
    'yarder_check_muted{web}': 0,
    'yarder_check_muted{db}': 0,
    'yarder_check_failures_total{web,status}': 3,
    'yarder_check_duration_seconds_sum{web}': 0,
    'yarder_check_duration_seconds_count{web}': 4,
    'yarder_check_duration_seconds_sum{db}': 0,
    'yarder_check_duration_seconds_count{db}': 4
  })
})

test('numbers that a run saw are series, and gone when it sees them no more', async () => {
  const { clock, checks, numbers } = start()
  const seen = [{ status: 200, connect_seconds: 0.5, rta: 1 }, { rta: 2 }]
  let i = 0
  const check: Check = async () => ({ state: 'ok', reason: 'ok', message: '', values: seen[i++]! })
  await checks.apply([{ ...plan('web', 'S'), check }])
  await clock.advance(1000)
  const ours = async (): Promise<string[]> =>
    Object.entries(await numbers())
      .filter(([name]) => /value|http/.test(name))
      .map(([name, value]) => `${name} ${value}`)
      .sort()
  assert.deepEqual(await ours(), [
    'probe_http_duration_seconds{web,connect} 0.5',
    'probe_http_status_code{web} 200',
    'yarder_check_value{web,connect_seconds} 0.5',
    'yarder_check_value{web,rta} 1',
    'yarder_check_value{web,status} 200'
  ])
  await clock.advance(10_000)
  assert.deepEqual(await ours(), ['yarder_check_value{web,rta} 2'])
  await checks.apply([])
  assert.deepEqual(await numbers(), {
    'yarder_check_duration_seconds_count{web}': 2,
    'yarder_check_duration_seconds_sum{web}': 0
  })
})

test('the state is that of before after a restart, and nothing is told twice', async () => {
  const state = memoryState()
  const first = start(state)
  await first.checks.apply([plan('web', 'SFFF'), plan('db', 'SSFF')])
  await first.clock.advance(35_000)
  await first.checks.stop()
  const second = start(state)
  await second.checks.apply([plan('web', 'F'), plan('db', 'F')])
  assert.equal(second.checks.status()[0]!.state, 'critical')
  await second.clock.advance(5000)
  await second.checks.stop()
  // Two failures before the restart and one after it are three in a row.
  assert.deepEqual(
    second.changes.map(c => [c.notification.check, c.notification.state]),
    [['db', 'critical']]
  )
})

test('a check that hangs delays no other, and fails at its limit', async () => {
  const { clock, checks, changes } = start()
  const hang = {
    ...plan('hang', 'S', { timeout: '2s', failures_before_critical: 1 }),
    check: () => new Promise<never>(() => {})
  }
  await checks.apply([hang, plan('db', 'S')])
  await clock.advance(25_000)
  const [hung, db] = checks.status()
  assert.deepEqual([hung!.state, hung!.reason, hung!.failures], ['critical', 'timeout', 3])
  assert.equal(db!.lastRun, new Date(NOON + 20_000).toISOString())
  assert.equal(changes.length, 2)
  await checks.stop()
  assert.equal(clock.waiting, 0)
})

test('a reload keeps what has not changed running, starts anew what has, and forgets what is gone', async () => {
  const { clock, checks, changes, numbers, state } = start()
  await checks.apply([plan('same', 'S', { every: '10s' }), plan('changed', 'SFFF'), plan('gone', 'S')])
  await clock.advance(31_000)
  assert.equal(checks.status()[1]!.state, 'critical')
  const told = changes.length
  await checks.apply([plan('changed', 'F'), plan('same', 'S', { every: '10s' })])
  assert.deepEqual(
    checks.status().map(s => [s.name, s.state]),
    [
      ['changed', 'critical'],
      ['same', 'ok']
    ]
  )
  await clock.advance(9000)
  assert.equal(checks.status()[1]!.lastRun, new Date(NOON + 40_000).toISOString())
  assert.equal(changes.length, told)
  assert.equal((await numbers())['yarder_check_state{gone}'], undefined)
  assert.deepEqual(Array.from(state.entries('checks'), ([name]) => name).sort(), ['changed', 'same'])
  await checks.stop()
})

test('a pause of the agent is in the history as one, and a short restart is none', async () => {
  const state = memoryState()
  const first = start(state)
  await first.checks.apply([plan('web', 'S')])
  await first.clock.advance(3_600_000)
  await first.checks.stop()
  const clock = manualClock(NOON + 3_600_000 + 60_000)
  const second = start(state, clock)
  await second.checks.apply([plan('web', 'S')])
  await clock.advance(60_000)
  await second.checks.stop()
  const later = manualClock(NOON + 10 * 3_600_000)
  const third = start(state, later)
  await third.checks.apply([plan('web', 'S')])
  assert.deepEqual(third.checks.changes('web'), [
    { at: NOON, state: 'ok' },
    { at: NOON + 3_600_000 + 120_000, state: undefined },
    { at: NOON + 10 * 3_600_000, state: 'ok' }
  ])
  assert.equal(third.checks.status()[0]!.uptime.day, 1)
  await third.checks.stop()
})

test('status says what a person asks: state, since when, why, when last, how long', async () => {
  const { clock, checks } = start()
  await checks.apply([plan('web', 'SF', { owner: 'me' })])
  assert.deepEqual(checks.status(), [
    {
      name: 'web',
      type: 'stub',
      state: 'unknown',
      message: 'not checked yet since the start',
      reason: 'ok',
      since: new Date(NOON).toISOString(),
      lastRun: undefined,
      seconds: undefined,
      failures: 0,
      values: {},
      owner: 'me',
      muted: undefined,
      uptime: { day: undefined, week: undefined, month: undefined },
      knownSeconds: 0
    }
  ])
  await clock.advance(15_000)
  const [web] = checks.status()
  assert.deepEqual(
    [web!.state, web!.message, web!.reason, web!.failures],
    ['ok', '1 of 3 failures: look 2', 'status', 1]
  )
  await checks.stop()
})

test('uptime of a day, a week and a month over restarts: a week off is not known, and neither up nor down', async () => {
  const DAY = 86_400_000
  const state = memoryState()
  /** An agent that is killed after some time; what it kept is that of its last commit. */
  const live = async (from: number, forMs: number, letters: string) => {
    const agent = start(state, manualClock(from))
    await agent.checks.apply([plan('web', letters, { every: '1h', flap_changes: 0 })])
    await agent.clock.advance(forMs)
    state.commit()
    return agent
  }
  // Ten days well, a week off, then two days critical (from the third look on), then well again.
  await live(NOON, 10 * DAY, 'S')
  const back = NOON + 17 * DAY
  await live(back, 2 * DAY, 'F')
  const last = await live(back + 2 * DAY, 12 * 3_600_000, 'S')
  const { day, week, month } = last.checks.status()[0]!.uptime
  const hour = 1 / 24
  // Well until the third failure in a row: two hours.
  const [well, ill] = [10 + 2 * hour + 0.5, 2 - 2 * hour]
  const close = (is: number | undefined, wanted: number): void =>
    assert.ok(Math.abs(is! - wanted) < 0.001, `${is} is not ${wanted}`)
  close(day, 0.5)
  close(week, (2 * hour + 0.5) / 2.5)
  close(month, well / (well + ill))
})
