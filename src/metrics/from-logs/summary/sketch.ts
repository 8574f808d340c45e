// Counts values in buckets whose bounds grow by a factor, so that every quantile is right to within one part in a hundred.
//   DDSketch: https://www.vldb.org/pvldb/vol12/p2195-masson.pdf

export const RELATIVE_ERROR = 0.01
const GROWTH = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
const LOG_GROWTH = Math.log(GROWTH)
/** Of values of one sign; when they spread wider, the smallest become one bucket. */
const MOST_BUCKETS = 1024
const STEP = 64
/** Smaller ones are 0. */
const SMALLEST = 1e-300

const bucketOf = (size: number): number => Math.ceil(Math.log(size) / LOG_GROWTH)
/** As far from the upper bound of the bucket as from the lower one, relative to it. */
const valueOf = (bucket: number): number => (2 * GROWTH ** bucket) / (GROWTH + 1)

/** Counts of neighbouring buckets. */
class Buckets {
  #counts = new Uint32Array(0)
  /** The bucket that the first count is of. */
  #first = 0
  total = 0

  add(bucket: number, count = 1): void {
    if (this.#counts.length === 0) this.#first = bucket
    if (bucket < this.#first || bucket >= this.#first + this.#counts.length) this.#makeRoom(bucket)
    this.#counts[Math.max(0, bucket - this.#first)]! += count
    this.total += count
  }

  /** Ascending. */
  *[Symbol.iterator](): Generator<readonly [bucket: number, count: number]> {
    for (let i = 0; i < this.#counts.length; i++) if (this.#counts[i]! > 0) yield [this.#first + i, this.#counts[i]!]
  }

  /** A bucket that is too low for the room there may be goes into the lowest. */
  #makeRoom(bucket: number): void {
    const end = this.#first + this.#counts.length
    const wantedEnd = bucket < end ? end : bucket + STEP
    const wantedFirst = Math.min(bucket, this.#first)
    const first = Math.max(wantedFirst - (wantedFirst < this.#first ? STEP : 0), wantedEnd - MOST_BUCKETS)
    if (first === this.#first && wantedEnd === end) return
    const counts = new Uint32Array(wantedEnd - first)
    for (let i = 0; i < this.#counts.length; i++) counts[Math.max(0, this.#first + i - first)]! += this.#counts[i]!
    this.#counts = counts
    this.#first = first
  }
}

export class Sketch {
  readonly #above = new Buckets()
  readonly #below = new Buckets()
  #zeros = 0

  /** A finite number. */
  add(value: number): void {
    if (value > SMALLEST) this.#above.add(bucketOf(value))
    else if (value < -SMALLEST) this.#below.add(bucketOf(-value))
    else this.#zeros++
  }

  take(other: Sketch): void {
    for (const [bucket, count] of other.#above) this.#above.add(bucket, count)
    for (const [bucket, count] of other.#below) this.#below.add(bucket, count)
    this.#zeros += other.#zeros
  }

  /** The values below which these shares of all are; NaN of none. */
  quantiles(shares: readonly number[]): number[] {
    const total = this.#above.total + this.#below.total + this.#zeros
    if (total === 0) return shares.map(() => NaN)
    const ranks = shares.map((share, i) => ({ rank: share * (total - 1), i })).toSorted((a, b) => a.rank - b.rank)
    const out = shares.map(() => NaN)
    let seen = 0
    let next = 0
    for (const [value, count] of this.#ascending()) {
      seen += count
      while (next < ranks.length && ranks[next]!.rank < seen) out[ranks[next++]!.i] = value
    }
    return out
  }

  *#ascending(): Generator<readonly [value: number, count: number]> {
    for (const [bucket, count] of [...this.#below].toReversed()) yield [-valueOf(bucket), count]
    if (this.#zeros > 0) yield [0, this.#zeros]
    for (const [bucket, count] of this.#above) yield [valueOf(bucket), count]
  }
}
