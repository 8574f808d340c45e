// Requests to a destination: when one may start, what its answer changes, and when what was not taken is tried again.
import type { Clock } from '../../core/clock.ts'
import type { Output, Parcel, Sent } from '../../core/component.ts'
import { errnoOf, YarderError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { RateLimiter, portionOf } from '../../core/rate.ts'
import { Alarm } from './alarm.ts'
import { Backoff } from './backoff.ts'
import { Concurrency } from './concurrency.ts'
import { STALLED_MS } from './health.ts'
import type { Health } from './health.ts'
import { judge } from './judge.ts'
import type { Outcome } from './judge.ts'
import type { Meters } from './meters.ts'
import type { DeliveryOptions } from './options.ts'
import { parcelOf } from './queue.ts'
import type { Queue, Run } from './queue.ts'

export interface RequestsOptions {
  readonly output: Output
  readonly options: DeliveryOptions
  /** What it takes from, and gives back to: only these records are ever sent. */
  readonly queue: Queue
  readonly health: Health
  readonly meters: Meters
  readonly log: Log
  readonly clock: Clock
  /** 0 up to 1, for the jitter. */
  readonly random: () => number
  /** The end: requests are broken off, and nothing new is sent. */
  readonly closed: AbortSignal
  /** A destination answered; what it did not take is in the queue again. */
  readonly onAnswer: (outcome: Outcome) => void
  /** The output can't go on for good; nothing is sent any more. */
  readonly onBroken: (error: unknown) => void
}

/** `pump` after every change of the queue. */
export class Requests {
  readonly #options: RequestsOptions
  readonly #backoff: Backoff
  readonly #limiter: RateLimiter | undefined
  readonly #concurrency: Concurrency
  readonly #alarm: Alarm
  readonly #sends = new Set<Promise<void>>()
  #inFlight = 0
  #contacted = false
  #failing = false
  #broken = false
  #draining = false
  #acknowledgedAt = 0

  constructor(options: RequestsOptions) {
    const { clock, random, closed } = options
    const { backoff, rate_limit, in_flight } = options.options
    this.#options = options
    this.#backoff = new Backoff(backoff, clock, random)
    this.#limiter = rate_limit && new RateLimiter(rate_limit, clock)
    this.#concurrency = new Concurrency(in_flight)
    this.#alarm = new Alarm(clock, () => this.pump())
    closed.addEventListener('abort', () => this.#alarm.cancel(), { once: true })
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** One at a time until the destination has shown that it answers, so that trouble never brings a storm of connections. */
  get limit(): number {
    return this.#failing || !this.#contacted ? 1 : this.#concurrency.limit
  }

  /** The destination took nothing at the last try. */
  get failing(): boolean {
    return this.#failing
  }

  get broken(): boolean {
    return this.#broken
  }

  /** Resolves when those that are under way now have ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#sends)
  }

  /** The queue is to be emptied: one more try at once, whatever wait was on, short waits after it, and no gathering. */
  hurry(): void {
    this.#draining = true
    this.#backoff.reset()
    this.#options.output.hurry?.()
    this.pump()
  }

  /** Starts what may start and sets the alarm for what comes next. */
  pump(): void {
    const { queue, health, output, closed, clock } = this.#options
    if (closed.aborted || this.#broken || health.state === 'uninitialized') return
    this.watch()
    const now = clock.elapsed()
    if (now >= this.#backoff.until) {
      while (this.#inFlight < this.limit && this.#ready(now) && this.#throttle() === 0) {
        const runs = this.#take()
        const parcel = parcelOf(runs)
        this.#limiter?.take(parcel.count, parcel.bytes)
        this.#track(this.#send(runs, parcel))
      }
      if (!this.#contacted && this.#inFlight === 0 && queue.freshCount === 0 && output.probe !== undefined)
        void this.#probe(output.probe.bind(output))
    }
    this.#alarm.set(this.#nextLook(now))
  }

  /** Looks whether nothing is acknowledged for too long, and tells it. */
  watch(): void {
    const { queue, health, output, clock } = this.#options
    const now = clock.elapsed()
    if (queue.empty || health.state === 'uninitialized' || now < this.#tellsAt()) return
    if (health.state !== 'red') return health.stalled(output.target)
    const minutes = Math.round((now - this.#stuckSince()) / 60_000)
    health.remind(output.target, { minutes, waiting: queue.unacknowledged })
  }

  /** Since when something waits and nothing was acknowledged. */
  #stuckSince(): number {
    return Math.max(this.#acknowledgedAt, this.#options.queue.busySince)
  }

  /** When it is time to say that nothing is acknowledged, for the first time or again. */
  #tellsAt(): number {
    const { health } = this.#options
    return health.state === 'red' ? health.remindAt : this.#stuckSince() + STALLED_MS
  }

  /** A batch, or what of it `rate_limit` lets go at once. */
  #take(): Run[] {
    const { queue, options } = this.#options
    const { max_events, max_bytes } = options.batch
    const { records, bytes } = portionOf(this.#draining ? undefined : options.rate_limit)
    return queue.take(Math.min(max_events, records), Math.min(max_bytes, bytes))
  }

  /** Milliseconds until `rate_limit` lets the next parcel go; a stop doesn't wait for it. */
  #throttle(): number {
    return this.#draining ? 0 : (this.#limiter?.waitMs() ?? 0)
  }

  /** There is enough for a request, or it has waited long enough for more. */
  #ready(now: number): boolean {
    const { queue, options } = this.#options
    const { batch } = options
    if (queue.hasAgain) return true
    if (queue.freshSince === undefined) return false
    return (
      this.#draining ||
      queue.freshCount >= batch.max_events ||
      queue.freshBytes >= batch.max_bytes ||
      queue.full ||
      now - queue.freshSince >= batch.timeout
    )
  }

  #nextLook(now: number): number {
    const { queue, options } = this.#options
    let at = Infinity
    const { freshSince, hasAgain } = queue
    const throttled = this.#throttle()
    if (this.#backoff.until > now) at = this.#backoff.until
    else if (throttled > 0 && !queue.empty) at = now + throttled
    else if (freshSince !== undefined && !hasAgain && this.#inFlight < this.limit)
      at = freshSince + options.batch.timeout
    return queue.empty ? at : Math.min(at, this.#tellsAt())
  }

  #track(send: Promise<void>): void {
    this.#sends.add(send)
    void send.finally(() => this.#sends.delete(send))
  }

  async #send(runs: readonly Run[], parcel: Parcel): Promise<void> {
    const { output, queue, meters, clock, closed } = this.#options
    const { round } = this.#backoff
    const started = clock.elapsed()
    const began = this.#concurrency.begin()
    this.#inFlight++
    let sent: Sent | undefined
    let error: unknown
    try {
      sent = await output.send(parcel, closed)
    } catch (e) {
      error = e
    }
    this.#inFlight--
    // An answer counts also when it comes after the end: what was acknowledged is not sent again.
    if (closed.aborted && sent === undefined) return
    meters.took(clock.elapsed() - started)
    if ((sent ?? (error as Partial<YarderError> | undefined))?.overloaded === true) this.#concurrency.overloaded(began)
    else if (sent?.retry.length === 0) this.#concurrency.answered()
    if (sent !== undefined) this.#answered(judge(runs, parcel, sent), sent, round)
    else {
      queue.giveBack(runs)
      this.#failed(error, round, parcel.count)
    }
    this.pump()
  }

  async #probe(probe: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { closed } = this.#options
    const { round } = this.#backoff
    this.#inFlight++
    let failed = false
    try {
      await probe(closed)
    } catch (error) {
      failed = true
      if (!closed.aborted) this.#failed(error, round, 0)
    }
    this.#inFlight--
    if (!failed && !closed.aborted) this.#succeeded()
    this.pump()
  }

  #answered(outcome: Outcome, sent: Sent, round: number): void {
    const { queue, meters, log, onAnswer } = this.#options
    const { retry, retryCount, rejected, deliveredCount, deliveredBytes } = outcome
    queue.giveBack(retry)
    if (deliveredCount === 0 && (rejected.length === 0 || sent.doubtful === true)) {
      const { reason = 'refused: every record is to be sent again', retryAfterMs } = sent
      this.#failed(new YarderError('REFUSED', reason, { retryAfterMs }), round, retryCount)
      if (rejected.length > 0) onAnswer(outcome)
      return
    }
    this.#succeeded()
    meters.sent(deliveredCount, deliveredBytes, sent.duplicates ?? 0)
    if (retryCount > 0) {
      meters.retried(retryCount, 'item')
      this.#backoff.pause(sent.retryAfterMs)
      log.debug({ records: retryCount, reason: sent.reason }, 'Part of a request is to be sent again.')
    }
    onAnswer(outcome)
  }

  #succeeded(): void {
    const { health, meters, clock } = this.#options
    this.#contacted = true
    this.#failing = false
    this.#backoff.reset()
    this.#acknowledgedAt = clock.elapsed()
    health.succeeded()
    meters.success(clock.now())
  }

  #failed(error: unknown, round: number, records: number): void {
    const { output, health, meters, clock, onBroken } = this.#options
    const known = error instanceof YarderError ? error : undefined
    if (known?.retryable === false) {
      this.#broken = true
      health.broken(error)
      return onBroken(error)
    }
    const kind = known?.code.toLowerCase() ?? 'error'
    meters.failed(errnoOf(error) || kind)
    if (records > 0) meters.retried(records, kind)
    this.#backoff.failed(round, known?.retryAfterMs)
    this.#failing = true
    health.failed(error, output.target, this.#backoff.until - clock.elapsed())
  }
}
