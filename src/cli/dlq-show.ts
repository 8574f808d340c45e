// How dead letters look: a JSON line for programs, a line or a page for people.
import { documentOf, offendingField, rawLine } from '../agent/dead-letters.ts'
import { counted } from '../agent/doctor/finding.ts'
import type { JobReport, StoredLetter } from '../agent/dead-letters.ts'
import { oneLine } from './one-line.ts'

/** One line; the document as it was sent, with its numbers as they were spelled. */
export function letterJson({ letter, line }: StoredLetter): string {
  const { at, output, target, id, status, reason, input, path, offset, time, tries, document } = letter
  const field = offendingField(reason)
  const raw = rawLine(document)
  const head = { at, output, target, id, status, reason, field, input, path, offset, time, tries, raw }
  const bytes = documentOf(line, letter).subarray(0, -1).toString('utf8')
  return `${JSON.stringify(head).slice(0, -1)},"document":${bytes}}\n`
}

const REASON_WIDTH = 120

export interface Columns {
  readonly head: string
  row(letter: StoredLetter): string
}

/** A table whose rows are known one after the other: columns are as wide as they usually need. */
export function columns(outputs: readonly string[]): Columns {
  const width = Math.max(6, ...outputs.map(name => name.length))
  const widths = [20, width, 6, 22, 20, 12]
  const line = (...cells: readonly string[]): string =>
    `${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}\n`
  return {
    head: line('REFUSED', 'OUTPUT', 'STATUS', 'ID', 'TARGET', 'FIELD', 'REASON'),
    row({ letter }) {
      const reason = oneLine(letter.reason)
      const cut = reason.length > REASON_WIDTH ? `${reason.slice(0, REASON_WIDTH - 1)}…` : reason
      const at = `${letter.at.slice(0, 19)}Z`
      const field = oneLine(offendingField(letter.reason) ?? '-')
      const { output, status, id, target } = letter
      return line(at, output, String(status ?? '-'), id, target ?? '-', field, cut)
    }
  }
}

/** A letter whole, for people. */
export function letterPage({ letter }: StoredLetter): string {
  const raw = rawLine(letter.document)
  const rows: Array<readonly [string, string | number | undefined]> = [
    ['id', letter.id],
    ['refused', `${letter.at}${letter.tries === undefined ? '' : `, ${counted(letter.tries, 'time')} so far`}`],
    ['output', `${letter.output}${letter.target === undefined ? '' : `, ${letter.target}`}`],
    ['status', letter.status],
    ['reason', letter.reason],
    ['field', offendingField(letter.reason)],
    ['from', `${letter.path ?? '-'} at byte ${letter.offset} (input ${letter.input})`],
    ['time', letter.time],
    ['line', raw]
  ]
  const shown = rows.filter(([, value]) => value !== undefined)
  const head = shown.map(([name, value]) => `${name.padEnd(8)} ${oneLine(String(value))}\n`).join('')
  const document = JSON.stringify(letter.document, null, 2).replace(/[\u0080-\u009f\u007f]/g, '?')
  return `${head}${document}\n`
}

const BYTES = ['B', 'KiB', 'MiB', 'GiB']
export function shownBytes(n: number): string {
  let i = 0
  for (; n >= 1024 && i < BYTES.length - 1; i++) n /= 1024
  return `${i === 0 ? n : n.toFixed(1)} ${BYTES[i]}`
}

export const letters = (n: number): string => counted(n, 'dead letter')

/** What came of a job, a sentence. */
export function jobLine(job: JobReport): string {
  const { kind, output, selected, done, refused, leftOut, state, error } = job
  const parts = [
    `${output}: ${kind === 'drop' ? `${letters(done)} dropped` : `${done} of ${letters(selected)} delivered`}`
  ]
  if (refused > 0) parts.push(`${refused} refused again (kept, with the new reason)`)
  if (leftOut > 0) parts.push(`${leftOut} left out since the queue of the output is full (kept)`)
  if (state === 'stopped') parts.push('stopped before the end; the rest is kept')
  if (state === 'failed') parts.push(`failed: ${error}`)
  return `${parts.join(', ')}\n`
}
