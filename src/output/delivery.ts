// Everything around `Output.send`: gathering, back-pressure, retries, order, dead letters, acknowledgement and state.
//
//   offer ──▶ Queue ──take──▶ send (up to in_flight at once) ──▶ judge ─┬─ delivered ──▶ settle
//               ▲             (delivery/requests.ts)                   ├─ refused ──▶ dead letter on disk ──▶ settle
//               └───────────── back to the front, after a wait ◀───────┴─ to be sent again
//
// What holds, and where: a batch is settled once, when nothing of it is open (`Queue.done`, asked in `#done` alone); what is
// sent leaves in the order of its coming, and what goes again goes first (`Queue.take`, `Queue.giveBack`); what was neither
// acknowledged, nor written as a dead letter, nor left out by `when_full` is never settled, so that no position passes it.
import type { Clock } from '../core/clock.ts'
import type { Context, Output, Records } from '../core/component.ts'
import { DeadLetters } from './dead-letter.ts'
import type { JobReport, Selector } from './dead-letter.ts'
import { jittered } from './delivery/backoff.ts'
import { Drops } from './delivery/drops.ts'
import { Health } from './delivery/health.ts'
import type { HealthState } from './delivery/health.ts'
import type { Outcome } from './delivery/judge.ts'
import { outputMeters } from './delivery/meters.ts'
import type { Meters } from './delivery/meters.ts'
import type { DeliveryOptions } from './delivery/options.ts'
import { Queue } from './delivery/queue.ts'
import type { Held } from './delivery/queue.ts'
import { Refusals } from './delivery/refusals.ts'
import { Requests } from './delivery/requests.ts'

export { deliveryOptions, outputCommonFields } from './delivery/options.ts'
export type { DeliveryOptions, OutputCommon } from './delivery/options.ts'
export { selectionOf } from './delivery/selection.ts'

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
  /** What it keeps of the records that were refused for good. */
  readonly deadLetters: DeadLetters
  readonly #type: string
  readonly #options: DeliveryOptions
  readonly #whenFull: NonNullable<DeliveryOptions['when_full']>
  readonly #clock: Clock
  readonly #onSettled: () => void
  readonly #queue: Queue
  readonly #health: Health
  readonly #meters: Meters
  readonly #requests: Requests
  readonly #refusals: Refusals
  readonly #drops: Drops
  readonly #closed = new AbortController()
  /** Those who wait for room, and for the end of the queue. */
  #room: Array<() => void> = []
  #drained: Array<() => void> = []

  constructor(setup: DeliverySetup) {
    const { context, options, output, random = Math.random, onBroken = () => {} } = setup
    const { name, log, clock, instruments } = context
    this.name = name
    this.output = output
    this.#type = setup.type
    this.#options = options
    this.#whenFull = options.when_full ?? 'block'
    this.#clock = clock
    this.#onSettled = setup.onSettled ?? (() => {})
    const queue = new Queue({ bytes: options.queue_bytes, events: options.queue_events ?? Infinity })
    const meters = outputMeters(instruments, name, () => ({
      inFlight: this.#requests.inFlight,
      limit: this.#requests.limit,
      queueBytes: queue.heldBytes,
      unacknowledged: queue.unacknowledged,
      oldestAgeMs: queue.oldestAgeMs(clock.elapsed())
    }))
    const health = new Health(log, clock, (state, all) => meters.state(state, all))
    this.#queue = queue
    this.#meters = meters
    this.#health = health
    this.deadLetters = this.#openLetters(context)
    this.#drops = new Drops(this.#whenFull, meters, log, clock)
    const common = { meters, log, clock, closed: this.#closed.signal }
    const wait = (round: number): number => jittered(options.backoff, round, random)
    this.#refusals = new Refusals({ ...common, letters: this.deadLetters, wait })
    const onAnswer = (outcome: Outcome): void => this.#settle(outcome)
    this.#requests = new Requests({ ...common, output, options, queue, health, random, onAnswer, onBroken })
  }

  #openLetters({ dataDir, name, clock, instruments, log }: DeliverySetup['context']): DeadLetters {
    return new DeadLetters({
      dataDir,
      output: name,
      bounds: this.#options.dead_letter,
      clock,
      instruments,
      onRemoved: (file, letters, bytes) =>
        log.error({ file, letters, bytes }, 'The oldest dead letters were removed to keep their bound.')
    })
  }

  /** Opens the way; what was offered before waits until then. */
  start(): void {
    void this.deadLetters.open()
    this.#health.started(this.#type)
    this.#requests.pump()
  }

  /**
   * Takes the records over at once and resolves when there is room for more. `records.batch.settle` is called once, when
   * every record is delivered, or its dead letter is on disk, or it was dropped since the queue was full and
   * `when_full` wants that. A closed delivery takes nothing and leaves it unsettled.
   */
  async offer(records: Records): Promise<void> {
    if (records.unwanted !== undefined) this.#meters.filtered(records.unwanted)
    if (records.count === 0) return records.batch.settle(this.name)
    if (this.#closed.signal.aborted) return
    if (this.#whenFull === 'drop_newest' && this.#queue.full) return this.#dropNew(records)
    this.#queue.add(records, this.#clock.elapsed())
    if (this.#whenFull === 'drop_oldest') this.#dropOld()
    this.#requests.pump()
    await this.room()
  }

  /** An input should wait before it offers more. Never so when the output drops what is too much, or is closed. */
  get full(): boolean {
    return this.#queue.full && !this.#closed.signal.aborted && !this.#whenFull.startsWith('drop')
  }

  /** Resolves when it is not full, also when the delivery is closed. */
  async room(): Promise<void> {
    if (this.full) await new Promise<void>(resolve => this.#room.push(resolve))
  }

  /** The destination took nothing at the last try. */
  get down(): boolean {
    return this.#requests.failing
  }

  /** Whether inputs may go on without it when it is full, and give it later what it missed. */
  get detaches(): boolean {
    return this.#whenFull === 'detach'
  }

  #dropNew(records: Records): void {
    this.#drops.add(records.count)
    this.deadLetters.leftOut(records, 0, records.count)
    records.batch.settle(this.name)
  }

  /** What is under way stays; the oldest that waits goes until the rest fits. */
  #dropOld(): void {
    let count = 0
    while (this.#queue.full) {
      const run = this.#queue.dropOldest()
      if (run === undefined) break
      count += run.to - run.from
      this.deadLetters.leftOut(run.held.records, run.from, run.to)
      this.#done(run.held, run.to - run.from)
    }
    this.#drops.add(count)
  }

  /** What a destination's answer means for the batches. */
  #settle({ delivered, deliveredCount, rejected }: Outcome): void {
    for (const [held, records] of delivered) this.#done(held, records)
    if (this.output.repeats === true && deliveredCount > 0) this.#onSettled()
    // Letters that stay letters don't wait for room that only they can make.
    for (const part of Map.groupBy(rejected, r => r.held.records.given === undefined).values()) void this.#bury(part)
  }

  /** A refused record is done when its dead letter is durable; while the disk takes none, it stays unsettled. */
  async #bury(rejected: Outcome['rejected']): Promise<void> {
    if (!(await this.#refusals.keep(rejected))) return
    for (const { held } of rejected) this.#done(held, 1)
    this.#onSettled()
    this.#requests.pump()
  }

  #done(held: Held, records: number): void {
    if (!this.#queue.done(held, records)) return
    held.records.batch.settle(this.name)
    this.#wake()
  }

  #wake(): void {
    if (!this.#queue.full) {
      this.#drops.over()
      for (const wake of this.#room.splice(0)) wake()
    }
    if (this.#queue.empty) for (const wake of this.#drained.splice(0)) wake()
  }

  /**
   * Forgets what it has of an input, which will read that again. Resolves when nothing is under way that began before:
   * what the destination acknowledges until then is settled as ever.
   */
  async withdraw(input: string): Promise<void> {
    this.#queue.withdraw(input)
    this.#wake()
    await this.#requests.ended()
  }

  /** Finishes what was taken over within `deadlineMs`, then breaks off and closes. True when nothing is left. Never hangs. */
  async drain(deadlineMs: number): Promise<boolean> {
    this.#requests.hurry()
    if (!this.#queue.empty && !this.#requests.broken) {
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
    if (this.#closed.signal.aborted) return
    this.#closed.abort(new Error('stopping'))
    for (const wake of [...this.#room.splice(0), ...this.#drained.splice(0)]) wake()
    const cancel = new AbortController()
    const closing = Promise.allSettled([this.output.close(), this.deadLetters.close()])
    await Promise.race([closing, this.#clock.wait(CLOSE_MS, cancel.signal)])
    cancel.abort()
    this.#meters.close()
  }

  get unacknowledged(): number {
    return this.#queue.unacknowledged
  }

  /** Sends dead letters again, as `DeadLetters.replay` says, among the records that come meanwhile. */
  replay(selector: Selector): Promise<JobReport> {
    const { max_events: maxCount, max_bytes: maxBytes } = this.#options.batch
    return this.deadLetters.replay(selector, { offer: records => void this.offer(records), maxCount, maxBytes })
  }

  status(): DeliveryStatus {
    this.#requests.watch()
    const { state, message, since, lastError, lastSuccess } = this.#health
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
      oldestAgeMs: Math.round(this.#queue.oldestAgeMs(this.#clock.elapsed())),
      full: this.full,
      whenFull: this.#whenFull,
      dropped: this.#drops.inAll,
      deadLetters: this.deadLetters.numbers.letters,
      unwrittenDeadLetters: this.#refusals.unwritten
    }
  }
}
