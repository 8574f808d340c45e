// All metrics that are made out of records: who looks at which input, what the page shows, what the agent says of them.
import type { Observer } from '../../core/component.ts'
import type { Instruments } from '../../core/instruments.ts'
import type { Family } from '../store.ts'
import type { State } from '../../core/state.ts'
import { METRIC, scopeOf } from './metric.ts'
import type { LogMetric } from './metric.ts'

export interface LogMetrics {
  /** For the pipeline of an input. */
  observersOf(input: string): Observer[]
  /** For `Store.addSource`. */
  families(): Family[]
  /** Goes on with what is kept in the state, and keeps it there from now on; metrics that are gone are forgotten. */
  open(state: State): void
  /** Takes back what it says about itself, and keeps nothing any more; for a reload, after a commit. */
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
  let unhook = (): void => {}

  return {
    observersOf: input =>
      metrics.filter(({ inputs }) => inputs === undefined || inputs.includes(input)).map(metric => metric.observe),
    families: () => metrics.map(metric => metric.family()),
    open(state) {
      const names = new Set(metrics.map(metric => metric.name))
      for (const name of keysOf(state, METRIC)) if (!names.has(name)) forget(state, name)
      for (const metric of metrics) metric.recall(state)
      unhook = state.beforeCommit(() => {
        for (const metric of metrics) metric.keep(state)
      })
    },
    close() {
      unhook()
      silence()
      tell()
      for (const { name } of metrics) {
        series.remove(name)
        overflowing.remove(name)
      }
    }
  }
}

function forget(state: State, name: string): void {
  for (const key of keysOf(state, scopeOf(name))) state.delete(scopeOf(name), key)
  state.delete(METRIC, name)
}

const keysOf = (state: State, scope: string): string[] => Array.from(state.entries(scope), ([key]) => key)
