// How large a request the destination takes, found out by its refusals.
import type { Clock } from '../core/clock.ts'
import { errnoOf } from '../core/errors.ts'
import { HttpError } from '../core/http.ts'

/** Below this a refusal is about something else. */
const LEAST = 16 * 1024
/** A limit is tried anew after so long: somebody may have raised it. */
const FORGET_MS = 600_000
/** A reset of a smaller body has other reasons than its size. */
const SUSPECT = 1024 * 1024
const RESETS = 2

export class SizeLimit {
  readonly #clock: Clock
  #bytes = Infinity
  #since = 0
  #resets = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get bytes(): number {
    if (this.#bytes !== Infinity && this.#clock.elapsed() - this.#since > FORGET_MS) this.#bytes = Infinity
    return this.#bytes
  }

  /** A body of this size was refused as too large. */
  refused(bytes: number): void {
    this.#bytes = Math.max(LEAST, Math.min(this.#bytes, Math.floor(bytes / 2)))
    this.#since = this.#clock.elapsed()
  }

  /** A request of this size broke off: by a reset, a server that answered 413 in the middle of the body can look so. */
  failed(error: unknown, bytes: number): void {
    const reset =
      error instanceof HttpError && error.stage === 'exchange' && ['ECONNRESET', 'EPIPE'].includes(errnoOf(error))
    if (!reset || bytes <= SUSPECT || ++this.#resets < RESETS) return
    this.#resets = 0
    this.refused(bytes)
  }

  answered(): void {
    this.#resets = 0
  }
}
