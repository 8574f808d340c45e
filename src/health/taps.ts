// Shows records to checks as they leave the pipelines, and costs nothing where no check looks.
import type { Cursor, Event } from '../core/event.ts'

export type See = (event: Event, cursor: Cursor) => void

/** One for the agent. What an input is given stays the same over reloads; who looks changes behind it. */
export class Taps {
  readonly #seers = new Map<string | undefined, Set<See>>()
  readonly #faucets = new Map<string, See>()

  /** Of one input, of all when undefined. Returns the way to take it back. */
  watch(input: string | undefined, see: See): () => void {
    const seers = this.#seers.get(input) ?? new Set()
    this.#seers.set(input, seers.add(see))
    return () => void seers.delete(see)
  }

  /** For the pipeline of an input that somebody may look at. */
  of(input: string): See {
    const known = this.#faucets.get(input)
    if (known !== undefined) return known
    const made: See = (event, cursor) => {
      for (const see of this.#seers.get(input) ?? []) see(event, cursor)
      for (const see of this.#seers.get(undefined) ?? []) see(event, cursor)
    }
    this.#faucets.set(input, made)
    return made
  }
}
