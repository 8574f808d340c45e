// A metric made out of records: which records, under which labels, how many series and for how long.
import { isDeepStrictEqual } from 'node:util'
import type { ExemplarReader, Meter, MetricPoint, Observer } from '../../core/component.ts'
import type { Clock } from '../../core/clock.ts'
import type { Cursor, Event } from '../../core/event.ts'
import * as f from '../../core/field.ts'
import type { State } from '../../core/state.ts'
import { formatBound, renderLabels } from '../export/prometheus.ts'
import type { Family, Sample } from '../store.ts'
import { labelsField } from './labels.ts'
import { SeriesTable } from './series.ts'
import type { Face, Series } from './series.ts'

/** What every metric takes besides the options of its type. */
export const metricCommonFields = {
  help: f.string('What it counts or shows, in a sentence; stands above it on `/metrics`.', {
    example: 'Requests served, by method and status.'
  }),
  input: f.optional(
    f.oneOrMore(f.string('Name of an input.'), 'Whose records it looks at; those of all inputs when absent.', {
      example: 'nginx'
    })
  ),
  when: f.optional(f.condition('Only records that meet it.', { example: { response: { gte: 500 } } })),
  labels: labelsField,
  max_series: f.integer(
    'Most sets of label values. The last is `__overflow__` and takes all further ones, so totals stay right.',
    { default: 1000, min: 2, max: 1_000_000 }
  ),
  max_age: f.optional(
    f.duration(
      'Leave out records whose own time is this long past when they are read, such as those of an outage caught up with; counted in `yarder_metrics_skipped_total` as `late`. All are counted when absent.',
      { example: '10m', min: '1s' }
    )
  ),
  idle_timeout: f.optional(
    f.duration('Forget a set of label values that no record has had for this long; none is forgotten when absent.', {
      example: '1h',
      min: '1s'
    })
  )
}
export type MetricCommon = f.Values<typeof metricCommonFields>

/** What the agent says about a metric itself. The counts are those since the last report. */
export interface MetricReport {
  readonly series: number
  readonly overflowing: boolean
  readonly overflowed: number
  readonly skipped: ReadonlyMap<string, number>
}

export interface LogMetric {
  readonly name: string
  /** undefined: all. */
  readonly inputs: readonly string[] | undefined
  /** For `PipelineOptions.observers`. */
  readonly observe: Observer
  /** The series as they were last kept, without idle ones. */
  family(): Family
  report(): MetricReport
  /** Takes over what was kept, when the metric still has that shape; forgets it otherwise and answers false. */
  recall(state: State): boolean
  /** Writes what has changed to the state, which is about to be committed; from now on that is what `family` shows. */
  keep(state: State): void
}

/** Puts a built meter behind its labels and limits. */
export function createLogMetric(name: string, common: MetricCommon, meter: Meter, clock: Clock): LogMetric {
  const { when, labels, idle_timeout: idleTimeout, max_age: maxAge = Infinity } = common
  const recent = meter.recent?.bind(meter)
  const table = new SeriesTable({ labels: labels.length, width: meter.width, limit: common.max_series, recent })
  const names = labels.map(label => label.name)
  const texts: string[] = names.map(() => '')
  let skipped = new Map<string, number>()
  let overflowed = 0

  const skip = (reason: string): void => void skipped.set(reason, (skipped.get(reason) ?? 0) + 1)

  function observe(event: Event, cursor: Cursor): void {
    if (when !== undefined && !when(event, cursor)) return
    if (cursor.arrival - cursor.time > maxAge) return skip('late')
    const value = meter.measure(event, cursor)
    if (Number.isNaN(value)) return skip(meter.reason(event, cursor))
    for (let i = 0; i < labels.length; i++) texts[i] = labels[i]!.text(event, cursor)
    const series = table.of(texts)
    if (!meter.add(series.numbers, value, series.recent)) return skip('out_of_range')
    if (series === table.overflow) overflowed++
    if (idleTimeout !== undefined) series.seen = clock.elapsed()
    if (meter.exemplar !== undefined) keepExemplar(series, meter.exemplar, value, event, cursor)
    table.touch(series)
  }

  function forgetIdle(): void {
    if (idleTimeout === undefined) return
    const before = clock.elapsed() - idleTimeout
    for (const series of table) if (series.seen < before) table.delete(series)
  }

  // `rate()` needs a 0 to start from; where all labels are known beforehand it can be there.
  if (meter.type !== 'gauge' && labels.every(label => label.constant)) {
    const known: Cursor = { source: NOWHERE, time: NaN, arrival: 0, offset: 0, failed: '' }
    const series = table.of(labels.map(label => label.text({}, known)))
    series.seen = clock.elapsed()
    series.shown = [...series.numbers]
  }

  const reads = readsOf(common, meter)
  return {
    name,
    inputs: common.input,
    observe: reads === undefined ? observe : Object.assign(observe, { reads }),
    family() {
      return { name, help: common.help, type: meter.type, samples: samplesOf(name, names, meter, table) }
    },
    report() {
      const report = { series: table.size, overflowing: table.overflow !== undefined, overflowed, skipped }
      skipped = new Map()
      overflowed = 0
      return report
    },
    recall(state) {
      const shape = state.get(METRIC, name)
      const same = isDeepStrictEqual(shape, { signature: meter.signature, labels: names })
      const rows = [...state.entries(scopeOf(name))]
      if (!same) {
        for (const [key] of rows) state.delete(scopeOf(name), key)
        state.set(METRIC, name, { signature: meter.signature, labels: names })
        return shape === undefined
      }
      for (const [key, numbers] of rows) {
        const values = labelsIn(key, names.length)
        if (values === undefined || !isNumbers(numbers, meter.width)) {
          state.delete(scopeOf(name), key)
          continue
        }
        const series = table.of(values)
        for (let i = 0; i < meter.width; i++) series.numbers[i]! += numbers[i]!
        series.shown = [...series.numbers]
        series.seen = clock.elapsed()
        if (JSON.stringify(series.labels) === key) continue
        // There is no room for it any more: it is in the overflow from now on.
        state.delete(scopeOf(name), key)
        table.touch(series)
      }
      return true
    },
    keep(state) {
      forgetIdle()
      const { changed, gone } = table.publish()
      for (const series of gone) state.delete(scopeOf(name), JSON.stringify(series.labels))
      for (const { labels: values, shown } of changed) state.set(scopeOf(name), JSON.stringify(values), shown)
    }
  }
}

/** References of all fields it reads; undefined when its condition may read any. */
function readsOf({ when, labels }: MetricCommon, meter: Meter): readonly string[] | undefined {
  const condition = when === undefined ? [] : when.reads
  if (condition === undefined) return undefined
  return [...condition, ...labels.flatMap(label => label.reads), ...meter.reads, ...(meter.exemplar?.reads ?? [])]
}

/** The scope that holds the shape of each metric by its name, and the one that holds the series of a metric. */
export const METRIC = 'metric'
export const scopeOf = (name: string): string => `${METRIC}/${name}`

function labelsIn(key: string, count: number): string[] | undefined {
  const values: unknown = JSON.parse(key)
  return Array.isArray(values) && values.length === count ? values.map(String) : undefined
}

const isNumbers = (value: unknown, width: number): value is number[] =>
  Array.isArray(value) && value.length === width && value.every(Number.isFinite)

const NOWHERE = { input: '', id: '', path: undefined, constants: {} }

/** Walks the living series; one series is read in one go, so that the buckets and the sum of a histogram agree. */
function samplesOf(name: string, names: readonly string[], meter: Meter, table: SeriesTable): Iterable<Sample> {
  const points = meter.points.map(({ suffix, le }: MetricPoint) => ({ name: name + suffix, le }))
  const face = (series: Series): Face => (series.face ??= faceOf(names, meter.points, series))
  return {
    *[Symbol.iterator]() {
      for (const series of table) {
        if (series.shown === undefined) continue
        const own = face(series)
        const values = meter.values(series.shown, series.recent)
        for (let i = 0; i < points.length; i++) {
          const { name: pointName, le } = points[i]!
          const { labels, rendered } = own.quantiles[i] ?? own
          yield { name: pointName, labels, value: values[i]!, le, rendered, exemplar: series.exemplars?.[i] }
        }
      }
    }
  }
}

function faceOf(names: readonly string[], points: readonly MetricPoint[], series: Series): Face {
  const labels = Object.fromEntries(names.map((name, i) => [name, series.labels[i]!]))
  const quantiles = points.map(({ quantile }) => {
    if (quantile === undefined) return undefined
    const all = { ...labels, quantile: formatBound(quantile) }
    return { labels: all, rendered: renderLabels(all) }
  })
  return { labels, rendered: renderLabels(labels), quantiles }
}

/** A point changes its exemplar no more often: reading one costs more than counting. */
const EXEMPLAR_EVERY_MS = 1000

function keepExemplar(series: Series, from: ExemplarReader, value: number, event: Event, cursor: Cursor): void {
  const at = from.point(value)
  const before = series.exemplars?.[at]
  const time = Number.isNaN(cursor.time) ? cursor.arrival : cursor.time
  if (before !== undefined && Math.abs(time - before.time) < EXEMPLAR_EVERY_MS) return
  const labels = from.read(event, cursor)
  if (labels !== undefined) (series.exemplars ??= [])[at] = { labels, value, time }
}
