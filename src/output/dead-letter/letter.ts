// A dead letter as a line of its file: how it is written, read back, selected, and shown.
import type { Records } from '../../core/component.ts'
import { partDocuments, recordId } from '../../core/parcel.ts'

/** One line of a dead-letter file. */
export interface DeadLetter {
  /** When it was refused, ISO time. */
  readonly at: string
  readonly output: string
  /** The destination's own words. */
  readonly reason: string
  readonly status: number | undefined
  /** Where it would have gone, such as an index. */
  readonly target: string | undefined
  /** Its identity: with it a replay is recognised as the same record. */
  readonly id: string
  readonly input: string
  readonly path: string | undefined
  readonly offset: number
  /** Its own time, ISO. */
  readonly time: string | undefined
  /** How often it was refused; absent for once. */
  readonly tries?: number
  readonly document: unknown
}

/** A record that was refused. */
export interface Refusal {
  readonly records: Records
  readonly row: number
  readonly reason: string
  readonly status: number | undefined
  readonly target: string | undefined
  readonly id: string | undefined
}

/**
 * The line of a refusal. The document's bytes are copied, not read and written anew: numbers keep their spelling.
 * `before` is the letter that it had before, when it was replayed: what is known of its source is taken from there.
 */
export function lineOf(refusal: Refusal, output: string, at: string, before?: DeadLetter): Buffer {
  const { records, row, reason, status, target, id } = refusal
  const { source } = records.batch
  const time = records.times[row]!
  const from = before ?? {
    input: source.input,
    path: source.path,
    offset: records.offsets[row],
    time: Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : undefined
  }
  const head = {
    at,
    output,
    reason: reason.slice(0, 4096),
    status,
    target: target ?? before?.target,
    // A record of a stream has no identity; its letter gets one, so that it is replayed as the same every time.
    id: (id ?? recordId(records, row)) || `letter-${crypto.randomUUID()}`,
    input: from.input,
    path: from.path,
    offset: from.offset,
    time: from.time,
    tries: before === undefined ? undefined : (before.tries ?? 1) + 1
  }
  const document = partDocuments({ records, from: row, to: row + 1 })
  return Buffer.concat([
    Buffer.from(`${JSON.stringify(head).slice(0, -1)},"document":`),
    document.subarray(0, -1),
    Buffer.from('}\n')
  ])
}

/** The letter of a line; undefined when the line is none (damaged, or cut short). */
export function parseLetter(line: Buffer): DeadLetter | undefined {
  try {
    const letter = JSON.parse(line.toString('utf8')) as DeadLetter
    const { at, id, reason, document } = letter
    const whole = [at, id, reason].every(text => typeof text === 'string') && !Number.isNaN(Date.parse(at))
    return whole && typeof document === 'object' && document !== null ? letter : undefined
  } catch {
    return undefined
  }
}

const KEY = Buffer.from(',"document":')

/** The document's own bytes with a newline: in a JSON text the quotes of the key stand nowhere else unescaped. */
export function documentOf(line: Buffer, letter: DeadLetter): Buffer {
  const at = line.indexOf(KEY)
  // Somebody may have edited the line with blanks in it, or in another order.
  if (at === -1 || line.at(-1) !== 125) return Buffer.from(`${JSON.stringify(letter.document)}\n`)
  const document = Buffer.concat([line.subarray(at + KEY.length, -1), Buffer.from('\n')])
  try {
    JSON.parse(document.toString('utf8'))
    return document
  } catch {
    return Buffer.from(`${JSON.stringify(letter.document)}\n`)
  }
}

/** Two letters with the same key are about the same record in the same place. */
export const keyOf = (letter: { id: string; target?: string | undefined }): string =>
  `${letter.id}\n${letter.target ?? ''}`

/**
 * Where Elasticsearch's and OpenSearch's reasons name a field. Seen on 8.19 and 2.19: parsing, object against value,
 * strict mappings (with the object the field would be in), a type that can't change, an immense term.
 */
const FIELD_PATTERNS = [
  /failed to parse field \[([^\]]+)\] of type/,
  /object mapping for \[([^\]]+)\] tried to parse/,
  /tried to parse field \[([^\]]+)\] as object/,
  /dynamic introduction of \[([^\]]+)\] within \[([^\]]+)\]/,
  /mapper \[([^\]]+)\] (?:cannot be changed|of different type)/,
  /immense term in field="([^"]+)"/,
  /(?:dynamically add mapping for|timestamp) field \[([^\]]+)\]/,
  /mapping \[([^\]]+)\] with an object mapping/
]

/** The field that a reason is about; undefined when it names none. */
export function offendingField(reason: string): string | undefined {
  for (const pattern of FIELD_PATTERNS) {
    const [, field, parent] = pattern.exec(reason) ?? []
    if (field !== undefined) return parent === undefined || parent === '_doc' ? field : `${parent}.${field}`
  }
  return undefined
}

/** The line of the log that the record was made of, when the record has it. */
export function rawLine(document: unknown): string | undefined {
  const record = (document ?? {}) as Record<string, unknown>
  const event = record['event'] as Record<string, unknown> | undefined
  for (const text of [event?.['original'], record['event.original'], record['message']])
    if (typeof text === 'string') return text
  return undefined
}

/** Which letters are meant; all that is given must hold. */
export interface Selector {
  readonly ids?: readonly string[] | undefined
  /** Path of the log file; `*` stands for anything. */
  readonly path?: string | undefined
  readonly input?: string | undefined
  /** A part of the reason. */
  readonly reason?: string | undefined
  /** Refused at or after, and before; milliseconds since the epoch. */
  readonly since?: number | undefined
  readonly until?: number | undefined
}

/** Compiles a selector; an empty one takes every letter. */
export function selects(selector: Selector): (letter: DeadLetter) => boolean {
  const { path, input, reason, since = -Infinity, until = Infinity } = selector
  const ids = selector.ids === undefined ? undefined : new Set(selector.ids)
  const parts = path?.split('*').map(part => part.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'))
  const file = parts === undefined ? undefined : new RegExp(`^${parts.join('.*')}$`, 's')
  return letter => {
    const at = Date.parse(letter.at)
    return (
      (ids === undefined || ids.has(letter.id)) &&
      (file === undefined || (letter.path !== undefined && file.test(letter.path))) &&
      (input === undefined || letter.input === input) &&
      (reason === undefined || letter.reason.includes(reason)) &&
      at >= since &&
      at < until
    )
  }
}
