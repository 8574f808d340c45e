// `systemd_unit` check: a unit is active and stays so, or a timer runs when it should; asked of systemctl.
import { defineCheck } from '../../core/component.ts'
import type { CheckResult } from '../../core/component.ts'
import type { Clock } from '../../core/clock.ts'
import { describe } from '../../core/errors.ts'
import { boolean, duration, integer, optional, string } from '../../core/field.ts'
import type { Values } from '../../core/field.ts'
import { worst } from '../range.ts'
import type { Part } from '../range.ts'
import { askSystemd, systemdTime } from '../systemd.ts'
import type { Properties } from '../systemd.ts'

const fields = {
  unit: string('Name of the unit; `.service` may be left out.', {
    example: 'nginx.service',
    pattern: /^[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*$/,
    must: 'the name of a unit such as "nginx.service"'
  }),
  enabled: optional(boolean('Whether it should start with the host.')),
  max_activating: duration('A unit that takes longer to start is critical.', { default: '2m', min: '1s', max: '1d' }),
  max_restarts: integer('More restarts than that within `restarts_within` are critical: it does not stay up.', {
    default: 3,
    min: 0,
    max: 1000
  }),
  restarts_within: duration('The time that restarts are counted over.', { default: '15m', min: '1m', max: '7d' }),
  max_age: optional(duration('A timer that ran last longer ago is overdue.', { example: '25h' })),
  systemctl: string('The program that is asked.', { default: 'systemctl' })
}
type Options = Values<typeof fields>

export const systemdUnit = defineCheck({
  name: 'systemd_unit',
  summary: 'Asks systemd for a unit; healthy when it is active and does not restart again and again.',
  description:
    'Anybody may ask systemd, so no privilege is needed. Where there is no systemd the state is unknown. A unit that systemd is starting is a warning; one that waits to be started again after a crash is critical. Of a timer, what it starts counts too: critical when that has failed, or when the timer is overdue. A service that runs and ends (`Type=oneshot`) is inactive between its runs, so look at its timer instead.',
  fields,
  examples: [
    { title: 'nginx runs', yaml: 'type: systemd_unit\nunit: nginx.service' },
    { title: 'The nightly backup ran', yaml: 'type: systemd_unit\nunit: backup.timer\nmax_age: 25h' }
  ],
  *lint(o) {
    if (o.max_age !== undefined && !o.unit.endsWith('.timer')) yield ['max_age', 'is for a timer']
  },
  build(o, { clock }) {
    const { unit, systemctl } = o
    const name = /\.(service|socket|timer|target|mount|automount|path|slice|scope|swap|device)$/.test(unit)
      ? unit
      : `${unit}.service`
    const activating = createActivating(o, clock)
    const restarts = createRestarts(o, clock)
    return async signal => {
      try {
        const of = await askSystemd(systemctl, name, signal)
        if (of('LoadState') === 'not-found')
          return { state: 'critical', reason: 'missing', message: `there is no unit ${name}` }
        const parts: [Part, ...Part[]] = [activating(name, of), restarts(name, of)]
        if (o.enabled !== undefined) parts.push(judgeEnabled(name, of, o.enabled))
        if (name.endsWith('.timer')) {
          parts.push(judgeTimer(name, of, o.max_age, clock.now()))
          const started = of('Unit') || name.replace(/\.timer$/, '.service')
          parts.push(judgeStarted(started, await askSystemd(systemctl, started, signal)))
        }
        return { ...worst(parts), ...valuesOf(of, clock.now()) }
      } catch (error) {
        return { state: 'unknown', reason: 'start', message: describe(error) }
      }
    }
  }
})

function valuesOf(of: Properties, now: number): Pick<CheckResult, 'values'> {
  const restarts = Number(of('NRestarts') || NaN)
  const ran = systemdTime(of('LastTriggerUSec'))
  const values = {
    ...(Number.isFinite(restarts) ? { restarts } : {}),
    ...(ran === undefined ? {} : { last_run_age_seconds: (now - ran) / 1000 })
  }
  return Object.keys(values).length === 0 ? {} : { values }
}

/** Judges the state of a unit; one that is starting is known since it was first seen so. */
function createActivating(o: Options, clock: Clock): (name: string, of: Properties) => Part {
  let since: number | undefined
  return (name, of) => {
    const [active, sub, result] = [of('ActiveState'), of('SubState'), of('Result')]
    const is = `${name} is ${active} (${sub}${result === '' || result === 'success' ? '' : `, ${result}`})`
    if (active !== 'activating') {
      since = undefined
      if (active === 'active' || active === 'reloading') return { state: 'ok', reason: 'ok', message: is }
      return { state: 'critical', reason: 'inactive', message: is }
    }
    since ??= clock.elapsed()
    if (sub === 'auto-restart') return { state: 'critical', reason: 'restarting', message: is }
    const seconds = Math.round((clock.elapsed() - since) / 1000)
    if (seconds * 1000 <= o.max_activating) return { state: 'warning', reason: 'restarting', message: is }
    return { state: 'critical', reason: 'restarting', message: `${is} for ${seconds} s already` }
  }
}

/** Counts restarts since they were first seen, so that those of last month don't count. */
function createRestarts(o: Options, clock: Clock): (name: string, of: Properties) => Part {
  let seen: { readonly at: number; readonly count: number }[] = []
  return (name, of) => {
    const count = Number(of('NRestarts') || 0)
    const at = clock.elapsed()
    // A start by hand sets the count to nothing.
    if (count < (seen.at(-1)?.count ?? 0)) seen = []
    if (count !== seen.at(-1)?.count) seen.push({ at, count })
    // What was the count at the beginning of the time stays, to be subtracted.
    while (seen.length > 1 && at - seen[1]!.at > o.restarts_within) seen.shift()
    const lately = count - seen[0]!.count
    if (lately <= o.max_restarts) return { state: 'ok', reason: 'ok', message: '' }
    const message = `${name} was restarted ${lately} times within ${o.restarts_within / 60_000} min`
    return { state: 'critical', reason: 'restarting', message }
  }
}

function judgeEnabled(name: string, of: Properties, wanted: boolean): Part {
  const file = of('UnitFileState')
  const is = file.startsWith('enabled')
  if (is === wanted) return { state: 'ok', reason: 'ok', message: '' }
  return { state: 'critical', reason: 'mode', message: `${name} is ${file || 'not enabled'}` }
}

/** A timer whose next run lies in the past has been forgotten, or the host is too busy for it. */
function judgeTimer(name: string, of: Properties, maxAge: number | undefined, now: number): Part {
  const last = systemdTime(of('LastTriggerUSec'))
  const next = systemdTime(of('NextElapseUSecRealtime'))
  const fine: Part = { state: 'ok', reason: 'ok', message: '' }
  if (maxAge !== undefined && (last === undefined || now - last > maxAge)) {
    const ran = last === undefined ? 'has never run' : `ran last at ${new Date(last).toISOString()}`
    return { state: 'critical', reason: 'age', message: `${name} ${ran}, expected within ${maxAge / 60_000} min` }
  }
  if (next !== undefined && now - next > OVERDUE_MS)
    return { state: 'critical', reason: 'age', message: `${name} should have run at ${new Date(next).toISOString()}` }
  return fine
}

/** Timers are let slip by a minute (AccuracySec) and their services may take their time. */
const OVERDUE_MS = 5 * 60_000

function judgeStarted(name: string, of: Properties): Part {
  const result = of('Result')
  if (of('LoadState') === 'not-found')
    return { state: 'critical', reason: 'missing', message: `there is no unit ${name} for it to start` }
  if (of('ActiveState') !== 'failed' && (result === '' || result === 'success'))
    return { state: 'ok', reason: 'ok', message: '' }
  return { state: 'critical', reason: 'exit', message: `${name}, which it starts, has failed (${result})` }
}
