// Builds a metric out of records as the agent does, from its options as they stand in YAML.
import { systemClock } from '../../src/core/clock.ts'
import type { Clock } from '../../src/core/clock.ts'
import type { MetricDefinition } from '../../src/core/component.ts'
import { readFields } from '../../src/core/field.ts'
import { counter } from '../../src/metrics/from-logs/counter.ts'
import { gauge } from '../../src/metrics/from-logs/gauge.ts'
import { histogram } from '../../src/metrics/from-logs/histogram.ts'
import { createLogMetric, metricCommonFields } from '../../src/metrics/from-logs/metric.ts'
import type { LogMetric } from '../../src/metrics/from-logs/metric.ts'
import { summary } from '../../src/metrics/from-logs/summary.ts'
import { context } from './step.ts'

const DEFINITIONS: readonly MetricDefinition[] = [counter, gauge, histogram, summary]

/** Throws all that the config check would say, a line each. `help` may be left out. */
export function buildMetric(name: string, options: Record<string, unknown>, clock: Clock = systemClock): LogMetric {
  const wrong: string[] = []
  const report = (path: string, message: string): void => void wrong.push(`${path}: ${message}`)
  const { type, ...given } = options
  const definition = DEFINITIONS.find(d => d.name === type)!
  const isCommon = ([key]: [string, unknown]): boolean => Object.hasOwn(metricCommonFields, key)
  const own = Object.fromEntries(Object.entries(given).filter(entry => !isCommon(entry)))
  const common = { help: 'A test.', ...Object.fromEntries(Object.entries(given).filter(isCommon)) }
  const values = readFields(definition.fields, own, report) as never
  const shared = readFields(metricCommonFields, common, report)
  if (wrong.length === 0) for (const [option, message] of definition.lint?.(values) ?? []) report(option, message)
  if (wrong.length > 0) throw new TypeError(wrong.join('\n'))
  return createLogMetric(name, shared!, definition.build(values, context({ name, clock })), clock)
}
