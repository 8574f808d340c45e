// A change of a check's state, as it is handed on: a record for the index, and a notification for people.
import { CHECK_STATES } from '../core/component.ts'
import type { CheckReason, CheckState, Notification } from '../core/component.ts'
import type { Event } from '../core/event.ts'

/** Of which check. */
export interface Subject {
  readonly name: string
  readonly type: string
  readonly owner: string | undefined
}

/** A change of state, and the result that brought it. */
export interface Change {
  readonly state: CheckState
  readonly since: number
  readonly previous: CheckState
  readonly previousSince: number
  readonly reason: CheckReason
  readonly message: string
}

/** What is handed on. */
export interface CheckChange {
  /** What it looks like in the index, beside the log lines of its time; undefined when that was sent before. */
  readonly record: Event | undefined
  readonly notification: Notification
  /** Names of those who are to be told; none when a new check is simply fine, or when nobody should hear of it now. */
  readonly notify: readonly string[]
}

const LEVELS: Record<CheckState, string> = { ok: 'info', warning: 'warn', critical: 'error', unknown: 'warn' }

export const iso = (ms: number): string => new Date(ms).toISOString()

/** `muted` says why nobody was told; `log` are the last lines of what has failed. */
export function recordOf(
  { name, type, owner }: Subject,
  change: Change,
  run: {
    readonly seconds: number
    readonly failures: number
    readonly muted: string | undefined
    readonly log?: readonly string[]
  }
): Event {
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
      failures: run.failures,
      ...(run.muted === undefined ? {} : { muted: run.muted }),
      ...(run.log === undefined ? {} : { log: run.log.join('\n') }),
      ...(owner === undefined ? {} : { owner })
    }
  }
}

export function notificationOf({ name, type, owner }: Subject, change: Change): Notification {
  const { state, previous, reason, message, since, previousSince } = change
  return { check: name, type, state, previous, reason, message, since, previousSince, owner }
}
