// Families to Prometheus' text format 0.0.4.
import type { Family } from '../store.ts'

/** https://prometheus.io/docs/instrumenting/exposition_formats/ */
export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const escapeHelp = (text: string): string => text.replace(/[\\\n]/g, c => (c === '\n' ? '\\n' : '\\\\'))

/** Scraping fails as a whole on invalid UTF-8 (protocols: section 5.1), so lone surrogates are replaced. */
const escapeLabel = (text: string): string =>
  text.toWellFormed().replace(/[\\\n"]/g, c => (c === '\n' ? '\\n' : `\\${c}`))

const formatNumber = (n: number): string =>
  n === Infinity ? '+Inf' : n === -Infinity ? '-Inf' : Number.isNaN(n) ? 'NaN' : String(n)

/** The page; families without a sample are left out. */
export function renderText(families: readonly Family[]): string {
  const parts: string[] = []
  for (const family of families) {
    if (family.samples.length === 0) continue
    parts.push(`# HELP ${family.name} ${escapeHelp(family.help)}\n# TYPE ${family.name} ${family.type}\n`)
    for (const sample of family.samples) {
      const labels = Object.entries(sample.labels).map(([k, v]) => {
        const text = k === 'le' && v === Infinity ? '+Inf' : String(v)
        return `${k}="${escapeLabel(text)}"`
      })
      parts.push(`${sample.name}${labels.length > 0 ? `{${labels.join(',')}}` : ''} ${formatNumber(sample.value)}\n`)
    }
  }
  return parts.join('')
}
