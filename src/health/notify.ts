// Tells people of changes: one notification a change, in order, repeated until it arrives, and nothing waits for it.
import type { Clock } from '../core/clock.ts'
import type { Context, Notification, Notify } from '../core/component.ts'
import { describe, YarderError } from '../core/errors.ts'
import type { Instruments } from '../core/instruments.ts'
import type { Log } from '../core/log.ts'

export interface NotifyPlan {
  readonly name: string
  readonly signature: string
  readonly notify: Notify
}

/** As config/checked.ts has it. */
export interface NotifyUnit {
  readonly name: string
  readonly signature: string
  build(context: Context): Notify
}

/** Builds a way to notify; throws ConfigError. */
export const planNotify = (unit: NotifyUnit, context: Context): NotifyPlan => ({
  name: unit.name,
  signature: unit.signature,
  notify: unit.build(context)
})

export interface NotificationsOptions {
  readonly clock: Clock
  readonly log: Log
  readonly instruments: Instruments
  /** 0 to 1; spreads the tries. */
  readonly random?: () => number
}

/** Notifications that wait for one place; the oldest goes when there is one more. */
const MAX_WAITING = 100
/** Waits between tries double from the first to the second. */
const BACKOFF_MS = { init: 1000, max: 60_000 }
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
      'Notifications by what came of them: sent, retried, refused, given_up, left_out.',
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
    for (const plan of plans) {
      const old = this.#channels.get(plan.name)
      if (old?.plan.signature === plan.signature) continue
      const channel = new Channel(plan, this.#options, outcome => this.#outcomes.add(1, plan.name, outcome))
      this.#channels.set(plan.name, channel)
      for (const notification of old?.stop() ?? []) channel.add(notification)
    }
  }

  /** Returns at once. */
  tell(names: readonly string[], notification: Notification): void {
    for (const name of new Set(names)) this.#channels.get(name)?.add(notification)
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    await Promise.all([...this.#channels.values()].map(channel => channel.idle()))
  }

  /** Gives what waits this long to arrive; what has not by then is lost, and said. */
  async stop(withinMs = 0): Promise<void> {
    const done = new AbortController()
    if (withinMs > 0) await Promise.race([this.idle(), this.#options.clock.wait(withinMs, done.signal)])
    done.abort()
    for (const [name, channel] of this.#channels) {
      const lost = channel.stop()
      if (lost.length > 0)
        this.#options.log.error({ notify: name, count: lost.length }, 'Notifications were not sent before the stop.')
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
  #waiting: Notification[] = []
  #work: Promise<void> | undefined

  constructor(plan: NotifyPlan, options: NotificationsOptions, count: (outcome: string) => void) {
    this.plan = plan
    this.#options = options
    this.#count = count
  }

  add(notification: Notification): void {
    this.#waiting.push(notification)
    if (this.#waiting.length > MAX_WAITING) {
      // The first is on its way perhaps, so the oldest that is not goes.
      this.#waiting.splice(1, 1)
      this.#count('left_out')
    }
    this.#work ??= this.#deliver().finally(() => {
      this.#work = undefined
    })
  }

  async idle(): Promise<void> {
    while (this.#work !== undefined) await this.#work
  }

  /** What was not delivered. */
  stop(): Notification[] {
    this.#abort.abort()
    return this.#waiting.splice(0)
  }

  async #deliver(): Promise<void> {
    for (let next = this.#waiting[0]; next !== undefined && !this.#abort.signal.aborted; next = this.#waiting[0]) {
      const outcome = await this.#try(next)
      if (this.#abort.signal.aborted && outcome !== 'sent') return
      this.#count(outcome)
      if (this.#waiting[0] === next) this.#waiting.shift()
    }
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
