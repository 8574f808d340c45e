// Says what became of every numbered line: each number of each writer must have arrived exactly once, with its bytes
// intact, and in order within the file it was read from.
//
//   const judge = new Judge()
//   judge.take(message, offset)                   // each record of the destination, in the order it arrived
//   const verdict = judge.verdict(new Map([['w', 100_000]]))
//   assert.equal(verdict.lost, 0, verdict.text)
//
// It keeps one bit a line and a number a file, so ten million lines are two megabytes.
import { parseLine } from './line.ts'

/** So many examples of each fault are named. */
const NAMED = 12

export interface Verdict {
  /** Lines that arrived, each counted once. */
  readonly got: number
  readonly lost: number
  /** Arrivals beyond the first of a line. */
  readonly doubled: number
  /** Lines that came after a later one of the same file. */
  readonly disordered: number
  /** Records that are no line as it was written: a byte differs, a part is missing, two in one. */
  readonly damaged: number
  /** Numbers that were never written. */
  readonly invented: number
  /** Files that lines were read from, a truncated one again; 0 when no offsets were given. */
  readonly streams: number
  /** The lost lines by writer, as ranges `[first, last]`, both included. */
  readonly lostRanges: ReadonlyMap<string, ReadonlyArray<readonly [number, number]>>
  /** All of it in words, with the first examples by number; for the message of an assertion. */
  readonly text: string
}

interface Ledger {
  seen: Uint8Array
  /** Every line before it has arrived. */
  low: number
  highest: number
}

export class Judge {
  /** Distinct lines that arrived so far. */
  got = 0
  doubled = 0
  disordered = 0
  damaged = 0
  /** Lines that begin with `#`: banners that many files share, not numbered. */
  banners = 0
  #writers = new Map<string, Ledger>()
  /** Last number by stream. */
  #last = new Map<string, number>()
  #examples: string[] = []

  /** One record of the destination. `offset` is where the agent says that it began; without one order is not judged. */
  take(message: string, offset?: number): void {
    if (message.startsWith('#')) {
      this.banners++
      return
    }
    const line = parseLine(message)
    if (line === undefined || !line.intact) {
      this.damaged++
      this.#note('damaged', `${line === undefined ? '?' : `${line.writer} ${line.n}`} ${JSON.stringify(message)}`)
      return
    }
    const { writer, n, at } = line
    if (!this.#first(writer, n)) {
      this.doubled++
      this.#note('doubled', `${writer} ${n}`)
      return
    }
    if (offset === undefined) return
    const stream = `${writer} ${at - offset}`
    const last = this.#last.get(stream) ?? -1
    if (n < last) {
      this.disordered++
      this.#note('out of order', `${writer} ${n} after ${last}`)
    } else this.#last.set(stream, n)
  }

  /** Something in the destination that is no record at all. */
  broken(text: string): void {
    this.damaged++
    this.#note('damaged', JSON.stringify(text.slice(0, 200)))
  }

  has(writer: string, n: number): boolean {
    const ledger = this.#writers.get(writer)
    return ledger !== undefined && (ledger.seen[n >> 3]! & (1 << (n & 7))) !== 0
  }

  /** Up to which line everything of a writer has arrived. */
  upTo(writer: string): number {
    const ledger = this.#writers.get(writer)
    if (ledger === undefined) return 0
    while (ledger.low <= ledger.highest && this.has(writer, ledger.low)) ledger.low++
    return ledger.low
  }

  /** Compares with how many lines each writer wrote. Lines may be taken afterwards, and the verdict asked for again. */
  verdict(written: ReadonlyMap<string, number>): Verdict {
    const lostRanges = new Map<string, Array<[number, number]>>()
    let lost = 0
    let invented = 0
    const words: string[] = []
    for (const [writer, count] of written) {
      const ranges = this.#missing(writer, count)
      for (const [first, last] of ranges) lost += last - first + 1
      if (ranges.length > 0) {
        lostRanges.set(writer, ranges)
        words.push(...ranges.slice(0, NAMED).map(([a, b]) => `lost: ${writer} ${a}${a === b ? '' : `..${b}`}`))
      }
    }
    for (const [writer, ledger] of this.#writers) {
      const count = written.get(writer) ?? 0
      for (let n = count; n <= ledger.highest; n++) {
        if (!this.has(writer, n)) continue
        if (invented++ < NAMED) words.push(`never written: ${writer} ${n}`)
      }
    }
    const { got, doubled, disordered, damaged } = this
    const sums = `got ${got}, lost ${lost}, doubled ${doubled}, out of order ${disordered}, damaged ${damaged}`
    const text = [`${sums}, never written ${invented}`, ...words, ...this.#examples].join('\n')
    return { got, lost, doubled, disordered, damaged, invented, streams: this.#last.size, lostRanges, text }
  }

  #first(writer: string, n: number): boolean {
    let ledger = this.#writers.get(writer)
    if (ledger === undefined) this.#writers.set(writer, (ledger = { seen: new Uint8Array(64), low: 0, highest: -1 }))
    const at = n >> 3
    if (at >= ledger.seen.length) {
      const larger = new Uint8Array(Math.max(at + 1, ledger.seen.length * 2))
      larger.set(ledger.seen)
      ledger.seen = larger
    }
    const bit = 1 << (n & 7)
    if ((ledger.seen[at]! & bit) !== 0) return false
    ledger.seen[at]! |= bit
    ledger.highest = Math.max(ledger.highest, n)
    this.got++
    return true
  }

  #missing(writer: string, count: number): Array<[number, number]> {
    const ranges: Array<[number, number]> = []
    for (let n = 0; n < count; n++) {
      if (this.has(writer, n)) continue
      const range = ranges.at(-1)
      if (range !== undefined && range[1] === n - 1) range[1] = n
      else ranges.push([n, n])
    }
    return ranges
  }

  #note(what: string, which: string): void {
    if (this.#examples.filter(e => e.startsWith(what)).length < NAMED) this.#examples.push(`${what}: ${which}`)
  }
}
