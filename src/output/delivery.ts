// Everything around `Output.send`: gathering, back-pressure, retries, order, dead letters, acknowledgement and state.
//
//   offer ──▶ Queue ──take──▶ send (up to in_flight at once) ──▶ judge ─┬─ delivered ──▶ settle
//               ▲                                                      ├─ refused ──▶ dead letter on disk ──▶ settle
//               └───────────── back to the front, after a wait ◀───────┴─ to be sent again
//
import type { Clock } from '../core/clock.ts'
import type { Context, Output, Parcel, Records, Sent } from '../core/component.ts'
import { describe, YarderError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { RateLimiter } from '../core/rate.ts'
import { DeadLetters } from './dead-letter.ts'
import type { JobReport, Refusal, Selector } from './dead-letter.ts'
import { Concurrency } from './delivery/concurrency.ts'
import { Health, STALLED_MS } from './delivery/health.ts'
import type { HealthState } from './delivery/health.ts'
import { outputMeters } from './delivery/meters.ts'
import type { Meters } from './delivery/meters.ts'
import type { DeliveryOptions } from './delivery/options.ts'
import { judge, parcelOf, Queue } from './delivery/queue.ts'
import type { Held, Outcome, Run } from './delivery/queue.ts'
import { Reminder } from './delivery/reminder.ts'

export { deliveryOptions, outputCommonFields } from './delivery/options.ts'
export type { DeliveryOptions, OutputCommon } from './delivery/options.ts'
export { selectionOf } from './delivery/selection.ts'

const RETRY_AFTER_CAP_MS = 300_000
/** How long a stop waits for an output that doesn't heed its signal. */
const CLOSE_MS = 1000

export interface DeliverySetup {
  /** Its type, for messages: `elasticsearch`. */
  readonly type: string
  readonly output: Output
  readonly options: DeliveryOptions
  readonly context: Pick<Context, 'name' | 'log' | 'clock' | 'instruments' | 'dataDir'>
  /** 0 up to 1, for the jitter. */
  readonly random?: () => number
  /** The output can't go on for good (the reader of stdout went away); nothing is sent any more. */
  readonly onBroken?: (error: unknown) => void
  /** Batches were settled that the destination would keep a second time when they came again. */
  readonly onSettled?: () => void
}

/** An output as `yarder status` shows it. */
export interface DeliveryStatus {
  name: string
  type: string
  state: HealthState
  message: string
  /** ISO times. */
  since: string
  lastSuccess: string | undefined
  target: string | undefined
  lastError: string | undefined
  /** Records taken over and not yet acknowledged, and the age of the oldest in milliseconds. */
  unacknowledged: number
  oldestAgeMs: number
  /** It has as much as it should, and what is done about that. */
  full: boolean
  whenFull: string
  /** Records left out by `when_full` since the start. */
  dropped: number
  /** Refused records that are kept, and those whose letters the disk does not take. */
  deadLetters: number
  unwrittenDeadLetters: number
}

export class Delivery {
  readonly name: string
  readonly output: Output
  readonly #type: string
  readonly #options: DeliveryOptions
  readonly #clock: Clock
  readonly #log: Log
  readonly #random: () => number
  readonly #onBroken: (error: unknown) => void
  readonly #onSettled: () => void
  readonly #queue = new Queue()
  readonly #health: Health
  readonly #meters: Meters
  readonly #deadLetters: DeadLetters
  readonly #refusals: Reminder
  readonly #diskTrouble: Reminder
  readonly #drops: Reminder
  readonly #limiter: RateLimiter | undefined
  readonly #concurrency: Concurrency
  readonly #stop = new AbortController()
  #room: Array<() => void> = []
  #drained: Array<() => void> = []
  #inFlight = 0
  /** Records left out by `when_full`: since the start, and up to when that was last told. */
  #droppedInAll = 0
  #droppedTold = 0
  /** Refused records whose dead letters the disk does not take. */
  #unwritten = 0
  readonly #sends = new Set<Promise<void>>()
  #contacted = false
  #failing = false
  #broken = false
  #draining = false
  #closed = false
  /** Failures in a row; sends under way at the same time count once. */
  #round = 0
  #pausedUntil = 0
  #busySince = 0
  #acknowledgedAt = 0
  #alarm: { at: number; cancel: AbortController } | undefined

  constructor(setup: DeliverySetup) {
    const { context, options } = setup
    this.name = context.name
    this.output = setup.output
    this.#type = setup.type
    this.#options = options
    this.#clock = context.clock
    this.#log = context.log
    this.#random = setup.random ?? Math.random
    this.#onBroken = setup.onBroken ?? (() => {})
    this.#onSettled = setup.onSettled ?? (() => {})
    this.#concurrency = new Concurrency(options.in_flight)
    this.#meters = outputMeters(context.instruments, context.name, () => ({
      inFlight: this.#inFlight,
      limit: this.#limit(),
      queueBytes: this.#queue.heldBytes
    }))
    this.#health = new Health(context.log, context.clock, (state, all) => this.#meters.state(state, all))
    this.#refusals = new Reminder(context.clock)
    this.#diskTrouble = new Reminder(context.clock)
    this.#drops = new Reminder(context.clock)
    this.#limiter = options.rate_limit && new RateLimiter(options.rate_limit, context.clock)
    this.#deadLetters = new DeadLetters({
      dataDir: context.dataDir,
      output: context.name,
      bounds: options.dead_letter,
      clock: context.clock,
      instruments: context.instruments,
      onRemoved: (file, letters, bytes) =>
        this.#log.error({ file, letters, bytes }, 'The oldest dead letters were removed to keep their bound.')
    })
  }

  /** Opens the way; what was offered before waits until then. */
  start(): void {
    void this.#deadLetters.open()
    this.#health.started(this.#type)
    this.#pump()
  }

  /**
   * Takes the records over at once and resolves when there is room for more. `records.batch.settle` is called once, when
   * every record is delivered, or its dead letter is on disk, or it was dropped since the queue was full and
   * `when_full` wants that. A closed delivery takes nothing and leaves it unsettled.
   */
  async offer(records: Records): Promise<void> {
    if (records.unwanted !== undefined) this.#meters.filtered(records.unwanted)
    if (records.count === 0) return records.batch.settle(this.name)
    if (this.#closed) return
    if (this.#options.when_full === 'drop_newest' && this.#overfull) return this.#dropNew(records)
    if (this.#queue.empty) this.#busySince = this.#clock.elapsed()
    this.#queue.add(records, this.#clock.elapsed())
    if (this.#options.when_full === 'drop_oldest') this.#dropOld()
    this.#pump()
    await this.room()
  }

  /** An input should wait before it offers more. Never so when the output drops what is too much, or is closed. */
  get full(): boolean {
    return this.#overfull && !this.#closed && this.#options.when_full?.startsWith('drop') !== true
  }

  /** Resolves when it is not full, also when the delivery is closed. */
  async room(): Promise<void> {
    if (this.full) await new Promise<void>(resolve => this.#room.push(resolve))
  }

  /** The destination took nothing at the last try. */
  get down(): boolean {
    return this.#failing
  }

  /** Whether inputs may go on without it when it is full, and give it later what it missed. */
  get detaches(): boolean {
    return this.#options.when_full === 'detach'
  }

  #dropNew(records: Records): void {
    this.#dropped(records.count)
    this.#deadLetters.leftOut(records, 0, records.count)
    records.batch.settle(this.name)
  }

  /** What is under way stays; the oldest that waits goes until the rest fits. */
  #dropOld(): void {
    let count = 0
    while (this.#overfull) {
      const run = this.#queue.dropOldest()
      if (run === undefined) break
      count += run.to - run.from
      this.#deadLetters.leftOut(run.held.records, run.from, run.to)
      this.#done(run.held, run.to - run.from)
    }
    this.#dropped(count)
  }

  #dropped(count: number): void {
    if (count === 0) return
    this.#droppedInAll += count
    this.#meters.dropped(count)
    const due = this.#drops.due(count)
    if (due > 0)
      this.#log.error(
        { records: due, when_full: this.#options.when_full },
        'Records are dropped, since the queue of the output is full.'
      )
  }

  /**
   * Forgets what it has of an input, which will read that again. Resolves when nothing is under way that began before:
   * what the destination acknowledges until then is settled as ever.
   */
  async withdraw(input: string): Promise<void> {
    this.#queue.withdraw(input)
    this.#wake()
    await Promise.all(this.#sends)
  }

  #track(send: Promise<void>): void {
    this.#sends.add(send)
    void send.finally(() => this.#sends.delete(send))
  }

  #wake(): void {
    if (!this.#overfull && this.#droppedInAll > this.#droppedTold) {
      this.#log.warn(
        { records: this.#droppedInAll - this.#droppedTold },
        'The queue of the output has room again; so many records were dropped meanwhile.'
      )
      this.#droppedTold = this.#droppedInAll
    }
    if (!this.#overfull) for (const wake of this.#room.splice(0)) wake()
    if (this.#queue.empty) for (const wake of this.#drained.splice(0)) wake()
  }

  /** Finishes what was taken over within `deadlineMs`, then breaks off and closes. True when nothing is left. Never hangs. */
  async drain(deadlineMs: number): Promise<boolean> {
    this.#draining = true
    // One more try at once, whatever wait was on, and short waits after it.
    this.#pausedUntil = 0
    this.#round = 0
    this.output.hurry?.()
    this.#pump()
    if (!this.#queue.empty && !this.#broken) {
      const cancel = new AbortController()
      const drained = new Promise<void>(resolve => this.#drained.push(resolve))
      await Promise.race([drained, this.#clock.wait(deadlineMs, cancel.signal)])
      cancel.abort()
    }
    await this.close()
    return this.#queue.empty
  }

  /** Breaks off at once; what is not acknowledged stays unsettled. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#stop.abort(new Error('stopping'))
    this.#alarm?.cancel.abort()
    for (const wake of [...this.#room.splice(0), ...this.#drained.splice(0)]) wake()
    const cancel = new AbortController()
    const closing = Promise.allSettled([this.output.close(), this.#deadLetters.close()])
    await Promise.race([closing, this.#clock.wait(CLOSE_MS, cancel.signal)])
    cancel.abort()
    this.#meters.close()
  }

  get unacknowledged(): number {
    return this.#queue.unacknowledged
  }

  /** What it keeps of the records that were refused for good. */
  get deadLetters(): DeadLetters {
    return this.#deadLetters
  }

  /** Sends dead letters again, as `DeadLetters.replay` says, among the records that come meanwhile. */
  replay(selector: Selector): Promise<JobReport> {
    const { max_events: maxCount, max_bytes: maxBytes } = this.#options.batch
    return this.#deadLetters.replay(selector, { offer: records => void this.offer(records), maxCount, maxBytes })
  }

  status(): DeliveryStatus {
    this.#watch()
    const { state, message, since, lastError, lastSuccess } = this.#health
    const oldest = this.#queue.oldestSince
    return {
      name: this.name,
      type: this.#type,
      state,
      message,
      since: new Date(since).toISOString(),
      lastSuccess: lastSuccess === undefined ? undefined : new Date(lastSuccess).toISOString(),
      target: this.output.target,
      lastError,
      unacknowledged: this.#queue.unacknowledged,
      oldestAgeMs: oldest === undefined ? 0 : Math.round(this.#clock.elapsed() - oldest),
      full: this.full,
      whenFull: this.#options.when_full ?? 'block',
      dropped: this.#droppedInAll,
      deadLetters: this.#deadLetters.numbers.letters,
      unwrittenDeadLetters: this.#unwritten
    }
  }

  /** Starts what may start and sets the alarm for what comes next. Called after every change. */
  #pump(): void {
    if (this.#closed || this.#broken || this.#health.state === 'uninitialized') return
    this.#watch()
    const now = this.#clock.elapsed()
    if (now >= this.#pausedUntil) {
      while (this.#inFlight < this.#limit() && this.#ready(now) && this.#throttle() === 0) {
        const runs = this.#queue.take(this.#options.batch.max_events, this.#options.batch.max_bytes)
        const parcel = parcelOf(runs)
        this.#limiter?.take(parcel.count, parcel.bytes)
        this.#track(this.#send(runs, parcel))
      }
      if (!this.#contacted && this.#inFlight === 0 && this.#queue.freshCount === 0 && this.output.probe !== undefined)
        void this.#probe(this.output.probe.bind(this.output))
    }
    this.#setAlarm(now)
  }

  /** Milliseconds until `rate_limit` lets the next parcel go; a stop doesn't wait for it. */
  #throttle(): number {
    return this.#draining ? 0 : (this.#limiter?.waitMs() ?? 0)
  }

  /** What is under way and as much again to be gathered is enough; more would only be memory. */
  get #overfull(): boolean {
    const { queue_bytes, queue_events = Infinity } = this.#options
    return this.#queue.heldBytes >= queue_bytes || this.#queue.unacknowledged >= queue_events
  }

  /** One at a time until the destination has shown that it answers, so that trouble never brings a storm of connections. */
  #limit(): number {
    return this.#failing || !this.#contacted ? 1 : this.#concurrency.limit
  }

  #ready(now: number): boolean {
    const { batch } = this.#options
    const queue = this.#queue
    if (queue.hasAgain) return true
    if (queue.freshSince === undefined) return false
    return (
      this.#draining ||
      queue.freshCount >= batch.max_events ||
      queue.freshBytes >= batch.max_bytes ||
      this.#overfull ||
      now - queue.freshSince >= batch.timeout
    )
  }

  #setAlarm(now: number): void {
    let at = Infinity
    const { freshSince, hasAgain } = this.#queue
    const throttled = this.#throttle()
    if (this.#pausedUntil > now) at = this.#pausedUntil
    else if (throttled > 0 && !this.#queue.empty) at = now + throttled
    else if (freshSince !== undefined && !hasAgain && this.#inFlight < this.#limit())
      at = freshSince + this.#options.batch.timeout
    if (!this.#queue.empty && this.#health.state !== 'red') at = Math.min(at, this.#stallsAt())
    if (at === Infinity || (this.#alarm !== undefined && this.#alarm.at <= at)) return
    this.#alarm?.cancel.abort()
    const alarm = { at, cancel: new AbortController() }
    this.#alarm = alarm
    void this.#clock.wait(Math.max(0, at - now), alarm.cancel.signal).then(() => {
      if (this.#alarm !== alarm || this.#closed) return
      this.#alarm = undefined
      this.#pump()
    })
  }

  #stallsAt(): number {
    return Math.max(this.#acknowledgedAt, this.#busySince) + STALLED_MS
  }

  #watch(): void {
    if (this.#queue.empty || this.#health.state === 'red' || this.#health.state === 'uninitialized') return
    if (this.#clock.elapsed() >= this.#stallsAt()) this.#health.stalled(this.output.target)
  }

  async #send(runs: readonly Run[], parcel: Parcel): Promise<void> {
    const round = this.#round
    const started = this.#clock.elapsed()
    const began = this.#concurrency.begin()
    this.#inFlight++
    let sent: Sent | undefined
    let error: unknown
    try {
      sent = await this.output.send(parcel, this.#stop.signal)
    } catch (e) {
      error = e
    }
    this.#inFlight--
    if (this.#closed && sent === undefined) return
    this.#meters.took(this.#clock.elapsed() - started)
    if ((sent ?? (error as Partial<YarderError> | undefined))?.overloaded === true) this.#concurrency.overloaded(began)
    else if (sent?.retry.length === 0) this.#concurrency.answered()
    if (sent !== undefined) this.#answered(judge(runs, parcel, sent), sent, round)
    else {
      this.#queue.giveBack(runs)
      this.#failed(error, round, parcel.count)
    }
    this.#pump()
  }

  async #probe(probe: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const round = this.#round
    this.#inFlight++
    let failed = false
    try {
      await probe(this.#stop.signal)
    } catch (error) {
      failed = true
      if (!this.#closed) this.#failed(error, round, 0)
    }
    this.#inFlight--
    if (!failed && !this.#closed) this.#succeeded()
    this.#pump()
  }

  #answered(outcome: Outcome, sent: Sent, round: number): void {
    const { retry, retryCount, rejected, delivered, deliveredCount, deliveredBytes } = outcome
    this.#queue.giveBack(retry)
    if (deliveredCount === 0 && rejected.length === 0) {
      const { reason = 'refused: every record is to be sent again', retryAfterMs } = sent
      return this.#failed(new YarderError('REFUSED', reason, { retryAfterMs }), round, retryCount)
    }
    this.#succeeded()
    this.#meters.sent(deliveredCount, deliveredBytes, sent.duplicates ?? 0)
    if (retryCount > 0) {
      this.#meters.retried(retryCount, 'item')
      this.#pause(this.#jittered(0), sent.retryAfterMs)
      this.#log.debug({ records: retryCount, reason: sent.reason }, 'Part of a request is to be sent again.')
    }
    for (const [held, records] of delivered) this.#done(held, records)
    if (this.output.repeats === true && deliveredCount > 0) this.#onSettled()
    // Letters that stay letters don't wait for room that only they can make.
    for (const part of Map.groupBy(rejected, r => r.held.records.given === undefined).values()) void this.#bury(part)
  }

  #succeeded(): void {
    this.#contacted = true
    this.#failing = false
    this.#round = 0
    this.#pausedUntil = 0
    this.#acknowledgedAt = this.#clock.elapsed()
    this.#health.succeeded()
    this.#meters.success(this.#clock.now())
  }

  #failed(error: unknown, round: number, records: number): void {
    const known = error instanceof YarderError ? error : undefined
    if (known?.retryable === false) {
      this.#broken = true
      this.#health.broken(error)
      this.#onBroken(error)
      return
    }
    if (records > 0) this.#meters.retried(records, known?.code.toLowerCase() ?? 'error')
    if (round === this.#round) {
      this.#pause(this.#jittered(this.#round), known?.retryAfterMs)
      this.#round++
    }
    this.#failing = true
    this.#health.failed(error, this.output.target, this.#pausedUntil - this.#clock.elapsed())
  }

  #pause(ms: number, retryAfterMs = 0): void {
    const wait = Math.max(ms, Math.min(retryAfterMs, RETRY_AFTER_CAP_MS))
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.elapsed() + wait)
  }

  /** Full jitter, so that many agents don't come back in step; a tenth at least, so that none comes back at once. */
  #jittered(round: number): number {
    const { init, max } = this.#options.backoff
    const whole = Math.min(max, init * 2 ** Math.min(round, 30))
    return whole * Math.max(0.1, this.#random())
  }

  #done(held: Held, records: number): void {
    if (!this.#queue.done(held, records)) return
    held.records.batch.settle(this.name)
    this.#wake()
  }

  /** A refused record is done when its dead letter is durable; while the disk takes none, it stays unsettled. */
  async #bury(rejected: Outcome['rejected']): Promise<void> {
    const refusals: Refusal[] = rejected.map(({ held, row, why }) => ({
      records: held.records,
      row,
      reason: why.reason,
      status: why.status,
      target: why.target,
      id: why.id
    }))
    for (const { why } of rejected) this.#meters.rejected(why.status)
    for (let round = 0; !this.#closed; round++) {
      try {
        await this.#deadLetters.write(refusals)
        if (round > 0) this.#log.info({ records: rejected.length }, 'Dead letters can be written again.')
        this.#unwritten -= round > 0 ? rejected.length : 0
        const count = this.#refusals.due(rejected.length)
        if (count > 0) {
          const { reason, status, target } = refusals[0]!
          this.#log.warn({ records: count, reason, status, target }, 'Refused for good; kept as dead letters.')
        }
        for (const { held } of rejected) this.#done(held, 1)
        this.#onSettled()
        this.#pump()
        return
      } catch (error) {
        if (round === 0) this.#unwritten += rejected.length
        if (this.#diskTrouble.due(1) > 0)
          this.#log.error({ error: describe(error) }, 'Dead letters cannot be written; their records wait.')
        await this.#clock.wait(this.#jittered(round), this.#stop.signal)
      }
    }
  }
}
