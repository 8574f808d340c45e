// Runs every check at its times, counts and keeps what came of it, and tells of each change.
import type { Clock } from '../core/clock.ts'
import type { Check, Context } from '../core/component.ts'
import type { Instruments } from '../core/instruments.ts'
import type { Log } from '../core/log.ts'
import type { State } from '../core/state.ts'
import type { CheckChange } from './change.ts'
import { DEFAULT_EVERY_MS } from './common.ts'
import type { CheckCommon } from './common.ts'
import { forgetBeats } from './heartbeats.ts'
import { forgetHistory } from './history.ts'
import type { PastState } from './history.ts'
import { forgetKept, keptChecks } from './kept.ts'
import { createMeters } from './meters.ts'
import type { Meters } from './meters.ts'
import { unsilence } from './quiet.ts'
import type { Timing } from './schedule.ts'
import type { CheckStatus } from './status.ts'
import { PENDING, Watched } from './watched.ts'

export { PENDING } from './watched.ts'
export type { CheckChange } from './change.ts'
export type { CheckStatus } from './status.ts'

/** A check of the configuration, built. */
export interface CheckPlan {
  readonly name: string
  readonly type: string
  /** Changes exactly when the check must be started anew. */
  readonly signature: string
  readonly common: CheckCommon
  readonly timing: Timing
  /** IANA zone of its cron lines. */
  readonly zone: string
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
export function planCheck(unit: CheckUnit, context: Context, mask: (text: string) => string = same): CheckPlan {
  const { name, type, common } = unit
  const zone = common.timezone ?? context.timezone
  return {
    name,
    type,
    signature: `${unit.signature}\n${zone}`,
    common,
    timing:
      common.schedule === undefined ? { every: common.every ?? DEFAULT_EVERY_MS } : { cron: common.schedule, zone },
    zone,
    check: masked(unit.build(context), mask)
  }
}

const same = (text: string): string => text

/** A program or a peer may repeat what it was given, and what it says goes into records and notifications. */
export function masked(check: Check, mask: (text: string) => string): Check {
  const own: Check = async signal => {
    const { perfdata, ...result } = await check(signal)
    return {
      ...result,
      message: mask(result.message),
      ...(perfdata === undefined ? {} : { perfdata: perfdata.map(mask) })
    }
  }
  if (check.close !== undefined) own.close = () => check.close?.()
  return own
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

const SCOPE = 'agent'
const SEEN = 'checks-seen'
/** How exactly a pause of the agent is known. */
const SEEN_EVERY_MS = 30_000
/** A restart that takes no longer is no pause. */
const PAUSE_MS = 90_000

/** All checks of an agent. `apply` at the start and at each reload, `stop` at the end. */
export class Checks {
  readonly #options: ChecksOptions
  readonly #meters: Meters
  readonly #watched = new Map<string, Watched>()
  /** Names of those that depend on a check. */
  #dependents = new Map<string, readonly string[]>()
  /** When the agent before this one was there last, if that was long ago; undefined after the first `apply`. */
  #pausedSince: number | undefined
  #seen = -Infinity
  readonly #takeBack: (() => void)[]

  constructor(options: ChecksOptions) {
    const { state, clock, instruments } = options
    this.#options = options
    this.#meters = createMeters(instruments)
    const kept = state.get(SCOPE, SEEN)
    this.#pausedSince = typeof kept === 'number' && clock.now() - kept >= PAUSE_MS ? kept : undefined
    this.#takeBack = [
      state.beforeCommit(() => {
        const now = clock.now()
        if (this.#watched.size === 0 || Math.abs(now - this.#seen) < SEEN_EVERY_MS) return
        this.#seen = now
        state.set(SCOPE, SEEN, now)
      }),
      instruments.beforeScrape(() => {
        for (const { name, uptime, muted } of this.status()) this.#meters.scraped(name, uptime, muted !== undefined)
      })
    ]
  }

  /** Starts, goes on with, or ends checks, so that exactly these run. States of checks that go on are kept. */
  async apply(plans: readonly CheckPlan[]): Promise<void> {
    const wanted = new Map(plans.map(plan => [plan.name, plan]))
    const gone = [...this.#watched.values()].filter(w => wanted.get(w.plan.name)?.signature !== w.plan.signature)
    await Promise.all(gone.map(w => w.stop()))
    for (const { plan } of gone) this.#watched.delete(plan.name)
    for (const name of keptChecks(this.#options.state)) if (!wanted.has(name)) this.#forget(name)
    this.#dependents = dependentsOf(plans)
    // In the order of the configuration, which is that of the status.
    const before = new Map(this.#watched)
    this.#watched.clear()
    for (const plan of plans) this.#watched.set(plan.name, before.get(plan.name) ?? this.#watch(plan))
    this.#pausedSince = undefined
  }

  async stop(): Promise<void> {
    for (const takeBack of this.#takeBack.splice(0)) takeBack()
    await Promise.all([...this.#watched.values()].map(w => w.stop()))
    if (this.#watched.size > 0) this.#options.state.set(SCOPE, SEEN, this.#options.clock.now())
  }

  status(): CheckStatus[] {
    return [...this.#watched.values()].map(w => w.status())
  }

  /** What keeps the agent from being called ready for work; undefined when nothing does. */
  objection(): string | undefined {
    const objections = Array.from(this.#watched.values(), w => w.objection()).filter(o => o !== undefined)
    // A known fault says more than that something is still to come.
    return objections.find(o => o !== PENDING) ?? objections[0]
  }

  /** What a check has been through, the oldest first; undefined when there is no such check. */
  changes(name: string): readonly PastState[] | undefined {
    return this.#watched.get(name)?.changes
  }

  /** Somebody has silenced a check, or taken that back. */
  lookAgain(name: string): void {
    const watched = this.#watched.get(name)
    watched?.status()
    watched?.tell()
  }

  #watch(plan: CheckPlan): Watched {
    const { clock, log, state, onChange, random = Math.random } = this.#options
    return new Watched(plan, {
      clock,
      log,
      state,
      meters: this.#meters,
      random,
      pausedSince: this.#pausedSince,
      onChange,
      find: name => this.#watched.get(name),
      onRun: name => {
        for (const other of this.#dependents.get(name) ?? []) this.#watched.get(other)?.tell()
      }
    })
  }

  #forget(name: string): void {
    const { state } = this.#options
    forgetKept(state, name)
    unsilence(state, name)
    forgetHistory(state, name)
    forgetBeats(state, name)
    this.#meters.forget(name)
  }
}

function dependentsOf(plans: readonly CheckPlan[]): Map<string, readonly string[]> {
  const pairs = plans.flatMap(plan => (plan.common.depends_on ?? []).map(on => ({ on, name: plan.name })))
  const byOther = Map.groupBy(pairs, pair => pair.on)
  return new Map(Array.from(byOther, ([on, found]) => [on, found.map(pair => pair.name)]))
}
