// `histogram` metric: how a field's values spread, as counts up to each of a few bounds, with their sum.
import { defineMetric } from '../../core/component.ts'
import type { MetricPoint } from '../../core/component.ts'
import * as f from '../../core/field.ts'
import { exemplarField, exemplarReader } from './exemplar.ts'
import { checkMetricName } from './name.ts'
import { conversionFields, lintValue, valueReader } from './value.ts'

/** Those of Prometheus' Python client, in seconds; `+Inf` is always there besides. */
const DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
/** Each bucket is a series of its own in Prometheus, for each set of labels. */
const MOST_BUCKETS = 200

export const histogram = defineMetric({
  name: 'histogram',
  summary: "Shows how a field's values spread: counts up to each bound, their sum and their number.",
  description:
    'A value that is missing or no number is left out and counted in `yarder_metrics_skipped_total`. Every bucket is one more series in Prometheus for each set of labels.',
  fields: {
    value: f.fieldRef('The field with the number.', { example: 'request_time' }),
    buckets: f.list(f.number('An upper bound.'), 'Upper bounds, ascending, in the unit after conversion.', {
      default: DEFAULT_BUCKETS,
      min: 1
    }),
    ...conversionFields,
    exemplar: exemplarField
  },
  examples: [
    {
      title: 'Size of answers',
      yaml: 'nginx_response_bytes:\n  type: histogram\n  help: Size of answers.\n  input: nginx\n  value: bytes\n  buckets: [1e3, 1e4, 1e5, 1e6]\n'
    },
    {
      title: 'Times that are logged in milliseconds',
      yaml: 'app_answer_seconds:\n  type: histogram\n  help: Time to answer.\n  input: app\n  value: took\n  unit: ms\n  labels: { route: route }\n'
    }
  ],
  *lint(o) {
    yield* lintValue(o)
    if (o.buckets.length > MOST_BUCKETS) yield ['buckets', `must not be more than ${MOST_BUCKETS}`]
    const wrong = o.buckets.findIndex((bound, i) => i > 0 && bound <= o.buckets[i - 1]!)
    if (wrong !== -1)
      yield [
        `buckets[${wrong}]`,
        `must be more than the one before, got ${o.buckets[wrong]} after ${o.buckets[wrong - 1]}`
      ]
  },
  build(o, { name }) {
    checkMetricName(name, 'histogram')
    const bounds = [...o.buckets, Infinity]
    const sum = bounds.length
    return {
      type: 'histogram',
      // Numbers: one count for each bucket by itself, then the sum.
      width: sum + 1,
      signature: `histogram ${o.buckets.join(' ')}`,
      ...valueReader(o.value, o),
      add(numbers, n) {
        const next = numbers[sum]! + n
        if (!Number.isFinite(next)) return false
        let i = 0
        while (n > bounds[i]!) i++
        numbers[i]!++
        numbers[sum] = next
        return true
      },
      points: [
        ...bounds.map((le): MetricPoint => ({ suffix: '_bucket', le })),
        { suffix: '_count' },
        { suffix: '_sum' }
      ],
      values: numbers => cumulated(numbers, sum),
      exemplar: exemplarReader(o.exemplar, n => bounds.findIndex(bound => n <= bound))
    }
  }
})

/** Prometheus' buckets hold all that those below them hold; the last is the count. */
function cumulated(numbers: readonly number[], sum: number): number[] {
  const out: number[] = []
  let count = 0
  for (let i = 0; i < sum; i++) out.push((count += numbers[i]!))
  out.push(count, numbers[sum]!)
  return out
}
