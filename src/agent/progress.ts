// What has passed through the pipelines, and whether one of them stands still.
import type { Clock } from '../core/clock.ts'

/** Counts lines and notices work that does not end. One for all inputs. */
export class Progress {
  readonly #clock: Clock
  readonly #underWay = new Set<{ readonly since: number }>()
  #lines = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs the work on so many lines; they are counted when it is done. */
  async through<T>(lines: number, work: () => Promise<T>): Promise<T> {
    const mine = { since: this.#clock.elapsed() }
    this.#underWay.add(mine)
    try {
      return await work()
    } finally {
      this.#underWay.delete(mine)
      this.#lines += lines
    }
  }

  /** Lines that have gone through a pipeline since the start. */
  get lines(): number {
    return this.#lines
  }

  /** For how long the oldest work is under way, milliseconds; 0 when there is none. A waiting output is no such work. */
  get oldestMs(): number {
    let oldest = this.#clock.elapsed()
    const now = oldest
    for (const { since } of this.#underWay) oldest = Math.min(oldest, since)
    return now - oldest
  }
}
