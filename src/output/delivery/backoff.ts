// When to try again: later with every failure in a row, at random within that, and never sooner than the destination asks.
import type { Clock } from '../../core/clock.ts'

const RETRY_AFTER_CAP_MS = 300_000

/** Waits in milliseconds: the first, and the longest. */
export interface Waits {
  readonly init: number
  readonly max: number
}

/** Full jitter, so that many agents don't come back in step; a tenth at least, so that none comes back at once. */
export function jittered({ init, max }: Waits, round: number, random: () => number): number {
  const whole = Math.min(max, init * 2 ** Math.min(round, 30))
  return whole * Math.max(0.1, random())
}

export class Backoff {
  readonly #waits: Waits
  readonly #clock: Clock
  readonly #random: () => number
  #round = 0
  #until = 0

  constructor(waits: Waits, clock: Clock, random: () => number) {
    this.#waits = waits
    this.#clock = clock
    this.#random = random
  }

  /** Failures in a row; what it was when a request began goes to `failed`. */
  get round(): number {
    return this.#round
  }

  /** Until then nothing is sent, monotonic milliseconds. */
  get until(): number {
    return this.#until
  }

  /** A request failed that began in `round`; those that were under way at the same time count once. */
  failed(round: number, retryAfterMs: number | undefined): void {
    if (round !== this.#round) return
    this.pause(retryAfterMs)
    this.#round++
  }

  pause(retryAfterMs = 0): void {
    const wait = jittered(this.#waits, this.#round, this.#random)
    const asked = Math.min(retryAfterMs, RETRY_AFTER_CAP_MS)
    this.#until = Math.max(this.#until, this.#clock.elapsed() + Math.max(wait, asked))
  }

  /** The next may go at once. */
  reset(): void {
    this.#round = 0
    this.#until = 0
  }
}
