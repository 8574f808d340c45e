// Several date formats, of which the first that reads a text counts.
import type { Assumed, DateParser } from './parser.ts'

/** Lines of one second share their text: the last answer is kept, for the same text and arrival. */
export class FirstThatFits {
  /** What the format of the last answer had to assume. */
  assumed: readonly Assumed[] = []
  readonly #parsers: readonly DateParser[]
  #text = ''
  #arrival = NaN
  #time = NaN

  constructor(parsers: readonly DateParser[]) {
    this.#parsers = parsers
  }

  at(text: string, arrival: number): number {
    if (arrival === this.#arrival && text === this.#text) return this.#time
    let ms = NaN
    for (let i = 0; i < this.#parsers.length && ms !== ms; i++) {
      const parser = this.#parsers[i]!
      ms = parser.parse(text, arrival)
      this.assumed = parser.assumed
    }
    this.#text = text
    this.#arrival = arrival
    this.#time = ms
    return ms
  }
}
