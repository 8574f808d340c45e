// The series of one metric: found by their label values, never more than a limit, forgotten when idle.
import type { RecentValues } from '../../core/component.ts'
import type { Exemplar } from '../../core/instruments.ts'

/** One set of label values with its numbers. */
export interface Series {
  readonly labels: readonly string[]
  readonly numbers: number[]
  /** The numbers as they were last made durable: what is shown. Undefined before the first time. */
  shown: number[] | undefined
  /** The numbers are ahead of what was made durable. */
  changed: boolean
  /** When a record last came, on the clock that the holder keeps; stays 0 when none is kept. */
  seen: number
  /** How exports show its labels; made when it is first read. */
  face: Face | undefined
  readonly recent: RecentValues | undefined
  /** By point, of those that have one. */
  exemplars: (Exemplar | undefined)[] | undefined
}

export interface Face {
  readonly labels: Readonly<Record<string, string>>
  /** As `Sample.rendered`. */
  readonly rendered: string
  /** The same with the label of each quantile, by point. */
  readonly quantiles: readonly ({ labels: Readonly<Record<string, string>>; rendered: string } | undefined)[]
}

/** Every label of the series that takes what the limit keeps out has this value. */
const OVERFLOW = '__overflow__'

/** Longer label values are cut: a record can bring megabytes, and each series keeps its own. */
const MAX_LABEL_CHARS = 1024

type Node = Map<string, Node | Series>

export interface SeriesTableOptions {
  /** How many labels there are. */
  readonly labels: number
  /** How many numbers a series has. */
  readonly width: number
  /** Most series, the one for the overflow among them. */
  readonly limit: number
  /** Makes what a series keeps besides. */
  readonly recent?: (() => RecentValues) | undefined
}

/**
 * Maps in maps, one level a label: no key is put together, so hostile values can't make two sets of labels one, and
 * finding a series of two labels takes two look-ups (bench/metrics.ts).
 */
export class SeriesTable {
  readonly #options: SeriesTableOptions
  readonly #root: Node = new Map()
  readonly #all = new Set<Series>()
  #changed: Series[] = []
  #gone: Series[] = []
  readonly #overflowLabels: readonly string[]
  #overflow: Series | undefined

  constructor(options: SeriesTableOptions) {
    this.#options = options
    this.#overflowLabels = Array.from({ length: options.labels }, () => OVERFLOW)
  }

  get size(): number {
    return this.#all.size
  }

  /** The series that takes what the limit kept out; undefined while nothing was. */
  get overflow(): Series | undefined {
    return this.#overflow
  }

  /** In order of their making. May be walked while series come and go. */
  [Symbol.iterator](): IterableIterator<Series> {
    return this.#all.values()
  }

  /** The series of these values, made if there is room, else that of the overflow. The array is not kept. */
  of(values: readonly string[]): Series {
    return this.#find(values) ?? this.#open(values.map(clean))
  }

  /** Its numbers have changed. */
  touch(series: Series): void {
    if (series.changed) return
    series.changed = true
    this.#changed.push(series)
  }

  /** What has changed, and what was deleted, since the last call; the former is shown from now on. */
  publish(): { changed: readonly Series[]; gone: readonly Series[] } {
    const changed = this.#changed.filter(series => this.#all.has(series))
    const gone = this.#gone
    this.#changed = []
    this.#gone = []
    for (const series of changed) {
      series.changed = false
      series.shown = [...series.numbers]
    }
    return { changed, gone }
  }

  delete(series: Series): void {
    this.#all.delete(series)
    this.#gone.push(series)
    if (series === this.#overflow) this.#overflow = undefined
    removeFrom(this.#root, pathOf(series.labels), 0)
  }

  #find(values: readonly string[]): Series | undefined {
    if (values.length === 0) return this.#root.get('') as Series | undefined
    let at: Node | Series | undefined = this.#root
    for (let i = 0; i < values.length; i++) {
      at = (at as Node).get(values[i]!)
      if (at === undefined) return undefined
    }
    return at as Series
  }

  #open(labels: readonly string[]): Series {
    const found = this.#find(labels)
    if (found !== undefined) return found
    // The last place is kept for the overflow, so that the limit holds with it. A record may carry the very values
    // of the overflow; its series then is that one.
    const last = this.#overflow ?? this.#find(this.#overflowLabels)
    const full = this.#all.size >= this.#options.limit - (last === undefined ? 1 : 0)
    if (!full || labels.length === 0) return this.#insert(labels)
    this.#overflow = last ?? this.#insert(this.#overflowLabels)
    return this.#overflow
  }

  #insert(values: readonly string[]): Series {
    const labels = values.map(copy)
    const series: Series = {
      labels,
      numbers: Array.from({ length: this.#options.width }, () => 0),
      shown: undefined,
      changed: false,
      seen: 0,
      face: undefined,
      recent: this.#options.recent?.(),
      exemplars: undefined
    }
    const path = pathOf(labels)
    let node = this.#root
    for (const key of path.slice(0, -1)) {
      const next: Node = (node.get(key) as Node | undefined) ?? new Map()
      node.set(key, next)
      node = next
    }
    node.set(path.at(-1)!, series)
    this.#all.add(series)
    return series
  }
}

/** A metric without labels has its one series at ''. */
const pathOf = (labels: readonly string[]): readonly string[] => (labels.length === 0 ? [''] : labels)

/** False when nothing is left at the node. */
function removeFrom(node: Node, path: readonly string[], depth: number): boolean {
  const key = path[depth]!
  const next = node.get(key)
  if (next instanceof Map && removeFrom(next, path, depth + 1)) return true
  node.delete(key)
  return node.size > 0
}

/** Half characters would make the page invalid UTF-8, so they become U+FFFD. */
const clean = (value: string): string =>
  value.length <= MAX_LABEL_CHARS && value.isWellFormed() ? value : value.slice(0, MAX_LABEL_CHARS).toWellFormed()

/** A piece of a line would keep the text of its whole batch in memory. */
export const copy = (value: string): string => Buffer.from(value).toString()
