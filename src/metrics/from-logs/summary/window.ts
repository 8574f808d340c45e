// Values of the last while: a sketch for each fifth of it, the oldest of which is thrown away when a new one begins.
import type { Clock } from '../../../core/clock.ts'
import type { RecentValues } from '../../../core/component.ts'
import { Sketch } from './sketch.ts'

const STEPS = 5

export class SlidingValues implements RecentValues {
  readonly #step: number
  readonly #clock: Clock
  /** Each with the step that it is of, the oldest first; none that is empty. */
  #parts: { readonly step: number; readonly sketch: Sketch }[] = []

  constructor(windowMs: number, clock: Clock) {
    this.#step = windowMs / STEPS
    this.#clock = clock
  }

  add(value: number): void {
    const step = this.#forgetOld()
    let last = this.#parts.at(-1)
    if (last?.step !== step) this.#parts.push((last = { step, sketch: new Sketch() }))
    last!.sketch.add(value)
  }

  quantiles(shares: readonly number[]): readonly number[] {
    this.#forgetOld()
    const all = new Sketch()
    for (const { sketch } of this.#parts) all.take(sketch)
    return all.quantiles(shares)
  }

  /** Answers which step it is now. */
  #forgetOld(): number {
    const now = Math.floor(this.#clock.elapsed() / this.#step)
    while (this.#parts.length > 0 && this.#parts[0]!.step <= now - STEPS) this.#parts.shift()
    return now
  }
}
