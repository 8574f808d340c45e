import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../test/lib/manual-clock.ts'
import { notification } from '../../test/lib/check.ts'
import type { Notification } from '../core/component.ts'
import { YarderError } from '../core/errors.ts'
import { silentLog } from '../core/log.ts'
import type { Log, LogData } from '../core/log.ts'
import { memoryState } from '../core/state.ts'
import { createStore } from '../metrics/store.ts'
import { Notifications } from './notify.ts'
import type { NotifyPlan } from './notify.ts'

function start(state = memoryState()) {
  const clock = manualClock()
  const store = createStore()
  const errors: LogData[] = []
  const log: Log = { ...silentLog, error: data => void errors.push(data) }
  const notifications = new Notifications({ clock, log, instruments: store.instruments, state, random: () => 1 })
  const counts = async (): Promise<Record<string, number>> => {
    const family = (await store.read()).find(f => f.name === 'yarder_notifications_total')
    const sums: Record<string, number> = {}
    for (const { labels, value } of family?.samples ?? []) {
      const outcome = labels['outcome']!
      sums[outcome] = (sums[outcome] ?? 0) + value
    }
    return sums
  }
  return { clock, notifications, errors, counts }
}

/** A place that answers each try as told: true takes it; the last answer holds. */
function place(name: string, answers: (true | Error)[], clock: { elapsed(): number }, signature = name, common = {}) {
  const tries: [seconds: number, check: string][] = []
  const plan: NotifyPlan = {
    name,
    signature,
    common: { max_per_hour: 0, group_from: 1000, ...common },
    notify: async n => {
      tries.push([clock.elapsed() / 1000, n.check])
      const answer = answers[Math.min(tries.length, answers.length) - 1]!
      if (answer !== true) throw answer
    }
  }
  return { plan, tries }
}

const about = (check: string): Notification => notification({ check })
const down = new YarderError('UNREACHABLE', 'down')

test('each notification arrives once, in order, at those who are named', async () => {
  const { clock, notifications, counts } = start()
  const [a, b] = [place('a', [true], clock), place('b', [true], clock)]
  notifications.apply([a.plan, b.plan])
  notifications.tell(['a', 'b', 'a'], about('1'))
  notifications.tell(['a', 'no-such'], about('2'))
  await notifications.idle()
  assert.deepEqual(a.tries, [
    [0, '1'],
    [0, '2']
  ])
  assert.deepEqual(b.tries, [[0, '1']])
  assert.deepEqual(await counts(), { sent: 3 })
})

test('a place that is down is tried again with growing waits, and what waits goes after it in order', async () => {
  const { clock, notifications, counts } = start()
  const a = place('a', [down, down, down, true], clock)
  notifications.apply([a.plan])
  notifications.tell(['a'], about('1'))
  notifications.tell(['a'], about('2'))
  await clock.advance(10_000)
  assert.deepEqual(a.tries, [
    [0, '1'],
    [1, '1'],
    [3, '1'],
    [7, '1'],
    [7, '2']
  ])
  assert.deepEqual(await counts(), { retried: 3, sent: 2 })
})

test('a wait that the place asks for is kept', async () => {
  const { clock, notifications } = start()
  const a = place('a', [new YarderError('REFUSED', 'busy', { retryAfterMs: 30_000 }), true], clock)
  notifications.apply([a.plan])
  notifications.tell(['a'], about('1'))
  await clock.advance(40_000)
  assert.deepEqual(
    a.tries.map(([at]) => at),
    [0, 30]
  )
})

test('a refusal for good is told once and the next goes on; after an hour of trying so it is too', async () => {
  const { clock, notifications, errors, counts } = start()
  const a = place('a', [new YarderError('CONFIG', 'notifying x: HTTP 404'), true], clock)
  const b = place('b', [down], clock)
  notifications.apply([a.plan, b.plan])
  notifications.tell(['a', 'b'], about('1'))
  notifications.tell(['a'], about('2'))
  await clock.advance(3_700_000)
  assert.deepEqual(
    a.tries.map(([, check]) => check),
    ['1', '2']
  )
  assert.equal(b.tries.at(-1)![0] <= 3661, true)
  assert.deepEqual(
    errors.map(e => [e['notify'], e['error']]),
    [
      ['a', 'notifying x: HTTP 404'],
      ['b', 'down']
    ]
  )
  const { sent, refused, given_up: givenUp } = await counts()
  assert.deepEqual([sent, refused, givenUp], [1, 1, 1])
})

test('a place that is down for long costs a bounded number of notifications', async () => {
  const { clock, notifications, counts } = start()
  const a = place('a', [down], clock)
  notifications.apply([a.plan])
  for (let i = 0; i < 1150; i++) notifications.tell(['a'], about(String(i)))
  assert.equal((await counts())['left_out'], 150)
  await notifications.stop()
})

test('a changed place takes over what waits; a stop waits as long as it may and says what is left', async () => {
  const { clock, notifications, errors } = start()
  const old = place('a', [down], clock, 'old')
  const now = place('a', [true], clock, 'new')
  notifications.apply([old.plan])
  notifications.tell(['a'], about('1'))
  await clock.advance(0)
  notifications.apply([now.plan])
  await notifications.idle()
  assert.deepEqual(now.tries, [[0, '1']])
  const dead = place('b', [down], clock)
  notifications.apply([dead.plan])
  notifications.tell(['b'], about('2'))
  const stopped = notifications.stop(5000)
  await clock.advance(5000)
  await stopped
  assert.deepEqual(errors, [{ notify: 'b', count: 1 }])
  assert.equal(clock.waiting, 0)
})

test('a storm is one notification, and what is over the budget of an hour comes as one later', async () => {
  const { clock, notifications, counts } = start()
  const texts: string[] = []
  const { plan } = place('a', [true], clock)
  const common = { max_per_hour: 3, group_from: 5 }
  notifications.apply([{ ...plan, common, notify: async n => void texts.push(`${n.check} ${n.state}: ${n.message}`) }])
  for (let i = 0; i < 50; i++) notifications.tell(['a'], notification({ check: `c${i}`, message: 'down' }))
  await notifications.idle()
  assert.equal(texts.length, 1)
  assert.match(texts[0]!, /^50 checks critical: critical: c0, c1, c2, .*, c19 and 30 more$/)
  for (const check of ['w', 'x']) {
    notifications.tell(['a'], notification({ check, message: 'down' }))
    await notifications.idle()
  }
  assert.deepEqual(texts.slice(1), ['w critical: down', 'x critical: down'])
  notifications.tell(['a'], notification({ check: 'y', state: 'critical' }))
  notifications.tell(['a'], notification({ check: 'z', state: 'warning' }))
  notifications.tell(['a'], notification({ check: 'y', state: 'ok' }))
  await clock.advance(3_599_000)
  assert.equal(texts.length, 3)
  await clock.advance(2000)
  assert.equal(texts[3], '2 checks warning: warning: z; ok: y')
  assert.deepEqual(await counts(), { sent: 4, kept_back: 1 })
  await notifications.stop()
})

test('what waits at a stop, or at a kill, is sent after the next start, and nothing for a place that is gone', async () => {
  const state = memoryState()
  const first = start(state)
  const dead = [place('a', [down], first.clock), place('b', [down], first.clock)]
  first.notifications.apply(dead.map(p => p.plan))
  for (const check of ['1', '2', '3']) first.notifications.tell(['a', 'b'], about(check))
  first.notifications.tell(['a'], about('ready'), { kept: false })
  await first.clock.advance(0)
  // Killed: nobody stops it.
  const second = start(state)
  state.set('notifications', 'a\n4', { check: 'half' })
  const back = place('a', [true], second.clock)
  second.notifications.apply([back.plan])
  second.notifications.tell(['a'], about('4'))
  await second.notifications.idle()
  assert.deepEqual(
    back.tries.map(([, check]) => check),
    ['1', '2', '3', '4']
  )
  const third = start(state)
  const [a, b] = [place('a', [true], third.clock), place('b', [true], third.clock)]
  third.notifications.apply([a.plan, b.plan])
  await third.notifications.idle()
  assert.deepEqual([a.tries, b.tries], [[], []])
  await first.notifications.stop()
})
