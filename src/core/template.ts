// Texts with fields in them: `app-%{service}-%{+yyyy.MM.dd}`.
import { fieldReader, timeOf } from './event.ts'
import type { Cursor, Event } from './event.ts'

/** A compiled template. */
export interface Template {
  readonly text: string
  /** True when it holds no field and no time: always the same text. */
  readonly constant: boolean
  /** True when it holds no field, so that a record's time alone decides. */
  readonly timeOnly: boolean
  /** The fields it reads. */
  readonly fields: readonly string[]
  /** The text for a record. A missing field gives `missing` (default ''), never the word undefined. */
  render(event: Event, cursor: Cursor, missing?: string): string
  /** The text for a time alone; only for `timeOnly` templates. */
  at(ms: number): string
}

type Piece =
  | string
  | { field: string; read: (event: Event, cursor: Cursor) => unknown }
  | { format: (ms: number) => string }

const pad = (n: number, width: number): string => String(n).padStart(width, '0')

const DATE_LETTERS: Record<string, (d: Date, width: number) => string> = {
  y: (d, w) => (w === 2 ? pad(d.getUTCFullYear() % 100, 2) : pad(d.getUTCFullYear(), w)),
  Y: (d, w) => (w === 2 ? pad(d.getUTCFullYear() % 100, 2) : pad(d.getUTCFullYear(), w)),
  x: (d, w) => pad(isoWeek(d)[0], w),
  M: (d, w) => pad(d.getUTCMonth() + 1, w),
  w: (d, w) => pad(isoWeek(d)[1], w),
  d: (d, w) => pad(d.getUTCDate(), w),
  D: (d, w) => pad(Math.floor((d.getTime() - Date.UTC(d.getUTCFullYear(), 0, 1)) / 86_400_000) + 1, w),
  H: (d, w) => pad(d.getUTCHours(), w),
  m: (d, w) => pad(d.getUTCMinutes(), w),
  s: (d, w) => pad(d.getUTCSeconds(), w)
}

/** ISO 8601: the week belongs to the year of its Thursday. */
function isoWeek(d: Date): [year: number, week: number] {
  const thursday = new Date(Date.UTC(d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate() + 4 - (d.getUTCDay() || 7)))
  const year = thursday.getUTCFullYear()
  return [year, Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / 604_800_000) + 1]
}

/** Compiles a Joda date format of digits (`yyyy.MM.dd`, `xxxx.ww`), in UTC; 'quoted text' stays as it is. */
export function dateFormat(format: string): (ms: number) => string {
  const parts: Array<string | { letter: string; width: number }> = []
  for (const m of format.matchAll(/'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+/g)) {
    const [all, quoted, letter] = m
    if (quoted !== undefined) parts.push(quoted === '' ? "'" : quoted.replaceAll("''", "'"))
    else if (letter === undefined) parts.push(all)
    else if (letter in DATE_LETTERS) parts.push({ letter, width: all.length })
    else throw new TypeError(`unknown letter "${letter}" in the date format "${format}"; known are y M d D H m s x w`)
  }
  return ms => {
    const date = new Date(ms)
    return parts.map(p => (typeof p === 'string' ? p : DATE_LETTERS[p.letter]!(date, p.width))).join('')
  }
}

/** Compiles a template; throws a TypeError that says what is malformed. */
export function compileTemplate(text: string): Template {
  const pieces: Piece[] = []
  let last = 0
  for (const m of text.matchAll(/%\{([^}]*)\}/g)) {
    if (m.index > last) pieces.push(text.slice(last, m.index))
    last = m.index + m[0].length
    const inner = m[1]!.trim()
    if (inner === '') throw new TypeError(`empty %{} in "${text}"`)
    pieces.push(
      inner.startsWith('+')
        ? { format: cachedBySecond(dateFormat(inner.slice(1))) }
        : { field: inner, read: fieldReader(inner) }
    )
  }
  if (last < text.length) pieces.push(text.slice(last))
  if (/%\{[^}]*$/.test(text.slice(last))) throw new TypeError(`%{ without } in "${text}"`)
  const fields = pieces.flatMap(p => (typeof p === 'object' && 'field' in p ? [p.field] : []))
  const constant = pieces.every(p => typeof p === 'string')
  const fixed = pieces.join('')
  return {
    text,
    constant,
    timeOnly: fields.length === 0,
    fields,
    render: (event, cursor, missing = '') => {
      if (constant) return fixed
      let out = ''
      for (const piece of pieces) {
        if (typeof piece === 'string') out += piece
        else if ('format' in piece) out += piece.format(timeOf(cursor))
        else out += textOf(piece.read(event, cursor), missing)
      }
      return out
    },
    at: ms => {
      let out = ''
      for (const piece of pieces) out += typeof piece === 'string' ? piece : 'format' in piece ? piece.format(ms) : ''
      return out
    }
  }
}

/** A value as people would write it into a text; objects as JSON. */
export function textOf(value: unknown, missing = ''): string {
  if (typeof value === 'string') return value
  if (value === undefined || value === null || typeof value === 'symbol') return missing
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Formats hold nothing below a second and mostly nothing below a day: one result serves all times of the same second. */
function cachedBySecond(format: (ms: number) => string): (ms: number) => string {
  let second = NaN
  let text = ''
  return ms => {
    const s = Math.floor(ms / 1000)
    if (s !== second) {
      text = format(s * 1000)
      second = s
    }
    return text
  }
}
