// Families to the two text formats of Prometheus: 0.0.4 and OpenMetrics 1.0.
//   https://prometheus.io/docs/instrumenting/exposition_formats/
//   https://prometheus.io/docs/specs/om/open_metrics_spec/
import { defineExporter } from '../../core/component.ts'
import type { Exemplar } from '../../core/instruments.ts'
import type { Family, Sample } from '../store.ts'

export const prometheus = defineExporter({
  name: 'prometheus',
  summary: 'Shows the metrics to Prometheus on `/metrics`, as text or OpenMetrics.',
  description:
    'The page is always served where `admin.listen` says, also when this is left out; it has no options of its own.',
  fields: {},
  examples: [{ title: 'Said in so many words', yaml: 'prometheus: {}\n' }],
  build: () => ({ run: () => Promise.resolve(), close: () => Promise.resolve() })
})

export type Format = 'text' | 'openmetrics'

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8'
}

/**
 * The page in pieces, each of at most one sample. Families without a sample are left out. Blank lines, comments and
 * a missing `# EOF` each make a scraper throw away the whole page, so there is nothing here but what it must have.
 */
export function* renderPieces(families: Iterable<Family>, format: Format): Generator<string> {
  const bounds = new Map<number, string>()
  for (const family of families) {
    let head = header(family, format)
    for (const sample of family.samples) {
      yield head + line(sample, bounds, format === 'openmetrics' && takesExemplar(family, sample))
      head = ''
    }
  }
  if (format === 'openmetrics') yield '# EOF\n'
}

function header({ name, type, help }: Family, format: Format): string {
  if (format === 'text') return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`
  // OpenMetrics names a counter without the `_total` of its samples, and knows none whose samples lack it.
  const counts = type === 'counter' && name.endsWith('_total')
  const family = counts ? name.slice(0, -'_total'.length) : name
  const word = type === 'counter' && !counts ? 'unknown' : type
  return `# HELP ${family} ${escapeLabel(help)}\n# TYPE ${family} ${word}\n`
}

/** Elsewhere one would make a scraper throw away the whole page. */
const takesExemplar = ({ type }: Family, { exemplar, name }: Sample): boolean =>
  exemplar !== undefined && (name.endsWith('_bucket') || (type === 'counter' && name.endsWith('_total')))

function line(sample: Sample, bounds: Map<number, string>, withExemplar: boolean): string {
  const { name, labels, value, le, rendered } = sample
  let inner = rendered ?? renderLabels(labels)
  if (le !== undefined) {
    let bound = bounds.get(le)
    if (bound === undefined) bounds.set(le, (bound = `le="${formatBound(le)}"`))
    inner = inner === '' ? bound : `${inner},${bound}`
  }
  const end = withExemplar ? `${exemplarText(sample.exemplar!)}\n` : '\n'
  return inner === '' ? `${name} ${formatValue(value)}${end}` : `${name}{${inner}} ${formatValue(value)}${end}`
}

const exemplarText = ({ labels, value, time }: Exemplar): string =>
  ` # {${renderLabels(labels)}} ${formatValue(value)} ${time / 1000}`

/** Labels as both formats write them, without the braces. */
export function renderLabels(labels: Readonly<Record<string, string>>): string {
  let out = ''
  for (const [name, value] of Object.entries(labels)) out += `${out === '' ? '' : ','}${name}="${escapeLabel(value)}"`
  return out
}

const escapeHelp = (text: string): string =>
  text.toWellFormed().replace(/[\\\n]/g, c => (c === '\n' ? String.raw`\n` : '\\\\'))

/** One value that is no valid UTF-8 fails the whole scrape, so half characters are replaced. */
const escapeLabel = (text: string): string =>
  text.toWellFormed().replace(/[\\\n"]/g, c => (c === '\n' ? String.raw`\n` : `\\${c}`))

const formatValue = (n: number): string =>
  n === Infinity ? '+Inf' : n === -Infinity ? '-Inf' : Number.isNaN(n) ? 'NaN' : String(n)

/**
 * The bound (or quantile) is a label, so its spelling makes the series: the one OpenMetrics demands (`1.0`, `1e+06`) is used in both
 * formats, and a Prometheus that changes the format goes on with the same series.
 */
export function formatBound(n: number): string {
  if (!Number.isFinite(n)) return formatValue(n)
  const [digits, power] = n.toExponential().split('e') as [string, string]
  const exponent = Number(power)
  if (n !== 0 && (exponent < -4 || exponent >= 6))
    return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
  return Number.isInteger(n) ? `${n}.0` : String(n)
}
