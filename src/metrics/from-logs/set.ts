// All metrics that are made out of records: who looks at which input, what the page shows, what the agent says of them.
import type { Cursor, Event } from '../../core/event.ts'
import type { Instruments } from '../../core/instruments.ts'
import type { Family } from '../store.ts'
import type { LogMetric, MetricState } from './metric.ts'

export interface LogMetrics {
  /** For the pipeline of an input. */
  observersOf(input: string): Array<(event: Event, cursor: Cursor) => void>
  /** For `Store.addSource`. */
  families(): Family[]
  /** By name. */
  snapshot(): Record<string, MetricState>
  /** Goes on with what a snapshot holds; metrics that are gone or of another shape are left out. */
  restore(states: Readonly<Record<string, MetricState>>): void
  /** Takes back what it says about itself; for a reload, after the snapshot. */
  close(): void
}

/** Puts metrics together. From now on the agent's own metrics say how many series each has and what it left out. */
export function createLogMetrics(metrics: readonly LogMetric[], instruments: Instruments): LogMetrics {
  const series = instruments.gauge('yarder_metrics_series', 'Series of a metric made out of records.', ['metric'])
  const overflowing = instruments.gauge(
    'yarder_metrics_overflowing',
    '1 while a metric has more sets of label values than max_series; the rest is in __overflow__.',
    ['metric']
  )
  const overflowed = instruments.counter(
    'yarder_metrics_overflowed_total',
    'Records counted under __overflow__, because a metric had reached max_series.',
    ['metric']
  )
  const skipped = instruments.counter(
    'yarder_metrics_skipped_total',
    'Records that a metric left out, by the reason.',
    ['metric', 'reason']
  )

  function tell(): void {
    for (const metric of metrics) {
      const report = metric.report()
      series.set(report.series, metric.name)
      overflowing.set(report.overflowing ? 1 : 0, metric.name)
      overflowed.add(report.overflowed, metric.name)
      for (const [reason, count] of report.skipped) skipped.add(count, metric.name, reason)
    }
  }
  const silence = instruments.beforeScrape(tell)

  return {
    observersOf: input =>
      metrics.filter(({ inputs }) => inputs === undefined || inputs.includes(input)).map(metric => metric.observe),
    families: () => metrics.map(metric => metric.family()),
    snapshot: () => Object.fromEntries(metrics.map(metric => [metric.name, metric.snapshot()])),
    restore(states) {
      for (const metric of metrics) {
        const state = Object.hasOwn(states, metric.name) ? states[metric.name] : undefined
        if (state !== undefined) metric.restore(state)
      }
    },
    close() {
      silence()
      tell()
      for (const { name } of metrics) {
        series.remove(name)
        overflowing.remove(name)
      }
    }
  }
}
