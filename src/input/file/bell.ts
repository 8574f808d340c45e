// Wakes a loop that waits for something to do.
import type { Clock } from '../../core/clock.ts'

/** Rung while nobody waits, it wakes the next one at once. One waits at a time. */
export class Bell {
  #rung = false
  #wake: (() => void) | undefined

  ring(): void {
    this.#rung = true
    this.#wake?.()
  }

  /** Until it rings, `ms` pass, or the signal aborts. */
  async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      const woken = new AbortController()
      this.#wake = () => woken.abort()
      await clock.wait(ms, AbortSignal.any([signal, woken.signal]))
      this.#wake = undefined
    }
    this.#rung = false
  }
}
