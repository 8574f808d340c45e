// One wake-up at a time: the earliest of those that were asked for.
import type { Clock } from '../../core/clock.ts'

export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #next: { readonly at: number; readonly cancel: AbortController } | undefined

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** Rings at `at` (monotonic milliseconds) when it does not earlier; never for Infinity. */
  set(at: number): void {
    if (at === Infinity || (this.#next !== undefined && this.#next.at <= at)) return
    this.cancel()
    const next = { at, cancel: new AbortController() }
    this.#next = next
    void this.#clock.wait(Math.max(0, at - this.#clock.elapsed()), next.cancel.signal).then(() => {
      if (this.#next !== next) return
      this.#next = undefined
      this.#ring()
    })
  }

  cancel(): void {
    const next = this.#next
    this.#next = undefined
    next?.cancel.abort()
  }
}
