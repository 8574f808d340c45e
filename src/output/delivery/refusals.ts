// Records that the destination refused, on their way to the disk: each is done when its dead letter is durable, not before.
import type { Clock } from '../../core/clock.ts'
import { describe } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { DeadLetters, Refusal } from '../dead-letter.ts'
import type { Outcome } from './judge.ts'
import type { Meters } from './meters.ts'
import { Reminder } from './reminder.ts'

type Rejections = Outcome['rejected']

export interface RefusalsOptions {
  readonly letters: Pick<DeadLetters, 'write'>
  readonly meters: Pick<Meters, 'rejected'>
  readonly log: Log
  readonly clock: Clock
  /** Milliseconds until a disk that took nothing is asked again, after so many tries. */
  readonly wait: (round: number) => number
  /** Nothing is tried any more. */
  readonly closed: AbortSignal
}

export class Refusals {
  /** Records whose dead letters the disk does not take. */
  unwritten = 0
  readonly #options: RefusalsOptions
  readonly #kept: Reminder
  readonly #diskTrouble: Reminder

  constructor(options: RefusalsOptions) {
    this.#options = options
    this.#kept = new Reminder(options.clock)
    this.#diskTrouble = new Reminder(options.clock)
  }

  /** Resolves with true when all are durable, however long that takes; with false when it was closed before. */
  async keep(rejected: Rejections): Promise<boolean> {
    const { letters, meters, clock, wait, closed } = this.#options
    const refusals = rejected.map(refusalOf)
    for (const { status } of refusals) meters.rejected(status)
    for (let round = 0; !closed.aborted; round++) {
      try {
        await letters.write(refusals)
        this.#tellKept(refusals, round > 0)
        return true
      } catch (error) {
        this.#tellTrouble(error, refusals.length, round > 0)
        await clock.wait(wait(round), closed)
      }
    }
    return false
  }

  #tellKept(refusals: readonly Refusal[], atLast: boolean): void {
    const { log } = this.#options
    if (atLast) {
      this.unwritten -= refusals.length
      log.info({ records: refusals.length }, 'Dead letters can be written again.')
    }
    const records = this.#kept.due(refusals.length)
    if (records === 0) return
    const { reason, status, target } = refusals[0]!
    log.warn({ records, reason, status, target }, 'Refused for good; kept as dead letters.')
  }

  #tellTrouble(error: unknown, records: number, again: boolean): void {
    if (!again) this.unwritten += records
    if (this.#diskTrouble.due(1) > 0)
      this.#options.log.error({ error: describe(error) }, 'Dead letters cannot be written; their records wait.')
  }
}

const refusalOf = ({ held, row, why }: Rejections[number]): Refusal => ({
  records: held.records,
  row,
  reason: why.reason,
  status: why.status,
  target: why.target,
  id: why.id
})
