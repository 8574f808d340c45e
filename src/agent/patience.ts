// How long one output may keep the others waiting: a little at a time, and a small share of the time in the long run.
import type { Clock } from '../core/clock.ts'

const MOST_MS = 2000
/** Of each second, what comes back: an output that is slower than the others by less than this never loses touch. */
const SHARE = 0.1
/** Less is not worth a wait. */
const LEAST_MS = 100

export class Patience {
  readonly #clock: Clock
  readonly #left = new Map<string, { ms: number; at: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds that this output may still be waited for; 0 when it is to be left behind. */
  left(output: string): number {
    const ms = this.#leftAt(output, this.#clock.elapsed())
    return ms < LEAST_MS ? 0 : ms
  }

  /** It was waited for so long, until now. */
  spend(output: string, ms: number): void {
    const now = this.#clock.elapsed()
    this.#left.set(output, { ms: Math.max(0, this.#leftAt(output, now - ms) - ms), at: now })
  }

  #leftAt(output: string, at: number): number {
    const known = this.#left.get(output)
    return known === undefined ? MOST_MS : Math.min(MOST_MS, known.ms + SHARE * (at - known.at))
  }
}
