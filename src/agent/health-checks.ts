// The health checks with those who are told of their changes, running.
import type { Clock } from '../core/clock.ts'
import type { Context } from '../core/component.ts'
import type { Event } from '../core/event.ts'
import type { Instruments } from '../core/instruments.ts'
import type { Log } from '../core/log.ts'
import type { State } from '../core/state.ts'
import { Checks, planCheck } from '../health/checks.ts'
import type { CheckStatus } from '../health/checks.ts'
import { Notifications, planNotify } from '../health/notify.ts'
import type { CheckedConfig } from './components.ts'

export interface HealthChecksOptions {
  readonly clock: Clock
  readonly log: Log
  readonly instruments: Instruments
  readonly state: State
  /** Sends the record of a change through the outputs. */
  ship(event: Event): void
}

export class HealthChecks {
  readonly #checks: Checks
  readonly #notifications: Notifications

  constructor({ clock, log, instruments, state, ship }: HealthChecksOptions) {
    this.#notifications = new Notifications({ clock, log, instruments })
    this.#checks = new Checks({
      clock,
      log,
      instruments,
      state,
      onChange: change => {
        ship(change.record)
        this.#notifications.tell(change.notify, change.notification)
      }
    })
  }

  /** Builds all, and touches nothing until `apply`; throws ConfigError. */
  plan(checked: CheckedConfig, contextOf: (kind: string, name: string) => Context): { apply(): Promise<void> } {
    const notify = checked.units.notify.map(unit => planNotify(unit, contextOf('health', unit.name)))
    const checks = checked.units.checks.map(unit => planCheck(unit, contextOf('health', unit.name)))
    return {
      apply: async () => {
        this.#notifications.apply(notify)
        await this.#checks.apply(checks)
      }
    }
  }

  status(): CheckStatus[] {
    return this.#checks.status()
  }

  /** No check runs any more; what is to be told has `withinMs` to arrive. */
  async stop(withinMs: number): Promise<void> {
    await this.#checks.stop()
    await this.#notifications.stop(withinMs)
  }
}
