// A rate limit: how long to wait so that records or bytes flow no faster than allowed, and on average as fast.
import type { Clock } from './clock.ts'

/** So much in a second, of records or of bytes. */
export interface Rate {
  readonly unit: 'records' | 'bytes'
  readonly perSecond: number
}

/** A second's worth may go at once. */
const BURST_SECONDS = 1

/**
 * A bucket that fills at the rate. What is taken may be more than it holds, since a batch isn't cut for it: then the next
 * waits until the debt is paid.
 */
export class RateLimiter {
  readonly rate: Rate
  readonly #clock: Clock
  #left: number
  #at: number

  constructor(rate: Rate, clock: Clock) {
    this.rate = rate
    this.#clock = clock
    this.#left = rate.perSecond * BURST_SECONDS
    this.#at = clock.elapsed()
  }

  /** Milliseconds until something may be taken; 0 when it may now. */
  waitMs(): number {
    this.#fill()
    return this.#left > 0 ? 0 : Math.max(1, Math.ceil((-this.#left / this.rate.perSecond) * 1000))
  }

  take(records: number, bytes: number): void {
    this.#fill()
    this.#left -= this.rate.unit === 'records' ? records : bytes
  }

  #fill(): void {
    const now = this.#clock.elapsed()
    const { perSecond } = this.rate
    this.#left = Math.min(perSecond * BURST_SECONDS, this.#left + ((now - this.#at) / 1000) * perSecond)
    this.#at = now
  }
}
