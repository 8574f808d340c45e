// `log` check: how many records an input has, how fast they come, and which part of them is of a kind.
import { defineCheck } from '../../core/component.ts'
import type { AgentView, CheckResult } from '../../core/component.ts'
import { choice, condition, duration, integer, optional, string } from '../../core/field.ts'
import type { Values } from '../../core/field.ts'
import { judge, lintRanges, rangeFields, SCALES } from '../range.ts'
import type { Part, Range } from '../range.ts'
import { createGrowth } from '../window.ts'
import type { Growth } from '../window.ts'
import { onlyInAgent } from '../shared.ts'

/** Of the last record that counted stands in the message. */
const MAX_SAMPLE = 120

const fields = {
  input: optional(string('The input whose records are looked at; all of them when absent.', { example: 'nginx' })),
  when: optional(
    condition('Records that count; all when absent. It sees them as they leave the pipeline.', {
      example: { response: { gte: 500 } } as never
    })
  ),
  over: duration('The time that is looked back over.', { default: '5m', min: '1s', max: '7d' }),
  take: choice(
    ['count', 'rate', 'percent'],
    'The number that is judged: how many, how many a second, or which part of all records of the input.',
    { default: 'count' }
  ),
  min_records: integer('With fewer records than that in the time, a percentage is not judged.', {
    default: 20,
    min: 1
  }),
  ...rangeFields('A number', SCALES.number, ['100', '"1:"'])
}
type Options = Values<typeof fields>

export const logCheck = defineCheck({
  name: 'log',
  summary: 'Looks at the records of an input: too many, too few, or too many of a kind.',
  description:
    'Counted straight from the pipeline, by the time at which records are read; those that were dropped are not. It begins with its first look: that there are too few is only judged once the whole time was seen. Only a running agent has records, so `yarder check` cannot tell.',
  fields,
  examples: [
    { title: 'No line for ten minutes', yaml: 'type: log\ninput: nginx\nover: 10m\ncritical: "1:"' },
    {
      title: 'More than 5 % of 5xx over five minutes',
      yaml: 'type: log\ninput: nginx\nwhen: { response: { gte: 500 } }\nover: 5m\ntake: percent\nwarning: 1\ncritical: 5'
    }
  ],
  *lint(o) {
    if (o.warning === undefined && o.critical === undefined) yield ['critical', 'or warning must be given']
    if (o.take === 'percent' && o.when === undefined) yield ['when', 'is needed, for a part of all records']
    yield* lintRanges(o.warning, o.critical)
  },
  build(o, { agent, clock }) {
    if (agent === undefined) return async () => onlyInAgent('records')
    const growth = createGrowth(o.over)
    const counted = counter(o, agent)
    const check = async (): Promise<CheckResult> =>
      judgeGrowth(o, growth(clock.elapsed(), counted.numbers()), counted.sample())
    return Object.assign(check, { close: counted.close })
  }
})

/** Counts from the first asking on. */
function counter(o: Options, agent: AgentView) {
  let total = 0
  let matched = 0
  let sample: unknown
  let close: (() => void) | undefined
  return {
    numbers: (): readonly number[] => {
      close ??= agent.watch(o.input, (event, cursor) => {
        total++
        if (o.when !== undefined && !o.when(event, cursor)) return
        matched++
        sample = event['message']
      })
      return [matched, total]
    },
    sample: (): string => {
      const text = typeof sample === 'string' ? sample.slice(0, MAX_SAMPLE) : ''
      sample = text
      return text
    },
    close: (): void => close?.()
  }
}

/** While not all of the time was seen, too few may only be too few yet. */
const soFar = (range: Range | undefined): Range | undefined =>
  range === undefined || range.inside ? range : { ...range, low: -Infinity }

function judgeGrowth(
  o: Options,
  { grown: [matched = 0, total = 0], seconds, whole }: Growth,
  sample: string
): CheckResult {
  const values = { matched, records: total, seconds }
  const span = o.over < 60_000 ? `${o.over / 1000} s` : `${Math.round(o.over / 6000) / 10} min`
  const of = o.input === undefined ? '' : ` of ${o.input}`
  const limits = whole ? o : { warning: soFar(o.warning), critical: soFar(o.critical) }
  const said = matched === 0 || sample === '' || o.when === undefined ? '' : `; the last: ${sample}`
  const tell = (n: number, text: string): CheckResult => {
    const part: Part = judge(n, limits, 'limit', text)
    return { ...part, message: part.state === 'ok' ? part.message : part.message + said, values }
  }
  if (o.take === 'count') return tell(matched, `${matched} records${of} in ${span}`)
  if (o.take === 'rate') {
    const rate = seconds > 0 ? matched / seconds : 0
    return tell(rate, `${rate.toFixed(2)} records${of} a second over ${span}`)
  }
  if (total < o.min_records)
    return { state: 'ok', reason: 'ok', message: `${total} records${of} in ${span} are too few to judge`, values }
  const percent = (100 * matched) / total
  return tell(percent, `${percent.toFixed(1)} % of ${total} records${of} in ${span}`)
}
