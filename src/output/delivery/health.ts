// The state of an output (uninitialized, yellow, green, red) and what is said about it, once per change.
import type { Clock } from '../../core/clock.ts'
import { describe, errnoOf, YarderError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { Reminder } from './reminder.ts'

export type HealthState = 'uninitialized' | 'yellow' | 'green' | 'red'

const STATES: readonly HealthState[] = ['uninitialized', 'yellow', 'green', 'red']

/** Without an acknowledgement for so long while something is to be sent, an output is red. */
export const STALLED_MS = 300_000

/** After so long it is said again that nothing is acknowledged, then after twice that, and so on up to an hour. */
const REMIND_MS = 600_000
const REMIND_MOST_MS = 3_600_000

/** Kinds of trouble that are told each by itself. */
const MOST_KINDS = 20

export class Health {
  state: HealthState = 'uninitialized'
  message = 'Not started'
  /** Wall clock, milliseconds. */
  since: number
  lastError: string | undefined
  lastSuccess: number | undefined
  readonly #log: Log
  readonly #clock: Clock
  readonly #onChange: (state: HealthState, states: readonly HealthState[]) => void
  /** When to say each kind of trouble again: another one is news at once. */
  readonly #errors = new Map<string, Reminder>()
  #failures = 0
  /** When a stall is told again, monotonic milliseconds; Infinity while there is none. */
  #remindAt = Infinity
  #remindAfter = REMIND_MS

  constructor(log: Log, clock: Clock, onChange: (state: HealthState, states: readonly HealthState[]) => void) {
    this.#log = log
    this.#clock = clock
    this.#onChange = onChange
    this.since = clock.now()
    onChange(this.state, STATES)
  }

  started(type: string): void {
    this.#become('yellow', `Waiting for ${type}`, {})
  }

  succeeded(): void {
    this.lastSuccess = this.#clock.now()
    this.#remindAt = Infinity
    this.#become('green', 'Ready', this.#failures > 0 ? { failures: this.#failures } : {})
    this.#failures = 0
  }

  /** A whole send failed and will be tried again in `retryInMs`. */
  failed(error: unknown, target: string | undefined, retryInMs: number): void {
    this.#failures++
    this.lastError = describe(error)
    const data = { error: this.lastError, errno: errnoOf(error) || undefined, target }
    if (this.#reminder(error).due(1) > 0)
      this.#log.warn(
        { ...data, failures: this.#failures, retry_in_ms: Math.round(retryInMs) },
        'Request error, retrying.'
      )
    // Once red it stays so until something is acknowledged.
    if (this.state !== 'red') this.#become('yellow', shortly(error), data)
  }

  #reminder(error: unknown): Reminder {
    const kind = this.#errors.size < MOST_KINDS ? errnoOf(error) || shortly(error) : ''
    const reminder = this.#errors.get(kind) ?? new Reminder(this.#clock)
    this.#errors.set(kind, reminder)
    return reminder
  }

  stalled(target: string | undefined): void {
    const message = `No acknowledgement for ${STALLED_MS / 60_000} minutes`
    this.#remindAfter = REMIND_MS
    this.#remindAt = this.#clock.elapsed() + REMIND_MS
    this.#become('red', message, { error: this.lastError, target })
  }

  get remindAt(): number {
    return this.#remindAt
  }

  /** Whoever looks at the log hours later must not have to know how it began. */
  remind(target: string | undefined, numbers: { readonly minutes: number; readonly waiting: number }): void {
    this.#remindAfter = Math.min(this.#remindAfter * 2, REMIND_MOST_MS)
    this.#remindAt = this.#clock.elapsed() + this.#remindAfter
    this.#log.error(
      { ...numbers, error: this.lastError, target },
      'Still nothing is acknowledged; what is owed waits where it was read. Try: yarder doctor.'
    )
  }

  /** It can't go on and nothing will be tried again. Whether that is a fault or the end of the work the caller knows. */
  broken(error: unknown): void {
    this.lastError = describe(error)
    this.#remindAt = Infinity
    this.#become('red', 'Given up', {}, 'info')
  }

  #become(state: HealthState, message: string, data: Record<string, unknown>, level?: 'info'): void {
    const before = { state: this.state, message: this.message }
    this.message = message
    if (state === before.state) return
    this.state = state
    this.since = this.#clock.now()
    this.#onChange(state, STATES)
    this.#log[level ?? (state === 'red' ? 'error' : 'info')](
      { ...data, state, prevState: before.state, prevMsg: before.message },
      `Status changed from ${before.state} to ${state} - ${message}`
    )
  }
}

/** `Unauthorised` of `unauthorised: POST http://… answered 401`; of an error that says no more than where, what is done. */
function shortly(error: unknown): string {
  const phrase = error instanceof YarderError && error.code === 'REFUSED' ? error.message.split(':')[0]! : ''
  return phrase === '' ? 'Request error, retrying' : phrase[0]!.toUpperCase() + phrase.slice(1)
}
