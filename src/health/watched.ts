// One check that runs: its state, why nobody is told of it at the moment, and who is told when.
import type { Clock } from '../core/clock.ts'
import type { ShownState } from '../core/component.ts'
import type { Log } from '../core/log.ts'
import type { State } from '../core/state.ts'
import { iso, notificationOf, recordOf } from './change.ts'
import type { Change, CheckChange } from './change.ts'
import type { CheckPlan } from './checks.ts'
import { History } from './history.ts'
import type { PastState } from './history.ts'
import { keep, readKept } from './kept.ts'
import type { Told } from './kept.ts'
import { lastLines } from './last-lines.ts'
import type { Meters } from './meters.ts'
import { createWindows, silenceOf } from './quiet.ts'
import type { Quiet } from './quiet.ts'
import { Remedy } from './remedy.ts'
import { createRunner } from './run.ts'
import type { CheckRun } from './run.ts'
import { runSchedule } from './schedule.ts'
import { advance, newStanding, progress } from './state.ts'
import type { Standing, Thresholds } from './state.ts'
import type { CheckStatus } from './status.ts'

export interface WatchedOptions {
  readonly clock: Clock
  readonly log: Log
  readonly state: State
  readonly meters: Meters
  readonly random: () => number
  /** When the agent before this one ended, if that was long ago; milliseconds since the epoch. */
  readonly pausedSince: number | undefined
  onChange(change: CheckChange): void
  /** Another check of the agent. */
  find(name: string): Watched | undefined
  /** It has run, so those that depend on it may have something to tell. */
  onRun(name: string): void
}

/** The objection of a check that has still to be looked at. */
export const PENDING = 'not everything has been checked yet'
/** Who depends on others waits so long for them to be looked at before it speaks of its own failure. */
const WAIT_FOR_OTHERS_MS = 60_000

/** A log that takes longer to read is left out. */
const LOG_WITHIN_MS = 5000

export class Watched {
  readonly plan: CheckPlan
  readonly #options: WatchedOptions
  readonly #abort = new AbortController()
  readonly #ended: Promise<void>
  readonly #thresholds: Thresholds
  readonly #history: History
  readonly #remedy: Remedy | undefined
  readonly #windows: (now: number) => Quiet | undefined
  #standing: Standing
  #told: Told | undefined
  #flapping = false
  #shown: ShownState
  #shownSince: number
  /** Milliseconds on the monotonic clock, as `began` of the last run: the other clock may be set. */
  #failingSince: number | undefined
  #wellSince = -Infinity
  #showing: Promise<void> | undefined
  #last: { readonly run: CheckRun; readonly began: number; readonly at: number } | undefined

  constructor(plan: CheckPlan, options: WatchedOptions) {
    this.plan = plan
    this.#options = options
    const { clock, log, state, meters } = options
    const { common } = plan
    this.#thresholds = {
      failuresBeforeWarning: common.failures_before_warning ?? common.failures_before_critical,
      failuresBeforeCritical: common.failures_before_critical,
      successBeforePassing: common.success_before_passing,
      within: common.failures_within
    }
    this.#windows = createWindows(
      (common.maintenance ?? []).map(w => ({ schedule: w.schedule, for: w.for, zone: w.timezone ?? plan.zone }))
    )
    if (common.remedy !== undefined)
      this.#remedy = new Remedy(common.remedy, {
        check: plan.name,
        every: common.failures_before_critical,
        clock,
        log,
        count: outcome => meters.remedy(plan.name, outcome)
      })
    this.#history = new History(state, plan.name)
    if (options.pausedSince !== undefined) this.#history.gap(options.pausedSince)
    const kept = readKept(state, plan.name)
    this.#standing = kept.standing ?? newStanding(clock.now())
    this.#told = kept.told ?? (this.#standing.known ? this.#standing : undefined)
    this.#flapping = kept.flapping
    this.#failingSince = this.#standing.failures > 0 ? clock.elapsed() : undefined
    this.#shown = this.#standing.state
    this.#shownSince = this.#standing.since
    this.#show()
    const runner = createRunner(plan.check, common.timeout, clock)
    const { signal } = this.#abort
    this.#ended = runSchedule(plan.timing, clock, options.random, signal, async () => {
      const began = clock.elapsed()
      const run = await runner.run(signal)
      if (signal.aborted) return
      this.#take(run, began)
      options.onRun(plan.name)
    }).catch((error: unknown) =>
      log.error({ err: error, check: plan.name }, 'A check has stopped by a fault of the agent.')
    )
    meters.standing(plan.name, this.#shown, this.#standing.failures)
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#ended
    this.plan.check.close?.()
    await Promise.all([this.#remedy?.stop(), this.#showing])
  }

  status(): CheckStatus {
    const { name, type, common } = this.plan
    const run = this.#last?.run
    this.#show()
    return {
      name,
      type,
      state: this.#shown,
      message: this.#message(),
      reason: run?.reason ?? 'ok',
      since: iso(this.#shownSince),
      lastRun: this.#last === undefined ? undefined : iso(this.#last.at),
      seconds: run?.seconds,
      failures: this.#standing.failures,
      values: run?.values ?? {},
      owner: common.owner,
      muted: this.#muted()?.text,
      uptime: this.#history.uptime(this.#options.clock.now()),
      knownSeconds: this.#history.knownMs(this.#options.clock.now()) / 1000
    }
  }

  /** Of the last run; with how far it is from counting, when it does not count yet. */
  #message(): string {
    const run = this.#last?.run
    if (run === undefined) return 'not checked yet since the start'
    const far = progress(this.#standing, run.state, this.#thresholds)
    return far === '' ? run.message : `${far}: ${run.message}`
  }

  /** What it has against calling the agent ready for work. One with a cron line is judged by what is known of it. */
  objection(): string | undefined {
    const { name, timing } = this.plan
    if (this.#quiet(this.#options.clock.now()) !== undefined) return undefined
    if (this.#last === undefined && 'every' in timing) return PENDING
    const { state: result, message } = this.#last?.run ?? { state: this.#standing.state, message: 'it was critical' }
    return result === 'critical' || this.#standing.state === 'critical' ? `${name}: ${message}` : undefined
  }

  get changes(): readonly PastState[] {
    return this.#history.changes
  }

  #take(run: CheckRun, began: number): void {
    const { clock, log, meters } = this.#options
    const { name } = this.plan
    const before = this.#standing
    this.#last = { run, began, at: clock.now() }
    this.#standing = advance(before, run.state, this.#thresholds, clock.now())
    const after = this.#standing
    if (after.failures === 0) this.#failingSince = undefined
    else this.#failingSince ??= began
    if (after.state === 'ok' && before.state !== 'ok') this.#wellSince = clock.elapsed()
    if (run.error !== undefined && after.failures === 1)
      log.warn({ err: run.error, check: name }, 'A check did not come to its end.')
    meters.run(name, run)
    this.#show()
    this.#lookForFlapping()
    if (before.state !== after.state || before.known !== after.known) this.#changed(before, run)
    this.tell()
    const why = this.#muted()?.why
    if (why !== 'maintenance' && why !== 'dependency') this.#remedy?.look(after.state, after.failures)
    // An ok after an ok changes only a number that nobody needs after a restart.
    if (
      after.state !== 'ok' ||
      before.state !== 'ok' ||
      after.failures !== before.failures ||
      after.recent !== undefined
    )
      this.#keep()
  }

  #keep(): void {
    keep(this.#options.state, this.plan.name, { standing: this.#standing, told: this.#told, flapping: this.#flapping })
  }

  /** What people are shown. */
  #show(): void {
    const { meters, clock, log } = this.#options
    const now = clock.now()
    const quiet = this.#quiet(now)
    const shown = quiet === undefined ? this.#standing.state : 'maintenance'
    if (shown !== 'maintenance') this.#shownSince = this.#standing.since
    else if (this.#shown !== 'maintenance') this.#shownSince = now
    if (quiet !== undefined && this.#shown !== 'maintenance')
      log.info({ check: this.plan.name, until: iso(quiet.until), comment: quiet.comment }, 'A check is in maintenance.')
    if (quiet === undefined && this.#shown === 'maintenance')
      log.info({ check: this.plan.name, state: shown }, 'The maintenance of a check is over.')
    this.#shown = shown
    if (this.#standing.known) this.#history.add(now, shown)
    meters.standing(this.plan.name, shown, this.#standing.failures)
  }

  #quiet(now: number): Quiet | undefined {
    return silenceOf(this.#options.state, this.plan.name, now) ?? this.#windows(now)
  }

  /** The record of a change, sent at once whoever is told of it. */
  #changed(before: Standing, run: CheckRun): void {
    const { log, onChange } = this.#options
    const { state } = this.#standing
    const change = this.#change(before, run)
    const first = !before.known && state === 'ok'
    const muted = this.#muted()
    const data = { check: this.plan.name, state, previous: before.state, reason: run.reason, result: run.message }
    if (state === 'ok') log[first ? 'debug' : 'info'](data, 'A check is ok.')
    else log.warn(data, 'A check is not ok.')
    const told = muted === undefined && !this.#isTold()
    if (told) this.#told = this.#standing
    const notification = notificationOf(this.#subject(), change)
    const record = { seconds: run.seconds, failures: this.#standing.failures, muted: muted?.text }
    const show = state === 'ok' ? undefined : this.plan.common.show_log
    onChange({
      record: show === undefined ? recordOf(this.#subject(), change, record) : undefined,
      notification,
      notify: told && !first ? (this.plan.common.notify ?? []) : []
    })
    if (show === undefined) return
    // Nobody waits for the log to hear of a failure; only the record does.
    const limit = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(LOG_WITHIN_MS)])
    const earlier = this.#showing
    this.#showing = lastLines(show, limit).then(async lines => {
      await earlier
      onChange({ record: recordOf(this.#subject(), change, { ...record, log: lines }), notification, notify: [] })
    })
  }

  #isTold(): boolean {
    return this.#told?.state === this.#standing.state
  }

  /** Tells what nobody was told while it was muted, now that it is not; called whenever that may have come to be. */
  tell(): void {
    const told = this.#told
    const run = this.#last?.run
    if (!this.#standing.known || run === undefined || this.#isTold() || this.#muted() !== undefined) return
    this.#told = this.#standing
    this.#keep()
    if (told === undefined && this.#standing.state === 'ok') return
    const before = told ?? { state: 'unknown', since: this.#standing.since }
    this.#options.onChange({
      record: undefined,
      notification: notificationOf(this.#subject(), this.#change(before, run)),
      notify: this.plan.common.notify ?? []
    })
  }

  #change(before: Told, { reason, message }: Pick<CheckRun, 'reason' | 'message'>): Change {
    const { state, since } = this.#standing
    return { state, since, previous: before.state, previousSince: before.since, reason, message }
  }

  #subject(): { name: string; type: string; owner: string | undefined } {
    const { name, type, common } = this.plan
    return { name, type, owner: common.owner }
  }

  /** Begins at so many changes, and ends when there were less than half of them; both are told, what is between is not. */
  #lookForFlapping(): void {
    const { flap_changes: most, flap_within: within, notify = [] } = this.plan.common
    const changes = most === 0 ? 0 : this.#history.changesSince(this.#options.clock.now() - within)
    const flapping = most > 0 && (this.#flapping ? changes * 2 >= most : changes >= most)
    if (flapping === this.#flapping) return
    this.#flapping = flapping
    const { log, onChange } = this.#options
    const run = this.#last!.run
    const text = flapping
      ? `flapping: ${changes} changes of its state within ${within / 60_000} min; nothing more is told until it is calm`
      : 'flapping no longer'
    log.warn({ check: this.plan.name, changes }, flapping ? 'A check is flapping.' : 'A check is flapping no longer.')
    const before = this.#told ?? this.#standing
    this.#told = this.#standing
    this.#keep()
    if (this.#quiet(this.#options.clock.now()) !== undefined) return
    const change = this.#change(before, { reason: run.reason, message: `${text}; ${run.message}` })
    onChange({ record: undefined, notification: notificationOf(this.#subject(), change), notify })
  }

  /** Why nobody is to be told now. A recovery is only kept back by maintenance and flapping. */
  #muted(): { readonly why: 'maintenance' | 'flapping' | 'dependency'; readonly text: string } | undefined {
    const quiet = this.#quiet(this.#options.clock.now())
    if (quiet !== undefined) {
      const comment = quiet.comment === '' ? '' : `: ${quiet.comment}`
      return { why: 'maintenance', text: `maintenance until ${iso(quiet.until)}${comment}` }
    }
    if (this.#flapping) return { why: 'flapping', text: 'flapping' }
    if (this.#standing.state === 'ok') return undefined
    const other = (this.plan.common.depends_on ?? []).find(name => this.#waitsFor(this.#options.find(name)))
    return other === undefined ? undefined : { why: 'dependency', text: `it depends on ${other}` }
  }

  /** Whether a failure may come from that of another, which fails, or was not looked at since, or was well only after. */
  #waitsFor(other: Watched | undefined): boolean {
    if (other === undefined) return false
    if (other.#standing.failures > 0 || (other.#standing.known && other.#standing.state !== 'ok')) return true
    const since = this.#failingSince ?? 0
    const looked = other.#last?.began ?? -Infinity
    if (looked < since && this.#options.clock.elapsed() - since < WAIT_FOR_OTHERS_MS) return true
    return (this.#last?.began ?? 0) < other.#wellSince
  }
}
