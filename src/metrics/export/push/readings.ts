// What of a reading is sent by push: counts and levels without the buckets; and by how much counts have grown.
import type { Family, Sample } from '../../../core/instruments.ts'
import { renderLabels } from '../prometheus.ts'

/** A number to be sent. A count only ever grows, until it starts again at 0; a level goes up and down. */
export interface Reading {
  readonly kind: 'count' | 'level'
  readonly sample: Sample
}

const OWN = /^(?:yarder|process|nodejs)_/

/**
 * Counters are counts, gauges levels; of a histogram its `_count` and `_sum` are counts and its buckets left out, as
 * neither protocol has a word for them. What is no finite number is left out: StatsD servers keep it for ever.
 */
export function* readings(families: Iterable<Family>, includeOwn: boolean): Generator<Reading> {
  for (const family of families) {
    if (!includeOwn && OWN.test(family.name)) continue
    for (const sample of family.samples) {
      if (sample.le !== undefined || !Number.isFinite(sample.value)) continue
      const level = family.type === 'gauge' || (family.type === 'summary' && sample.name === family.name)
      yield { kind: level ? 'level' : 'count', sample }
    }
  }
}

interface Known<Target> {
  last: number
  round: number
  readonly target: Target
}

/** What is to be sent of one series: by how much it grew, or where it stands. */
export interface Change<Target> {
  readonly kind: 'count' | 'level'
  readonly value: number
  readonly target: Target
}

/**
 * Remembers each series as it was last read. `target` is worked out once for a series and kept with it (its name and
 * tags); series that are no longer read are forgotten.
 */
export class Changes<Target> {
  readonly #known = new Map<string, Known<Target>>()
  readonly #targetOf: (sample: Sample) => Target
  #round = 0

  constructor(targetOf: (sample: Sample) => Target) {
    this.#targetOf = targetOf
  }

  /** Counts that did not change are left out. Walks all of it before it returns: samples are those of the moment. */
  take(all: Iterable<Reading>): Change<Target>[] {
    this.#round++
    const changes: Change<Target>[] = []
    const read = [...all].map(reading => ({ ...reading, key: keyOf(reading.sample) }))
    const anew = new Set(read.filter(({ key, sample }) => this.#fell(key, sample)).map(({ key }) => key))
    for (const { kind, sample, key } of read) {
      const known = this.#of(key, sample)
      const before = anew.has(key) || anew.has(countBeside(key)) ? 0 : known.last
      const value = kind === 'level' ? sample.value : sample.value - before
      known.last = sample.value
      known.round = this.#round
      if (kind === 'level' || value !== 0) changes.push({ kind, value, target: known.target })
    }
    for (const [key, { round }] of this.#known) if (round !== this.#round) this.#known.delete(key)
    return changes
  }

  /** A count that fell began anew, as that of an idle series does which was forgotten. Sums may fall by themselves. */
  #fell(key: string, { name, value }: Sample): boolean {
    const known = this.#known.get(key)
    return known !== undefined && value < known.last && !name.endsWith('_sum')
  }

  #of(key: string, sample: Sample): Known<Target> {
    let known = this.#known.get(key)
    if (known === undefined) {
      known = { last: 0, round: 0, target: this.#targetOf(sample) }
      this.#known.set(key, known)
    }
    return known
  }
}

const keyOf = ({ name, labels, rendered }: Sample): string => `${name}{${rendered ?? renderLabels(labels)}}`

/** The key of the `_count` that belongs to a `_sum`. */
const countBeside = (key: string): string => key.replace(/_sum\{/, '_count{')
