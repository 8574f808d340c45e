// The agent's own numbers as components see them; metrics/ keeps and renders them.

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
