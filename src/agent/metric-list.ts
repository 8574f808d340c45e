// The metrics of the running agent with their series, for `yarder metrics list`.
import type { Family, MetricReader } from '../core/instruments.ts'

export interface ListedMetric {
  readonly name: string
  readonly type: Family['type']
  readonly help: string
  /** Sets of label values; buckets and quantiles are not counted. */
  readonly series: number
  /** What does not fit its `max_series` is in `__overflow__`. */
  readonly overflowing: boolean
}

/** In order of names. */
export async function listMetrics(reader: MetricReader): Promise<ListedMetric[]> {
  const families = await reader.read()
  const told = families.find(({ name }) => name === 'yarder_metrics_overflowing')
  const overflowing = new Set([...(told?.samples ?? [])].filter(s => s.value === 1).map(s => s.labels['metric']))
  return families.map(family => ({
    name: family.name,
    type: family.type,
    help: family.help,
    series: seriesOf(family),
    overflowing: overflowing.has(family.name)
  }))
}

/** A histogram or summary has exactly one `_count` for each. */
function seriesOf({ type, name, samples }: Family): number {
  const once = type === 'histogram' || type === 'summary' ? `${name}_count` : undefined
  let count = 0
  for (const sample of samples) if (once === undefined || sample.name === once) count++
  return count
}
