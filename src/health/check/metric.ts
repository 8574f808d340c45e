// `metric` check: a number that the agent itself has on /metrics, its growth, or its share of another, against ranges.
import { defineCheck } from '../../core/component.ts'
import type { AgentView } from '../../core/component.ts'
import { describe } from '../../core/errors.ts'
import { choice, duration, map, object, optional, string, text } from '../../core/field.ts'
import type { Values } from '../../core/field.ts'
import { judge, lintRanges, rangeFields, SCALES } from '../range.ts'
import { createGrowth } from '../window.ts'
import { onlyInAgent } from '../shared.ts'

const selection = {
  metric: string('Name of the metric, as on `/metrics`.', { example: 'nginx_requests_total' }),
  labels: map(text('Value of the label.'), 'Labels that the series must have; the sum of all that do is taken.', {
    default: {},
    example: { status: '500' }
  })
}
type Selection = Values<typeof selection>

export const metricCheck = defineCheck({
  name: 'metric',
  summary: 'Looks at a number that the agent has on `/metrics`.',
  description:
    'Counters are best judged by `increase` or `rate`; with `of` the number is the percentage of another one. Growth is that since the first look, until all of `over` was seen. Only a running agent has numbers, so `yarder check` cannot tell.',
  fields: {
    ...selection,
    take: choice(['value', 'increase', 'rate'], 'The number as it is, its growth over `over`, or that a second.', {
      default: 'value'
    }),
    over: duration('The time that growth is taken over.', { default: '5m', min: '1s', max: '7d' }),
    of: optional(
      object(selection, 'Take the percentage of this one.', { example: { metric: 'nginx_requests_total' } })
    ),
    ...rangeFields('A number', SCALES.number, ['1000', '5000'])
  },
  examples: [
    {
      title: 'The agent keeps up with its logs',
      yaml: 'type: metric\nmetric: yarder_input_lag_bytes\nwarning: 10000000\ncritical: 1000000000'
    },
    {
      title: 'Which part of requests fails',
      yaml: 'type: metric\nmetric: nginx_requests_total\nlabels: { status: "500" }\ntake: increase\nover: 5m\nof: { metric: nginx_requests_total }\ncritical: 5'
    }
  ],
  *lint(o) {
    if (o.warning === undefined && o.critical === undefined) yield ['critical', 'or warning must be given']
    if (o.of !== undefined && o.take === 'rate') yield ['take', 'is increase or value where a percentage is taken']
    yield* lintRanges(o.warning, o.critical)
  },
  build(o, { agent, clock }) {
    if (agent === undefined) return async () => onlyInAgent('numbers')
    const growth = createGrowth(o.over)
    return async () => {
      try {
        const whole = o.of === undefined ? undefined : await sumOf(agent, o.of)
        const part = await sumOf(agent, o)
        // A counter that nothing was counted in yet has no series.
        if (part === undefined && (whole === undefined || o.take === 'value'))
          return { state: 'unknown', reason: 'missing', message: `there is no series ${shown(o)}` }
        const numbers = [part ?? 0, whole ?? 0]
        const grown = growth(clock.elapsed(), numbers)
        const [n = 0, all = 0] = o.take === 'value' ? numbers : grown.grown
        if (o.of !== undefined && all === 0)
          return { state: 'ok', reason: 'ok', message: `${shown(o.of)} is 0, so nothing is a part of it`, values: {} }
        const value = o.of !== undefined ? (100 * n) / all : o.take === 'rate' ? n / Math.max(grown.seconds, 1e-3) : n
        const is = o.of === undefined ? `${tidy(value)}` : `${tidy(value)} % of ${shown(o.of)}`
        const over =
          o.take === 'value'
            ? 'is'
            : `over ${Math.round(grown.seconds)} s ${o.take === 'rate' ? 'grew a second by' : 'grew by'}`
        return { ...judge(value, o, 'limit', `${shown(o)} ${over} ${is}`), values: { value } }
      } catch (error) {
        return { state: 'unknown', reason: 'error', message: describe(error) }
      }
    }
  }
})

const tidy = (n: number): number => Number(n.toPrecision(6))

function shown({ metric, labels }: Selection): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return pairs.length === 0 ? metric : `${metric}{${pairs.join(',')}}`
}

/** The sum of the series that are meant; undefined when there is none. */
async function sumOf(agent: AgentView, { metric, labels }: Selection): Promise<number | undefined> {
  const wanted = Object.entries(labels)
  let sum: number | undefined
  for (const family of await agent.metrics.read()) {
    if (!metric.startsWith(family.name)) continue
    for (const sample of family.samples)
      if (sample.name === metric && wanted.every(([name, value]) => labelOf(sample, name) === value))
        sum = (sum ?? 0) + sample.value
  }
  return sum
}

const labelOf = (
  { labels, le }: { readonly labels: Readonly<Record<string, string>>; readonly le?: number | undefined },
  name: string
): string | undefined => (name === 'le' && le !== undefined ? (le === Infinity ? '+Inf' : String(le)) : labels[name])
