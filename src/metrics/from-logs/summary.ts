// `summary` metric: quantiles of a field's values over the last while, their sum and their number.
import { defineMetric } from '../../core/component.ts'
import * as f from '../../core/field.ts'
import { checkMetricName } from './name.ts'
import { RELATIVE_ERROR } from './summary/sketch.ts'
import { SlidingValues } from './summary/window.ts'
import { conversionFields, lintValue, valueReader } from './value.ts'

export const summary = defineMetric({
  name: 'summary',
  summary: "Shows quantiles of a field's values over the last while, their sum and their number.",
  description: `For one host, and to look at: quantiles of several series can't be put together again, which those of a \`histogram\` can. A quantile is at most ${RELATIVE_ERROR * 100} % off (DDSketch: counts of values in buckets that grow by 2 %), whatever the values are, as long as the largest is at most 200 million times the smallest; below that the small ones become one. A series takes up to 20 KiB. Sum and number go on over a restart, the quantiles begin anew; without a value in the time they are NaN.

A value that is missing or no number is left out and counted in \`yarder_metrics_skipped_total\`.`,
  fields: {
    value: f.fieldRef('The field with the number.', { example: 'request_time' }),
    quantiles: f.list(f.number('A share, 0 to 1.', { min: 0, max: 1 }), 'Which ones: 0.5 is the median.', {
      default: [0.5, 0.9, 0.99],
      min: 1
    }),
    window: f.duration('Of how long; it moves in steps of a fifth.', { default: '10m', min: '5s', max: '1d' }),
    ...conversionFields
  },
  examples: [
    {
      title: 'The median and the slowest hundredth of requests',
      yaml: 'nginx_request_recent_seconds:\n  type: summary\n  help: Time of requests in the last five minutes.\n  input: nginx\n  value: request_time\n  quantiles: [0.5, 0.99]\n  window: 5m\n'
    }
  ],
  *lint(o) {
    yield* lintValue(o)
    if (new Set(o.quantiles).size < o.quantiles.length) yield ['quantiles', 'must not name one twice']
  },
  build(o, { name, clock }) {
    checkMetricName(name, 'summary')
    return {
      type: 'summary',
      // Numbers: how many values there were, then their sum.
      width: 2,
      signature: 'summary',
      ...valueReader(o.value, o),
      recent: () => new SlidingValues(o.window, clock),
      add(numbers, n, recent) {
        const sum = numbers[1]! + n
        if (!Number.isFinite(sum)) return false
        numbers[0]!++
        numbers[1] = sum
        recent!.add(n)
        return true
      },
      points: [...o.quantiles.map(quantile => ({ suffix: '', quantile })), { suffix: '_count' }, { suffix: '_sum' }],
      values: (numbers, recent) => [...recent!.quantiles(o.quantiles), ...numbers]
    }
  }
})
