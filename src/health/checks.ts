// Runs every check at its times, counts and keeps what came of it, and tells of each change.
import type { Clock } from '../core/clock.ts'
import { CHECK_STATES } from '../core/component.ts'
import type { Check, CheckReason, CheckState, Context, Notification } from '../core/component.ts'
import type { Event } from '../core/event.ts'
import type { Instruments } from '../core/instruments.ts'
import type { Log } from '../core/log.ts'
import type { State } from '../core/state.ts'
import { DEFAULT_EVERY_MS } from './common.ts'
import type { CheckCommon } from './common.ts'
import { createMeters } from './meters.ts'
import type { Meters } from './meters.ts'
import { createRunner } from './run.ts'
import type { CheckRun } from './run.ts'
import { runSchedule } from './schedule.ts'
import type { Timing } from './schedule.ts'
import { advance, changeOf, newStanding, readStanding } from './state.ts'
import type { Change, Standing, Thresholds } from './state.ts'

/** A check of the configuration, built. */
export interface CheckPlan {
  readonly name: string
  readonly type: string
  /** Changes exactly when the check must be started anew. */
  readonly signature: string
  readonly common: CheckCommon
  readonly timing: Timing
  readonly check: Check
}

/** As config/checked.ts has it. */
export interface CheckUnit {
  readonly name: string
  readonly type: string
  readonly signature: string
  readonly common: CheckCommon
  build(context: Context): Check
}

/** Builds a check; throws ConfigError. */
export function planCheck(unit: CheckUnit, context: Context): CheckPlan {
  const { name, type, common } = unit
  const zone = common.timezone ?? context.timezone
  return {
    name,
    type,
    signature: `${unit.signature}\n${zone}`,
    common,
    timing:
      common.schedule === undefined ? { every: common.every ?? DEFAULT_EVERY_MS } : { cron: common.schedule, zone },
    check: unit.build(context)
  }
}

/** A change of state, as it is handed on. */
export interface CheckChange {
  /** What it looks like in the index, beside the log lines of its time. */
  readonly record: Event
  readonly notification: Notification
  /** Names of those who are to be told; none when a new check is simply fine. */
  readonly notify: readonly string[]
}

/** For `yarder status` and `/health`. */
export interface CheckStatus {
  readonly name: string
  readonly type: string
  readonly state: CheckState
  readonly message: string
  readonly reason: CheckReason
  /** Since when it is in this state, ISO time. */
  readonly since: string
  /** When it last ran and how long that took; undefined before the first run. */
  readonly lastRun: string | undefined
  readonly seconds: number | undefined
  /** Runs in a row that were not ok. */
  readonly failures: number
  readonly values: Readonly<Record<string, number>>
  readonly owner: string | undefined
}

export interface ChecksOptions {
  readonly clock: Clock
  readonly log: Log
  readonly instruments: Instruments
  readonly state: State
  /** Called at each change; must not wait. */
  onChange(change: CheckChange): void
  /** 0 to 1; spreads the checks over time. */
  readonly random?: () => number
}

const SCOPE = 'checks'

/** All checks of an agent. `apply` at the start and at each reload, `stop` at the end. */
export class Checks {
  readonly #options: ChecksOptions
  readonly #meters: Meters
  readonly #watched = new Map<string, Watched>()

  constructor(options: ChecksOptions) {
    this.#options = options
    this.#meters = createMeters(options.instruments)
  }

  /** Starts, goes on with, or ends checks, so that exactly these run. States of checks that go on are kept. */
  async apply(plans: readonly CheckPlan[]): Promise<void> {
    const wanted = new Map(plans.map(plan => [plan.name, plan]))
    const gone = [...this.#watched.values()].filter(w => wanted.get(w.plan.name)?.signature !== w.plan.signature)
    await Promise.all(gone.map(w => w.stop()))
    for (const { plan } of gone) this.#watched.delete(plan.name)
    const kept = Array.from(this.#options.state.entries(SCOPE), ([name]) => name)
    for (const name of kept) if (!wanted.has(name)) this.#forget(name)
    // In the order of the configuration, which is that of the status.
    const before = new Map(this.#watched)
    this.#watched.clear()
    for (const plan of plans)
      this.#watched.set(plan.name, before.get(plan.name) ?? new Watched(plan, this.#options, this.#meters))
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#watched.values()].map(w => w.stop()))
  }

  status(): CheckStatus[] {
    return [...this.#watched.values()].map(w => w.status())
  }

  #forget(name: string): void {
    this.#options.state.delete(SCOPE, name)
    this.#meters.forget(name)
  }
}

/** One check that runs. */
class Watched {
  readonly plan: CheckPlan
  readonly #options: ChecksOptions
  readonly #meters: Meters
  readonly #abort = new AbortController()
  readonly #ended: Promise<void>
  readonly #thresholds: Thresholds
  #standing: Standing
  #last: { readonly run: CheckRun; readonly at: number } | undefined

  constructor(plan: CheckPlan, options: ChecksOptions, meters: Meters) {
    this.plan = plan
    this.#options = options
    this.#meters = meters
    const { clock, log, state } = options
    const { common } = plan
    this.#thresholds = {
      failuresBeforeWarning: common.failures_before_warning ?? common.failures_before_critical,
      failuresBeforeCritical: common.failures_before_critical,
      successBeforePassing: common.success_before_passing
    }
    this.#standing = readStanding(state.get(SCOPE, plan.name)) ?? newStanding(clock.now())
    meters.standing(plan.name, this.#standing)
    const runner = createRunner(plan.check, common.timeout, clock)
    const { signal } = this.#abort
    this.#ended = runSchedule(plan.timing, clock, options.random ?? Math.random, signal, async () => {
      const run = await runner.run(signal)
      if (!signal.aborted) this.#take(run)
    }).catch((error: unknown) =>
      log.error({ err: error, check: plan.name }, 'A check has stopped by a fault of the agent.')
    )
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#ended
  }

  status(): CheckStatus {
    const { name, type, common } = this.plan
    const run = this.#last?.run
    return {
      name,
      type,
      state: this.#standing.state,
      message: run?.message ?? 'not checked yet since the start',
      reason: run?.reason ?? 'ok',
      since: iso(this.#standing.since),
      lastRun: this.#last === undefined ? undefined : iso(this.#last.at),
      seconds: run?.seconds,
      failures: this.#standing.failures,
      values: run?.values ?? {},
      owner: common.owner
    }
  }

  #take(run: CheckRun): void {
    const { clock, log, state } = this.#options
    const { name } = this.plan
    const before = this.#standing
    this.#last = { run, at: clock.now() }
    this.#standing = advance(before, run.state, this.#thresholds, clock.now())
    this.#meters.run(name, run)
    this.#meters.standing(name, this.#standing)
    // An ok after an ok changes only a number that nobody needs after a restart.
    if (this.#standing.state !== 'ok' || before.state !== 'ok' || this.#standing.failures !== before.failures)
      state.set(SCOPE, name, this.#standing)
    if (run.error !== undefined && this.#standing.failures === 1)
      log.warn({ err: run.error, check: name }, 'A check did not come to its end.')
    const change = changeOf(before, this.#standing, run)
    if (change !== undefined) this.#tell(change, run)
  }

  #tell(change: Change, run: CheckRun): void {
    const { log, onChange } = this.#options
    const { name } = this.plan
    const { state, previous, reason, message } = change
    const quiet = change.first && state === 'ok'
    const data = { check: name, state, previous, reason, result: message }
    if (state === 'ok') log[quiet ? 'debug' : 'info'](data, 'A check is ok.')
    else log.warn(data, 'A check is not ok.')
    onChange({
      record: recordOf(this.plan, change, run, this.#standing.failures),
      notification: notificationOf(this.plan, change),
      notify: quiet ? [] : (this.plan.common.notify ?? [])
    })
  }
}

const iso = (ms: number): string => new Date(ms).toISOString()

const LEVELS: Record<CheckState, string> = { ok: 'info', warning: 'warn', critical: 'error', unknown: 'warn' }

function recordOf({ name, type, common }: CheckPlan, change: Change, run: CheckRun, failures: number): Event {
  const { state, previous, reason, message, since } = change
  return {
    message: `${name} is ${state}: ${message}`,
    log: { level: LEVELS[state], logger: 'yarder.check' },
    check: {
      name,
      type,
      state,
      state_value: CHECK_STATES.indexOf(state),
      previous,
      reason,
      result: message,
      since: iso(since),
      duration_seconds: run.seconds,
      failures,
      ...(common.owner === undefined ? {} : { owner: common.owner })
    }
  }
}

function notificationOf({ name, type, common }: CheckPlan, change: Change): Notification {
  const { state, previous, reason, message, since, previousSince } = change
  return { check: name, type, state, previous, reason, message, since, previousSince, owner: common.owner }
}
