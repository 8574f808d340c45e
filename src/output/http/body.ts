// The body of a request: documents as NDJSON, as a JSON array, or one alone; each as it is, or made of fields.
import type { Parcel, Records } from '../../core/component.ts'
import { fieldReader } from '../../core/event.ts'
import type { Cursor, Event } from '../../core/event.ts'
import { partDocuments, startOf } from '../../core/parcel.ts'
import { compileTemplate } from '../../core/template.ts'

export type Format = 'ndjson' | 'json' | 'single'

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  ndjson: 'application/x-ndjson',
  json: 'application/json',
  single: 'application/json'
}

/** Makes what is sent of a record instead of its document. */
export type Shape = (event: Event, cursor: Cursor) => unknown

const COMMA = 44
const OPEN = Buffer.from('[')
const CLOSE = Buffer.from(']')

export function bodyOf(parcel: Parcel, format: Format, shape: Shape | undefined): Buffer {
  const parts = parcel.parts.map(part => {
    if (shape === undefined) return partDocuments(part)
    const { records, from, to } = part
    let text = ''
    for (let row = from; row < to; row++) text += `${JSON.stringify(shaped(records, row, shape))}\n`
    return Buffer.from(text)
  })
  const lines = Buffer.concat(parts)
  if (format === 'ndjson') return lines
  const last = lines.length - 1
  if (format === 'single') return lines.subarray(0, last)
  // A line feed within a document is written `\n`, so each that is there ends one.
  for (let at = lines.indexOf(10); at !== -1 && at < last; at = lines.indexOf(10, at + 1)) lines[at] = COMMA
  return Buffer.concat([OPEN, lines.subarray(0, last), CLOSE])
}

function shaped(records: Records, row: number, shape: Shape): unknown {
  const event = JSON.parse(records.bytes.toString('utf8', startOf(records, row), records.ends[row]! - 1)) as Event
  // All fields stand in the document; what a step took away must not come back from the constants.
  const source = { ...records.batch.source, constants: {} }
  const cursor = { source, time: records.times[row]!, arrival: records.batch.arrival, offset: 0, failed: '' }
  return shape(event, cursor)
}

/**
 * Compiles a value whose texts are templates. A text that is one field alone gives its value with its type, null when it
 * is missing. Throws a TypeError that says what is malformed.
 */
export function compileShape(value: unknown): Shape {
  if (typeof value === 'string') {
    const field = /^%\{\s*([^+}\s][^}]*?)\s*\}$/.exec(value)?.[1]
    if (field !== undefined) {
      const read = fieldReader(field)
      return (event, cursor) => read(event, cursor) ?? null
    }
    const template = compileTemplate(value)
    return (event, cursor) => template.render(event, cursor)
  }
  if (Array.isArray(value)) {
    const items = value.map(compileShape)
    return (event, cursor) => items.map(item => item(event, cursor))
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, inner]) => [key, compileShape(inner)] as const)
    return (event, cursor) => Object.fromEntries(entries.map(([key, inner]) => [key, inner(event, cursor)]))
  }
  return () => value
}
