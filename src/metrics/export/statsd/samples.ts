// Histograms as StatsD's own: for each bucket that grew, one value that stands for all that came into it.
import type { Family, Sample } from '../../../core/instruments.ts'
import { plainNumber } from '../push/number.ts'
import { renderLabels } from '../prometheus.ts'
import type { Target } from './lines.ts'

interface Known {
  /** What each bucket held with all below it, when it was last read. */
  counts: number[]
  bounds: number[]
  round: number
  readonly target: Target
}

/** A value and how many of it came. */
export interface ValueSample {
  readonly value: number
  readonly count: number
  readonly target: Target
}

/** Remembers the buckets of each series: `read` all families of a round, then `end` it. */
export class BucketSamples {
  readonly #known = new Map<string, Known>()
  readonly #targetOf: (sample: Sample) => Target
  #round = 1

  constructor(targetOf: (sample: Sample) => Target) {
    this.#targetOf = targetOf
  }

  /** What came to a histogram since it was last read. */
  *read(family: Family): Generator<ValueSample> {
    let key = ''
    let counts: number[] = []
    let bounds: number[] = []
    for (const sample of family.samples) {
      if (sample.le === undefined) continue
      if (counts.length === 0) key = `${family.name}{${sample.rendered ?? renderLabels(sample.labels)}`
      counts.push(sample.value)
      bounds.push(sample.le)
      // The last bucket of a series is the one without a bound.
      if (sample.le !== Infinity) continue
      yield* this.#grown(key, family.name, sample, counts, bounds)
      counts = []
      bounds = []
    }
  }

  /** Forgets series that were not in this round. */
  end(): void {
    for (const [key, { round }] of this.#known) if (round !== this.#round) this.#known.delete(key)
    this.#round++
  }

  *#grown(key: string, name: string, sample: Sample, counts: number[], bounds: number[]): Generator<ValueSample> {
    const before = this.#known.get(key)
    // What fell began anew.
    const anew = before === undefined || counts.at(-1)! < before.counts.at(-1)!
    const target = before?.target ?? this.#targetOf({ ...sample, name })
    for (let i = 0; i < counts.length; i++) {
      const inBucket = counts[i]! - (i === 0 ? 0 : counts[i - 1]!)
      const wasIn = anew ? 0 : before.counts[i]! - (i === 0 ? 0 : before.counts[i - 1]!)
      if (inBucket > wasIn) yield { value: middle(bounds, i), count: inBucket - wasIn, target }
    }
    this.#known.set(key, { counts, bounds, round: this.#round, target })
  }
}

/** The middle of a bucket; the last has no end, so its beginning stands for it, and the first begins at 0 or has no middle. */
function middle(bounds: readonly number[], i: number): number {
  const upper = bounds[i]!
  if (upper === Infinity) return i === 0 ? 0 : bounds[i - 1]!
  if (i > 0) return (bounds[i - 1]! + upper) / 2
  return upper > 0 ? upper / 2 : upper
}

/** As lines; `|@rate` tells how many each value stands for. Types and tags are written alike by both dialects with tags. */
export function sampleLine({ value, count, target: { name, tags } }: ValueSample): string {
  return `${name}:${plainNumber(value)}|h${count === 1 ? '' : `|@${rateOf(count)}`}${tags}`
}

/** 1 / count in decimals, never so large that a server which cuts its inverse to an integer comes to one less. */
function rateOf(count: number): string {
  const near = 1 / count
  const rate = Math.trunc(1 / near) < count ? near * (1 - Number.EPSILON) : near
  const text = String(rate)
  return text.includes('e') ? rate.toFixed(RATE_DIGITS).replace(/0+$/, '') : text
}

/** So many that the text of any count reads as the very same double. */
const RATE_DIGITS = 28
