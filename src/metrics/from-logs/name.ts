// Which names a metric and its labels can have: what Prometheus and OpenMetrics take and `promtool check metrics` likes.
import type { Meter } from '../../core/component.ts'
import { OptionError } from '../../core/errors.ts'

const METRIC = /^[a-zA-Z_][a-zA-Z0-9_]*$/
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/
const OWN = /^(?:yarder|process|nodejs|probe)_/
/** Suffixes that the formats give to samples of their own making. */
const MADE = /_(?:bucket|sum|count|created)$/

/** Throws OptionError when a metric of this type can't be called so. */
export function checkMetricName(name: string, type: Meter['type']): void {
  const fault = metricNameFault(name, type)
  if (fault !== undefined) throw new OptionError('', fault)
}

function metricNameFault(name: string, type: Meter['type']): string | undefined {
  // Colons would be taken too, but Prometheus keeps them for the results of its own rules.
  if (!METRIC.test(name)) return `is no name of a metric: letters, digits and _ only, and no digit in front`
  if (OWN.test(name)) return `${OWN.exec(name)![0]} is kept for the agent's own metrics; choose another prefix`
  const made = MADE.exec(name.replace(/_total$/, ''))
  if (made !== null) return `must not end in ${made[0]}, which histograms and counters add by themselves`
  if (type === 'counter' && !/._total$/.test(name)) return `must end in _total, as a counter: ${name}_total`
  if (type !== 'counter' && name.endsWith('_total')) return `must not end in _total: it is a ${type}, not a counter`
  return undefined
}

/** What is wrong with the name of a label; undefined when nothing is. */
export function labelNameFault(name: string): string | undefined {
  if (!LABEL.test(name)) return 'is no name of a label: letters, digits and _ only, and no digit in front'
  if (name.startsWith('__')) return 'must not begin with __, which Prometheus keeps for itself'
  if (name === 'le' || name === 'quantile')
    return `must not be ${name}, which histograms and summaries have of their own`
  return undefined
}

/** A metric as the config names it. */
export interface NamedMetric {
  readonly name: string
  readonly type: Meter['type']
}

/** Names that are fine by themselves and clash on the page: those of OpenMetrics, where a counter loses its `_total`. */
export function* metricNameClashes(
  metrics: readonly NamedMetric[]
): Iterable<readonly [name: string, message: string]> {
  const families = new Map<string, string>()
  for (const { name, type } of metrics) {
    const family = type === 'counter' ? name.replace(/_total$/, '') : name
    const other = families.get(family)
    if (other === undefined) families.set(family, name)
    else yield [name, `is the same metric as ${other} in OpenMetrics, which leaves out _total; rename one of them`]
  }
}
