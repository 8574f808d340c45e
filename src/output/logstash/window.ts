// How many records a window has while a Logstash that was away is not to be run over.

const FIRST = 10
const FACTOR = 1.5

/**
 * The sizes Beats use with `slow_start`: from 10 by half as much again with each full window that was acknowledged;
 * halved by each failure, and then back at first only to the largest size that had worked.
 */
export class SlowStart {
  readonly #most: number
  #size: number
  #worked = 0

  constructor(most: number) {
    this.#most = most
    this.#size = Math.min(FIRST, most)
  }

  get size(): number {
    return this.#size
  }

  /** A window of so many records was acknowledged; a smaller one than allowed says nothing about the size. */
  acknowledged(records: number): void {
    if (records < this.#size) return
    const next = Math.min(this.#most, Math.ceil(this.#size * FACTOR))
    if (this.#size < this.#worked) this.#size = Math.min(next, this.#worked)
    else {
      this.#worked = this.#size
      this.#size = next
    }
  }

  failed(): void {
    this.#size = Math.max(1, Math.floor(this.#size / 2))
  }
}
