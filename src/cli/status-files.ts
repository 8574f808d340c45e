// The files of an input in `yarder status`: those that need a look, or all of them with what became of their bytes.
import type { Status } from '../agent/status.ts'
import { bytes, seconds } from './status-units.ts'

type File = Status['inputs'][number]['files'][number]

/** So many files that lag are listed without being asked for. */
const MAX_LISTED = 20

const TROUBLE = new Set(['unreadable', 'lost', 'missing'])
const lagOf = (file: File): number => Math.max(0, file.size - file.acked)
const inTrouble = (file: File): boolean =>
  TROUBLE.has(file.state) || (file.ledger?.lost ?? 0) > 0 || file.expiresSeconds !== undefined
/** Nothing of it could be read so far. */
const isUnread = ({ state, size }: File): boolean => size === 0 && (state === 'unreadable' || state === 'missing')
const counted = (n: number): string => `${n.toLocaleString('en')} ${n === 1 ? 'file' : 'files'}`

/** Its name, with the one that its bytes lie under when that is another. */
const nameOf = ({ path, at = path }: File): string => (at === path ? path : `${path} (now ${at})`)

/** What is to be told about a file in words. */
function notes(file: File): string[] {
  const { reason, state, expiresSeconds, ledger } = file
  return [
    ...(reason ? [`${state}: ${reason}`] : []),
    ...(ledger !== undefined && ledger.lost > 0 ? [`${bytes(ledger.lost)} lost`] : []),
    ...(expiresSeconds === undefined ? [] : [expiry(expiresSeconds)])
  ]
}

const expiry = (s: number): string =>
  s <= 0 ? 'unread data is about to be rotated away' : `unread data will be rotated away in about ${seconds(s * 1000)}`

/** The files that lag or have trouble, and how many others there are. */
export function laggingLines(files: readonly File[]): string[] {
  const shown = files
    .filter(file => lagOf(file) > 0 || inTrouble(file))
    .toSorted((a, b) => Number(inTrouble(b)) - Number(inTrouble(a)) || lagOf(b) - lagOf(a))
  const lines = shown.slice(0, MAX_LISTED).map(file => {
    const lag = lagOf(file)
    const at = isUnread(file)
      ? 'not read'
      : lag === 0
        ? 'all acknowledged'
        : `${bytes(lag)} behind of ${bytes(file.size)}`
    return [nameOf(file), at, ...notes(file)].join('  ')
  })
  if (shown.length > MAX_LISTED)
    lines.push(`${counted(shown.length - MAX_LISTED)} more lag or have trouble; --files shows all`)
  const others = files.length - shown.length
  if (others > 0) lines.push(`${counted(others)}${shown.length > 0 ? ' more' : ''}, all acknowledged`)
  return lines
}

const COLUMNS = ['seen', 'skipped', 'acked', 'waiting', 'unread', 'left out', 'lost'] as const

/** Every file with its ledger, in columns. */
export function ledgerLines(files: readonly File[]): string[] {
  const rows = files
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .map(file => {
      const { ledger: l } = file
      const parts = l === undefined ? [] : [l.seen, l.skipped, l.acked, l.waiting, l.unread, l.leftOut, l.lost]
      return { cells: COLUMNS.map((_, i) => (l === undefined ? '-' : bytes(parts[i]!))), file }
    })
  const widths = COLUMNS.map((name, i) => Math.max(name.length, ...rows.map(({ cells }) => cells[i]!.length)))
  const line = (cells: readonly string[], rest: string): string =>
    `${cells.map((cell, i) => cell.padStart(widths[i]!)).join('  ')}  ${rest}`
  if (rows.length === 0) return []
  return [
    line(COLUMNS, 'path'),
    ...rows.map(({ cells, file }) => line(cells, [nameOf(file), ...notes(file)].join('  ')))
  ]
}
