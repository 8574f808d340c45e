// `gauge` metric: a field's latest value, or a level that records raise and lower.
import { defineMetric } from '../../core/component.ts'
import * as f from '../../core/field.ts'
import { checkMetricName } from './name.ts'
import { conversionFields, lintValue, valueReader } from './value.ts'

export const gauge = defineMetric({
  name: 'gauge',
  summary: "Shows a field's latest value, or a level that records raise and lower.",
  description:
    'A value that is missing or no number leaves the gauge as it is and is counted in `yarder_metrics_skipped_total`.',
  fields: {
    value: f.fieldRef('The field with the number; true and false are 1 and 0.', { example: 'queue_length' }),
    mode: f.choice(['set', 'add'], '`set` shows the latest value, `add` adds each one, which may be negative.', {
      default: 'set'
    }),
    ...conversionFields
  },
  examples: [
    {
      title: 'A number that a program logs from time to time',
      yaml: 'app_queue_length:\n  type: gauge\n  help: Jobs that wait.\n  input: app\n  value: queue_length\n  labels: { queue: queue }\n'
    }
  ],
  lint: lintValue,
  build(o, { name }) {
    checkMetricName(name, 'gauge')
    const adds = o.mode === 'add'
    return {
      type: 'gauge',
      width: 1,
      signature: `gauge ${o.mode}`,
      ...valueReader(o.value, o),
      add(numbers, n) {
        const next = adds ? numbers[0]! + n : n
        if (!Number.isFinite(next)) return false
        numbers[0] = next
        return true
      },
      points: [{ suffix: '' }],
      values: numbers => numbers
    }
  }
})
