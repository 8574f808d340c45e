// What a metric out of records is, and who sends all metrics elsewhere.
import type { Cursor, Event } from '../event.ts'
import type { MetricReader } from '../instruments.ts'

/** One of the samples that a series is written as. */
export interface MetricPoint {
  /** What follows the metric's name: '', `_bucket`, `_sum`, `_count`. */
  readonly suffix: string
  /** Upper bound of a histogram's bucket. */
  readonly le?: number
  /** Of a summary: which share of the values are at most as large, 0 to 1. */
  readonly quantile?: number
}

/** Values of the last while, for a summary; neither exact nor kept over a restart. */
export interface RecentValues {
  add(value: number): void
  /** The value at each of these shares; NaN where there was none in the time. */
  quantiles(shares: readonly number[]): readonly number[]
}

/**
 * What a metric does with a record. It keeps nothing: a series is a few numbers, handed in by the one who knows the
 * labels and limits (metrics/from-logs/metric.ts).
 */
export interface Meter {
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary'
  /** How many numbers a series is made of; all start at 0. */
  readonly width: number
  /** Changes when numbers that were kept by another build of the metric can't be gone on with. */
  readonly signature: string
  /** References of the fields that `measure` and `reason` read. */
  readonly reads: readonly string[]
  /** The number that a record brings; NaN when it brings none, and `reason` then says why, in one snake_case word. */
  measure(event: Event, cursor: Cursor): number
  reason(event: Event, cursor: Cursor): string
  /** Makes what a series keeps besides its numbers; it is handed in with them. */
  recent?(): RecentValues
  /** Takes a finite number into a series; false, and nothing changed, when the series could not hold it. */
  add(numbers: number[], value: number, recent?: RecentValues): boolean
  /** What a series is written as, and the value of each. */
  readonly points: readonly MetricPoint[]
  values(numbers: readonly number[], recent?: RecentValues): readonly number[]
  readonly exemplar?: ExemplarReader | undefined
}

/** Which records stand for the others beside them. */
export interface ExemplarReader {
  /** References of the fields that `read` reads. */
  readonly reads: readonly string[]
  /** Its labels, of which the caller may keep all; undefined when a record has none. */
  read(event: Event, cursor: Cursor): Readonly<Record<string, string>> | undefined
  /** Which of the points it is put at. */
  point(value: number): number
}

/** Sends readings of all metrics to a place of its own, as often as it likes. */
export interface Exporter {
  /**
   * Works until `signal` aborts, sends once more, and returns. What is counted up to the first read, which is asked for
   * before `run` returns its promise, is taken as sent already: call it before inputs run. Trouble with the peer is
   * retried inside; a rejection is a bug.
   */
  run(reader: MetricReader, signal: AbortSignal): Promise<void>
  /** Idempotent, and works half-started. */
  close(): Promise<void>
}
