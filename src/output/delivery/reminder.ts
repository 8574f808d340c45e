// When to say again what keeps happening: at once, then at growing intervals, with the count in between.
import type { Clock } from '../../core/clock.ts'

const FIRST_MS = 30_000
const LAST_MS = 3_600_000

export class Reminder {
  readonly #clock: Clock
  #count = 0
  #next = -Infinity
  #interval = FIRST_MS

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts `n` more; how many there were since it was last told when it is time to tell, else 0. */
  due(n: number): number {
    this.#count += n
    const now = this.#clock.elapsed()
    if (now < this.#next) return 0
    // After a quiet time as long as the interval it is news again.
    this.#interval = now - this.#next > this.#interval ? FIRST_MS : Math.min(this.#interval * 2, LAST_MS)
    this.#next = now + this.#interval
    const told = this.#count
    this.#count = 0
    return told
  }
}
