// How many requests may be under way at a time: fewer when the destination says it is too much, and slowly more again.

/** So many rounds of good answers before one more is dared. */
const ROUNDS = 4

/** Halved at "too many requests", grown by one after a while without: as TCP does, so that many agents come to share. */
export class Concurrency {
  readonly #most: number
  #limit: number
  #cuts = 0
  #good = 0

  constructor(most: number) {
    this.#most = most
    this.#limit = most
  }

  get limit(): number {
    return this.#limit
  }

  /** Called when a request starts; what it returns goes to `overloaded`. */
  begin(): number {
    return this.#cuts
  }

  /** The destination had too much to do. Requests that were under way together count once. */
  overloaded(began: number): void {
    this.#good = 0
    if (began !== this.#cuts) return
    this.#cuts++
    this.#limit = Math.max(1, this.#limit >> 1)
  }

  /** All of a request was taken. */
  answered(): void {
    if (this.#limit === this.#most || ++this.#good < ROUNDS * this.#limit) return
    this.#good = 0
    this.#limit++
  }
}
