// Lines of StatsD and of its dialects with tags, sanitised so that every server reads them the same way.
//   https://github.com/statsd/statsd/blob/master/docs/metric_types.md
//   https://docs.datadoghq.com/developers/dogstatsd/datagram_shell/
import type { Sample } from '../../../core/instruments.ts'
import { EMPTY, fullName } from '../push/names.ts'
import { plainNumber } from '../push/number.ts'
import type { Change } from '../push/readings.ts'

/** `plain` has no tags; `datadog` is DogStatsD's way to write them, `telegraf` that of InfluxDB. */
export const DIALECTS = ['plain', 'datadog', 'telegraf'] as const
export type Dialect = (typeof DIALECTS)[number]

/** DogStatsD's limit for names, and for the value of a tag. */
const MAX_NAME = 200
const MAX_TAG = 200

/** What stands before and after the value of a series' lines. */
export interface Target {
  readonly name: string
  readonly tags: string
}

export function targetOf(dialect: Dialect, prefix: string, { name, labels }: Sample): Target {
  if (dialect === 'plain') return { name: fullName(prefix, name, Object.values(labels), MAX_NAME), tags: '' }
  const base = fullName(prefix, name, [], MAX_NAME)
  const tags = Object.entries(labels)
  if (tags.length === 0) return { name: base, tags: '' }
  return dialect === 'datadog'
    ? { name: base, tags: inOnePiece(`|#${tags.map(([key, value]) => `${key}:${tagValue(value)}`).join(',')}`) }
    : { name: inOnePiece(`${base},${tags.map(([key, value]) => `${key}=${tagValue(value)}`).join(',')}`), tags: '' }
}

/** Of ASCII. V8 leaves a text whose characters were replaced in its pieces, ten times its size; targets are kept. */
const inOnePiece = (text: string): string => Buffer.from(text, 'latin1').toString('latin1')

/** Servers know no escapes: what has a meaning in any of the dialects becomes `_`. */
export function tagValue(text: string): string {
  const clean = text.slice(0, MAX_TAG).replace(/[^A-Za-z0-9_./-]/gu, '_')
  return clean === '' ? EMPTY : clean
}

/**
 * The line of a change; two lines, never to be parted, for a level below 0: a sign means "change by" to all but
 * DogStatsD, so the gauge is set to 0 and then lowered.
 */
export function render(dialect: Dialect, { kind, value, target: { name, tags } }: Change<Target>): string {
  if (kind === 'count') return `${name}:${plainNumber(value)}|c${tags}`
  const line = `${name}:${plainNumber(value)}|g${tags}`
  return value < 0 && dialect !== 'datadog' ? `${name}:0|g${tags}\n${line}` : line
}
