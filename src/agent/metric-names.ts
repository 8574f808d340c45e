// Whether the metrics and prefixes of a configuration are named by the conventions, for `yarder metrics lint`.
import type { Problem } from '../config/problem.ts'
import { lintBareName, lintDottedName, lintMetric, lintPrefix } from '../metrics/lint.ts'
import type { CheckedConfig } from './components.ts'

/** What the values of a metric with this option `unit` are converted to. */
const CONVERTED: Record<string, string> = {
  ...Object.fromEntries(['ns', 'us', 'ms', 's', 'min', 'h'].map(unit => [unit, 'seconds'])),
  ...Object.fromEntries(['B', 'KB', 'MB', 'KiB', 'MiB', 'GiB'].map(unit => [unit, 'bytes'])),
  percent: 'ratio'
}

/** Each fault at its place, in the order of the file. */
export function metricNameProblems({ units }: CheckedConfig): Problem[] {
  const metrics = units.metrics.flatMap(unit => {
    const { unit: from = '' } = unit.options as { unit?: string }
    const labels = unit.common.labels.map(label => label.name)
    const faults = lintMetric({ name: unit.name, type: unit.type, labels, converted: CONVERTED[from] })
    return [...faults].map(message => ({ at: unit.at(), path: unit.path, message }))
  })
  const prefixes = units.exporters.flatMap(unit => {
    const { prefix } = unit.options as { prefix?: string }
    const faults = prefix === undefined ? [] : lintPrefix(prefix)
    return [...faults].map(message => ({ at: unit.at('prefix'), path: `${unit.path}.prefix`, message }))
  })
  return [...metrics, ...prefixes]
}

/** What is against the conventions in a full name: as StatsD or Graphite gets it when it has dots, else as Prometheus does. */
export const nameFaults = (name: string): { readonly kind: 'StatsD' | 'Prometheus'; readonly faults: string[] } =>
  name.includes('.')
    ? { kind: 'StatsD', faults: [...lintDottedName(name)] }
    : { kind: 'Prometheus', faults: [...lintBareName(name)] }
