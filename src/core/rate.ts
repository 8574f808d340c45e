// A rate limit: how long to wait so that records or bytes flow no faster than allowed, and on average as fast.
import type { Clock } from './clock.ts'

/** So much in a second, of records or of bytes. */
export interface Rate {
  readonly unit: 'records' | 'bytes'
  readonly perSecond: number
}

/** The most that is taken at once. */
export interface Portion {
  readonly records: number
  readonly bytes: number
}

/** A second's worth is saved up, and may go at once after a pause. */
const BURST_SECONDS = 1
/** A quarter of a second's worth goes at once: small enough to flow evenly, large enough to be a batch. */
const PORTION_SECONDS = 0.25

/** What a batch may hold under the rate; without one, anything. */
export function portionOf(rate: Rate | undefined): Portion {
  const most = rate === undefined ? Infinity : Math.max(1, Math.floor(rate.perSecond * PORTION_SECONDS))
  return { records: rate?.unit === 'bytes' ? Infinity : most, bytes: rate?.unit === 'bytes' ? most : Infinity }
}

/**
 * A bucket that fills at the rate. Whoever takes no more than a portion at a time never has more than the burst and what
 * the rate gave since. A single record that is larger leaves a debt: then the next waits until it is paid.
 */
export class RateLimiter {
  readonly portion: Portion
  readonly #rate: Rate
  readonly #clock: Clock
  /** Of the unit of the rate. */
  readonly #most: number
  readonly #burst: number
  #left: number
  #at: number

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate
    this.#clock = clock
    this.portion = portionOf(rate)
    this.#most = this.portion[rate.unit]
    this.#burst = Math.max(this.#most, rate.perSecond * BURST_SECONDS)
    this.#left = this.#burst
    this.#at = clock.elapsed()
  }

  /** Milliseconds until a portion may be taken; 0 when it may now. */
  waitMs(): number {
    this.#fill()
    const short = this.#most - this.#left
    return short <= 0 ? 0 : Math.max(1, Math.ceil((short / this.#rate.perSecond) * 1000))
  }

  take(records: number, bytes: number): void {
    this.#fill()
    this.#left -= this.#rate.unit === 'records' ? records : bytes
  }

  #fill(): void {
    const now = this.#clock.elapsed()
    this.#left = Math.min(this.#burst, this.#left + ((now - this.#at) / 1000) * this.#rate.perSecond)
    this.#at = now
  }
}
