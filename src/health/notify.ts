// Tells people of changes: one notification a change, in order, repeated until it arrives, and nothing waits for it.
import type { Clock } from '../core/clock.ts'
import type { Context, Notification, Notify } from '../core/component.ts'
import { describe, YarderError } from '../core/errors.ts'
import * as f from '../core/field.ts'
import type { Instruments } from '../core/instruments.ts'
import type { Log } from '../core/log.ts'
import type { State } from '../core/state.ts'
import { groupOf } from './notify-group.ts'
import { forgetOthers, Waiting } from './waiting.ts'

export const notifyCommonFields = {
  max_per_hour: f.integer(
    'More notifications than that within an hour are kept back, and come as one when there is room again; 0 is without end.',
    { default: 60, min: 0, max: 10_000 }
  ),
  group_from: f.integer('When so many wait to be sent at once, they come as one.', { default: 5, min: 2, max: 100 })
}
type NotifyCommon = f.Values<typeof notifyCommonFields>

export interface NotifyPlan {
  readonly name: string
  readonly common: NotifyCommon
  readonly signature: string
  readonly notify: Notify
}

/** As config/checked.ts has it. */
export interface NotifyUnit {
  readonly name: string
  readonly common: NotifyCommon
  readonly signature: string
  build(context: Context): Notify
}

/** Builds a way to notify; throws ConfigError. */
export const planNotify = (unit: NotifyUnit, context: Context): NotifyPlan => ({
  name: unit.name,
  common: unit.common,
  signature: unit.signature,
  notify: unit.build(context)
})

export interface NotificationsOptions {
  readonly clock: Clock
  readonly log: Log
  readonly instruments: Instruments
  /** What waits is kept there. */
  readonly state: State
  /** 0 to 1; spreads the tries. */
  readonly random?: () => number
}

/** Notifications that wait for one place; the oldest goes when there is one more. */
const MAX_WAITING = 1000
/** Waits between tries double from the first to the second. */
const BACKOFF_MS = { init: 1000, max: 60_000 }
const HOUR_MS = 3_600_000
/** Who has not been reached for so long gets the next change instead. */
const GIVE_UP_MS = 3_600_000

/** All ways to notify. `apply` at the start and at each reload, `stop` at the end. */
export class Notifications {
  readonly #options: NotificationsOptions
  readonly #outcomes
  readonly #channels = new Map<string, Channel>()

  constructor(options: NotificationsOptions) {
    this.#options = options
    this.#outcomes = options.instruments.counter(
      'yarder_notifications_total',
      'Notifications by what came of them: sent, retried, refused, given_up, left_out, kept_back.',
      ['notify', 'outcome']
    )
  }

  /** A way that has changed goes on with what waits in the old one. */
  apply(plans: readonly NotifyPlan[]): void {
    const names = new Set(plans.map(plan => plan.name))
    for (const [name, channel] of this.#channels) {
      if (names.has(name)) continue
      channel.stop()
      this.#channels.delete(name)
    }
    forgetOthers(this.#options.state, names)
    for (const plan of plans) {
      const old = this.#channels.get(plan.name)
      if (old?.plan.signature === plan.signature) continue
      const waiting = old?.stop() ?? new Waiting(this.#options.state, plan.name)
      const count = (outcome: string): void => this.#outcomes.add(1, plan.name, outcome)
      this.#channels.set(plan.name, new Channel(plan, waiting, this.#options, count))
    }
  }

  /** Returns at once. What is true of this run of the agent alone is not `kept` for the next. */
  tell(names: readonly string[], notification: Notification, { kept = true } = {}): void {
    for (const name of new Set(names)) this.#channels.get(name)?.add(notification, kept)
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    await Promise.all([...this.#channels.values()].map(channel => channel.idle()))
  }

  /** Gives what waits this long to arrive; what has not by then is sent after the next start. */
  async stop(withinMs = 0): Promise<void> {
    const done = new AbortController()
    if (withinMs > 0) await Promise.race([this.idle(), this.#options.clock.wait(withinMs, done.signal)])
    done.abort()
    for (const [name, channel] of this.#channels) {
      const { length } = channel.stop()
      if (length > 0)
        this.#options.log.error({ notify: name, count: length }, 'Notifications wait for the next start of the agent.')
    }
    this.#channels.clear()
  }
}

/** One place that is told, one notification at a time. */
class Channel {
  readonly plan: NotifyPlan
  readonly #options: NotificationsOptions
  readonly #count: (outcome: string) => void
  readonly #abort = new AbortController()
  readonly #waiting: Waiting
  /** When, within the last hour; milliseconds on the monotonic clock. */
  #sent: number[] = []
  #work: Promise<void> | undefined

  /** Goes on with what waits already. */
  constructor(plan: NotifyPlan, waiting: Waiting, options: NotificationsOptions, count: (outcome: string) => void) {
    this.plan = plan
    this.#waiting = waiting
    this.#options = options
    this.#count = count
    if (waiting.length > 0) this.#start()
  }

  add(notification: Notification, kept: boolean): void {
    this.#waiting.add(notification, kept)
    if (this.#waiting.length > MAX_WAITING) {
      // The first is on its way perhaps, so the oldest that is not goes.
      this.#waiting.remove(this.#waiting.all.slice(1, 2))
      this.#count('left_out')
    }
    this.#start()
  }

  #start(): void {
    this.#work ??= this.#deliver().finally(() => {
      this.#work = undefined
    })
  }

  async idle(): Promise<void> {
    while (this.#work !== undefined) await this.#work
  }

  /** What was not delivered. */
  stop(): Waiting {
    this.#abort.abort()
    return this.#waiting
  }

  async #deliver(): Promise<void> {
    const { signal } = this.#abort
    while (this.#waiting.length > 0) {
      const keptBack = await this.#room()
      if (signal.aborted) return
      const together = keptBack || this.#waiting.length >= this.plan.common.group_from
      const batch = together ? this.#waiting.all : this.#waiting.all.slice(0, 1)
      const outcome = await this.#try(groupOf(batch))
      if (signal.aborted && outcome !== 'sent') return
      this.#count(outcome)
      this.#sent.push(this.#options.clock.elapsed())
      this.#waiting.remove(batch)
    }
  }

  /** Waits until one more may be sent; true when that took a while. */
  async #room(): Promise<boolean> {
    const { clock, log } = this.#options
    const { max_per_hour: most } = this.plan.common
    const now = clock.elapsed()
    this.#sent = this.#sent.filter(at => now - at < HOUR_MS)
    if (most === 0 || this.#sent.length < most) return false
    log.warn({ notify: this.plan.name, most }, 'So many notifications within an hour; further ones are kept back.')
    this.#count('kept_back')
    await clock.wait(this.#sent[0]! + HOUR_MS - now, this.#abort.signal)
    return true
  }

  async #try(notification: Notification): Promise<'sent' | 'refused' | 'given_up'> {
    const { clock, log, random = Math.random } = this.#options
    const { signal } = this.#abort
    const data = { notify: this.plan.name, check: notification.check }
    const deadline = clock.elapsed() + GIVE_UP_MS
    for (let tries = 0; ; tries++) {
      try {
        await this.plan.notify(notification, signal)
        return 'sent'
      } catch (error) {
        if (signal.aborted) return 'given_up'
        const expected = error instanceof YarderError
        if (!expected || !error.retryable || clock.elapsed() >= deadline) {
          log.error(
            { ...data, ...(expected ? { error: describe(error) } : { err: error }) },
            'A notification could not be sent.'
          )
          return expected && error.retryable ? 'given_up' : 'refused'
        }
        if (tries === 0) log.warn({ ...data, error: describe(error) }, 'A notification is tried again.')
        this.#count('retried')
        const wait = Math.min(BACKOFF_MS.max, BACKOFF_MS.init * 2 ** tries)
        await clock.wait(Math.max(error.retryAfterMs ?? 0, wait / 2 + (random() * wait) / 2), signal)
        if (signal.aborted) return 'given_up'
      }
    }
  }
}
