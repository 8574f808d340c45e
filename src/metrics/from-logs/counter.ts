// `counter` metric: how many records, or the sum of a field of theirs.
import { defineMetric } from '../../core/component.ts'
import * as f from '../../core/field.ts'
import { exemplarField, exemplarReader } from './exemplar.ts'
import { checkMetricName } from './name.ts'
import { conversionFields, lintValue, valueReader } from './value.ts'

export const counter = defineMetric({
  name: 'counter',
  summary: 'Counts records, or adds up a field of theirs; only ever grows.',
  description:
    'Its name ends in `_total`. A value that is negative, missing or no number is left out and counted in `yarder_metrics_skipped_total`.',
  fields: {
    value: f.optional(
      f.fieldRef('The field to add up; without it each record counts 1.', {
        example: 'bytes'
      })
    ),
    ...conversionFields,
    exemplar: exemplarField
  },
  examples: [
    {
      title: 'Requests by method and status',
      yaml: 'nginx_requests_total:\n  type: counter\n  help: Requests served, by method and status.\n  input: nginx\n  labels: { verb: verb, status: response }\n'
    },
    {
      title: 'Bytes sent',
      yaml: 'nginx_response_bytes_total:\n  type: counter\n  help: Bytes of all answers.\n  input: nginx\n  value: bytes\n'
    }
  ],
  lint: lintValue,
  build(o, { name }) {
    checkMetricName(name, 'counter')
    const value = o.value === undefined ? undefined : valueReader(o.value, o)
    return {
      type: 'counter',
      width: 1,
      signature: 'counter',
      reads: value?.reads ?? [],
      measure: (event, cursor) => {
        if (value === undefined) return 1
        const n = value.measure(event, cursor)
        return n >= 0 ? n : NaN
      },
      reason: (event, cursor) => {
        const negative = value!.measure(event, cursor) < 0
        return negative ? 'negative' : value!.reason(event, cursor)
      },
      add(numbers, n) {
        const sum = numbers[0]! + n
        if (sum === Infinity) return false
        numbers[0] = sum
        return true
      },
      points: [{ suffix: '' }],
      exemplar: exemplarReader(o.exemplar, () => 0),
      values: numbers => numbers
    }
  }
})
