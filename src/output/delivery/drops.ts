// Records that `when_full` leaves out since the queue was full: counted, and told while it lasts and when it is over.
import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { Meters } from './meters.ts'
import type { WhenFull } from './options.ts'
import { Reminder } from './reminder.ts'

export class Drops {
  /** Since the start. */
  inAll = 0
  /** Up to when there was room again. */
  #toldOf = 0
  readonly #whenFull: WhenFull
  readonly #meters: Pick<Meters, 'dropped'>
  readonly #log: Log
  readonly #reminder: Reminder

  constructor(whenFull: WhenFull, meters: Pick<Meters, 'dropped'>, log: Log, clock: Clock) {
    this.#whenFull = whenFull
    this.#meters = meters
    this.#log = log
    this.#reminder = new Reminder(clock)
  }

  add(records: number): void {
    if (records === 0) return
    this.inAll += records
    this.#meters.dropped(records)
    const due = this.#reminder.due(records)
    if (due === 0) return
    const data = { records: due, when_full: this.#whenFull }
    this.#log.error(data, 'Records are dropped, since the queue of the output is full.')
  }

  /** The queue has room. */
  over(): void {
    const records = this.inAll - this.#toldOf
    if (records === 0) return
    this.#toldOf = this.inAll
    this.#log.warn({ records }, 'The queue of the output has room again; so many records were dropped meanwhile.')
  }
}
