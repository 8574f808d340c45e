// What of a reading is sent by push: counts and levels without the buckets; and by how much counts have grown.
import { setImmediate as turn } from 'node:timers/promises'
import type { Family, Sample } from '../../../core/instruments.ts'
import { renderLabels } from '../prometheus.ts'

/** A number to be sent. A count only ever grows, until it starts again at 0; a level goes up and down. */
export interface Reading {
  readonly kind: 'count' | 'level'
  readonly sample: Sample
}

const OWN = /^(?:yarder_(?!host_)|process_|nodejs_)/

/** Whether a metric is the agent's own; those of the host are not. */
export const isOwn = (name: string): boolean => OWN.test(name)

/**
 * Counters are counts, gauges levels; of a histogram its `_count` and `_sum` are counts and its buckets left out, as
 * neither protocol has a word for them. What is no finite number is left out: StatsD servers keep it for ever.
 */
export function* readings(families: Iterable<Family>, includeOwn: boolean): Generator<Reading> {
  for (const family of families) {
    if (!includeOwn && isOwn(family.name)) continue
    for (const sample of family.samples) {
      if (sample.le !== undefined || !Number.isFinite(sample.value)) continue
      const level = family.type === 'gauge' || (family.type === 'summary' && sample.name === family.name)
      yield { kind: level ? 'level' : 'count', sample }
    }
  }
}

/** Holds the loop no longer than this at a time: lines go on being tailed while many series are read. */
const SLICE_MS = 5
/** Asking the time costs more than a sample does. */
const SAMPLES_BETWEEN_LOOKS = 64

/** Walks all there is and lets others have their turn now and then. Samples are those of the moment they are walked at. */
export async function inSlices<T>(all: Iterable<T>, each: (one: T) => void): Promise<void> {
  let until = performance.now() + SLICE_MS
  let walked = 0
  for (const one of all) {
    each(one)
    if (++walked % SAMPLES_BETWEEN_LOOKS !== 0 || performance.now() < until) continue
    await turn()
    until = performance.now() + SLICE_MS
  }
}

interface Known<Target> {
  last: number
  /** The round it was last seen in, and the one it last fell in. */
  round: number
  fell: number
  readonly target: Target
}

/** What is to be sent of one series: by how much it grew, or where it stands. */
export interface Change<Target> {
  readonly kind: 'count' | 'level'
  readonly value: number
  readonly target: Target
}

/**
 * Remembers each series as it was last read: `add` all of a round, then `end` it. `target` is worked out once for a
 * series and kept with it (its name and tags); series that were not in a round are forgotten.
 */
export class Changes<Target> {
  readonly #known = new Map<string, Map<string, Known<Target>>>()
  readonly #targetOf: (sample: Sample) => Target
  #round = 1
  #changes: Change<Target>[] = []
  #sums: Sample[] = []

  constructor(targetOf: (sample: Sample) => Target) {
    this.#targetOf = targetOf
  }

  add({ kind, sample }: Reading): void {
    if (kind === 'level') this.#change(kind, sample, sample.value)
    else if (sample.name.endsWith('_sum')) this.#sums.push(sample)
    else this.#count(sample)
  }

  /** All changes of the round; counts that did not change are left out. */
  end(): Change<Target>[] {
    for (const sample of this.#sums) this.#sum(sample)
    for (const [name, series] of this.#known) {
      for (const [labels, { round }] of series) if (round !== this.#round) series.delete(labels)
      if (series.size === 0) this.#known.delete(name)
    }
    const changes = this.#changes
    this.#changes = []
    this.#sums = []
    this.#round++
    return changes
  }

  #count(sample: Sample): void {
    const known = this.#of(sample)
    // It began anew, as that of an idle series does which was forgotten.
    const fell = sample.value < known.last
    if (fell) known.fell = this.#round
    this.#change('count', sample, fell ? sample.value : sample.value - known.last)
  }

  /** A sum falls by itself too, so the count beside it, which may come later, tells whether it began anew. */
  #sum(sample: Sample): void {
    const count = this.#known.get(sample.name.replace(/_sum$/, '_count'))?.get(labelsOf(sample))
    this.#change('count', sample, count?.fell === this.#round ? sample.value : sample.value - this.#of(sample).last)
  }

  #change(kind: Reading['kind'], sample: Sample, value: number): void {
    const known = this.#of(sample)
    known.last = sample.value
    known.round = this.#round
    if (kind === 'level' || value !== 0) this.#changes.push({ kind, value, target: known.target })
  }

  // Maps in maps: the labels of series out of records are kept as text, whose hash is then made only once.
  #of(sample: Sample): Known<Target> {
    let series = this.#known.get(sample.name)
    if (series === undefined) this.#known.set(sample.name, (series = new Map()))
    const labels = labelsOf(sample)
    let known = series.get(labels)
    if (known === undefined)
      series.set(labels, (known = { last: sample.base ?? 0, round: 0, fell: 0, target: this.#targetOf(sample) }))
    return known
  }
}

const labelsOf = ({ labels, rendered }: Sample): string => rendered ?? renderLabels(labels)
