// The agent's own numbers as components see them, and a reading of all numbers; metrics/ keeps and renders them.

/** Label values are given in the order of the names; they come from closed sets. */
export interface Counter {
  add(value: number, ...labels: string[]): void
}
export interface Gauge {
  set(value: number, ...labels: string[]): void
  remove(...labels: string[]): void
}
export interface Histogram {
  observe(value: number, ...labels: string[]): void
}

export interface Instruments {
  /** Asking again for a name gives the same instrument; other help or labels for it are a bug and throw. */
  counter(name: string, help: string, labels?: readonly string[]): Counter
  gauge(name: string, help: string, labels?: readonly string[]): Gauge
  histogram(name: string, help: string, labels?: readonly string[], buckets?: readonly number[]): Histogram
  /** Called before each scrape, so that what is costly to follow is read only when asked for. Returns the way to take it back. */
  beforeScrape(read: () => void): () => void
}

const nothing = { add() {}, set() {}, remove() {}, observe() {} }

/** Counts nothing: for commands that run once. */
export const silentInstruments: Instruments = {
  counter: () => nothing,
  gauge: () => nothing,
  histogram: () => nothing,
  beforeScrape: () => () => {}
}

/** One record among those that a sample counts. */
export interface Exemplar {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  /** When it happened, milliseconds since the epoch. */
  readonly time: number
}

/** One sample as it will be written. `name` differs from the family's for `_bucket`, `_sum`, `_count`. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  /** Upper bound of a histogram's bucket; it is not among the labels. */
  readonly le?: number | undefined
  /** A record that is one of those counted here; only OpenMetrics has a word for it. */
  readonly exemplar?: Exemplar | undefined
  /** What a counter stood at before the agent first looked: no growth for those who are told of growth alone. */
  readonly base?: number
  /** The labels as metrics/export/prometheus.ts renders them, kept where they are rendered again and again. */
  readonly rendered?: string
}

/** All samples of one metric. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary'
  /** May be made while they are walked, so walk them once, and soon. */
  readonly samples: Iterable<Sample>
}

/** A health check as it stands: for receivers that have more to say about one than a number. */
export interface CheckReading {
  readonly name: string
  readonly state: 'ok' | 'warning' | 'critical' | 'unknown' | 'maintenance'
  readonly message: string
}

/** Reads the numbers of the whole agent. */
export interface MetricReader {
  /** Every metric there is, in order of names. */
  read(): Promise<readonly Family[]>
  /** Every health check that has run. */
  checks?(): readonly CheckReading[]
}
