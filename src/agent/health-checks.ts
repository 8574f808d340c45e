// The health checks with those who are told of their changes, running.
import type { Clock } from '../core/clock.ts'
import type { AgentView, Context, Notification } from '../core/component.ts'
import { YarderError } from '../core/errors.ts'
import type { Event } from '../core/event.ts'
import { didYouMean, isMap } from '../core/field.ts'
import type { Instruments, MetricReader } from '../core/instruments.ts'
import type { Log } from '../core/log.ts'
import type { State } from '../core/state.ts'
import { Checks, planCheck } from '../health/checks.ts'
import type { CheckStatus } from '../health/checks.ts'
import { beat } from '../health/heartbeats.ts'
import { silence, unsilence } from '../health/quiet.ts'
import { Notifications, planNotify } from '../health/notify.ts'
import { reportOf } from '../health/report.ts'
import { createShared } from '../health/shared.ts'
import { Taps } from '../health/taps.ts'
import type { See } from '../health/taps.ts'
import type { CheckedConfig } from './components.ts'

export interface HealthChecksOptions {
  readonly clock: Clock
  readonly log: Log
  readonly instruments: Instruments
  readonly state: State
  /** For checks of the agent's own numbers. */
  readonly metrics: MetricReader
  /** Sends the record of a change through the outputs. */
  ship(event: Event): void
}

export class HealthChecks {
  readonly #options: HealthChecksOptions
  readonly #checks: Checks
  readonly #notifications: Notifications
  readonly #taps = new Taps()
  readonly #shared

  constructor(options: HealthChecksOptions) {
    const { clock, log, instruments, state, ship } = options
    this.#options = options
    this.#shared = createShared(clock)
    this.#notifications = new Notifications({ clock, log, instruments, state })
    this.#checks = new Checks({
      clock,
      log,
      instruments,
      state,
      onChange: change => {
        if (change.record !== undefined) ship(change.record)
        this.#notifications.tell(change.notify, change.notification)
      }
    })
  }

  /** Builds all, and touches nothing until `apply`; throws ConfigError. */
  plan(checked: CheckedConfig, contextOf: (kind: string, name: string) => Context): { apply(): Promise<void> } {
    const notify = checked.units.notify.map(unit => planNotify(unit, contextOf('health', unit.name)))
    const agent: AgentView = {
      metrics: this.#options.metrics,
      watch: (input, see) => this.#taps.watch(input, see),
      shared: this.#shared
    }
    const checks = checked.units.checks.map(unit =>
      planCheck(unit, { ...contextOf('health', unit.name), agent }, checked.mask)
    )
    return {
      apply: async () => {
        this.#notifications.apply(notify)
        await this.#checks.apply(checks)
      }
    }
  }

  /** What the control socket can ask of them; each throws YarderError when it cannot be done. */
  actions(): Record<string, (body: unknown) => unknown> {
    return {
      'check-beat': body => {
        const { check, ok, message } = readBeat(body)
        const type = this.#known(check).type
        if (type !== 'heartbeat')
          throw new YarderError('USAGE', `the check "${check}" is a ${type} check; only a heartbeat waits for beats`)
        beat(this.#options.state, check, { at: this.#options.clock.now(), ok, message })
        // What was answered holds, whatever happens to the agent the moment after.
        this.#options.state.commit()
        return {}
      },
      'check-silence': body => {
        const { name } = this.#known(textOf(body, 'check'))
        const forMs = isMap(body) ? body['forMs'] : undefined
        if (typeof forMs !== 'number' || !(forMs > 0)) throw new YarderError('USAGE', 'how long is not said')
        const until = this.#options.clock.now() + forMs
        silence(this.#options.state, name, { until, comment: textOf(body, 'comment') })
        this.#options.state.commit()
        this.#checks.lookAgain(name)
        return { until: new Date(until).toISOString() }
      },
      'check-unsilence': body => {
        const { name } = this.#known(textOf(body, 'check'))
        const silenced = unsilence(this.#options.state, name)
        this.#options.state.commit()
        this.#checks.lookAgain(name)
        return { silenced }
      },
      'check-history': body => {
        const { name, state, uptime, knownSeconds } = this.#known(textOf(body, 'check'))
        const changes = this.#checks.changes(name) ?? []
        return {
          check: name,
          state,
          uptime,
          knownSeconds,
          changes: changes.map(c => ({ at: new Date(c.at).toISOString(), state: c.state ?? null }))
        }
      },
      'check-report': body => {
        const days = isMap(body) && typeof body['days'] === 'number' ? body['days'] : 31
        const now = this.#options.clock.now()
        const checks = this.status().map(({ name, state, owner }) => ({
          check: name,
          state,
          owner,
          ...reportOf(this.#checks.changes(name) ?? [], now - days * 86_400_000, now)
        }))
        return { days, checks }
      }
    }
  }

  #known(name: string): CheckStatus {
    const all = this.status()
    const found = all.find(check => check.name === name)
    if (found !== undefined) return found
    const names = all.map(check => check.name)
    throw new YarderError('USAGE', `there is no check "${name}"${didYouMean(name, names)}`)
  }

  /** For the pipeline of an input; none where no check looks at its records. */
  observersOf(checked: CheckedConfig, input: string): readonly See[] {
    return watchedByChecks(checked, input) ? [this.#taps.of(input)] : []
  }

  status(): CheckStatus[] {
    return this.#checks.status()
  }

  /** Why the checks do not let the agent be called ready for work; undefined when they do. */
  objection(): string | undefined {
    return this.#checks.objection()
  }

  /** Tells something that no check has found. */
  readonly tell = (names: readonly string[], notification: Notification): void =>
    this.#notifications.tell(names, notification, { kept: false })

  /** No check runs any more; what is to be told has `withinMs` to arrive. */
  async stop(withinMs: number): Promise<void> {
    await this.#checks.stop()
    await this.#notifications.stop(withinMs)
  }
}

const textOf = (body: unknown, key: string): string => {
  const value = isMap(body) ? body[key] : undefined
  return typeof value === 'string' ? value : ''
}

const readBeat = (body: unknown): { check: string; ok: boolean; message: string } => ({
  check: textOf(body, 'check'),
  ok: !isMap(body) || body['ok'] !== false,
  message: textOf(body, 'message')
})

/** What the `log` checks of a configuration look at: the name of an input, or undefined for all. */
export const inputsOfLogChecks = (checked: CheckedConfig) =>
  checked.units.checks
    .filter(unit => unit.type === 'log')
    .map(unit => ({ unit, input: isMap(unit.options) ? (unit.options['input'] as string | undefined) : undefined }))

/** Whether a check looks at the records of an input: its pipeline is another one then. */
export const watchedByChecks = (checked: CheckedConfig, input: string): boolean =>
  inputsOfLogChecks(checked).some(log => log.input === undefined || log.input === input)
