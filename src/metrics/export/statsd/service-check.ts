// Health checks as DogStatsD's service checks.
//   https://docs.datadoghq.com/developers/dogstatsd/datagram_shell/
import type { CheckReading } from '../../../core/instruments.ts'
import { fullName } from '../push/names.ts'
import { tagValue } from './lines.ts'

const STATUS: Partial<Record<CheckReading['state'], number>> = { ok: 0, warning: 1, critical: 2, unknown: 3 }
/** Leaves room for name and tag in a datagram. */
const MAX_MESSAGE_BYTES = 1000

/** The line of a check; undefined for one in maintenance, of which nothing is said. */
export function serviceCheckLine(prefix: string, { name, state, message }: CheckReading): string | undefined {
  const status = STATUS[state]
  if (status === undefined) return undefined
  const text = state === 'ok' ? '' : messageOf(message)
  return `_sc|${fullName(prefix, 'check', [], 200)}|${status}|#check:${tagValue(name)}${text === '' ? '' : `|m:${text}`}`
}

/**
 * Line ends are written `\n`, and `m:` as `m\:`, since it would begin the message anew. For `|`, which ends a field, the
 * protocol has no escape.
 */
function messageOf(text: string): string {
  const short = Buffer.from(text.toWellFormed())
    .subarray(0, MAX_MESSAGE_BYTES)
    .toString()
    .replace(/\ufffd+$/, '')
  return short
    .replace(/\r?\n|\r/g, String.raw`\n`)
    .replaceAll('|', '/')
    .replace(/[\u0000-\u001f\u007f]/g, ' ')
    .replaceAll('m:', String.raw`m\:`)
}
