// Which records of a batch each output gets that does not take every one as it is: decided in the pipeline's pass.
import type { Records, Selection } from '../core/component.ts'
import type { Cursor, Event } from '../core/event.ts'
import { indexWithin, startOf } from '../core/parcel.ts'

interface Chosen {
  readonly selection: Selection
  /** Rows that it takes, in order. */
  readonly rows: number[]
  /** Their documents, where it changes them. */
  readonly texts: string[]
}

export class Selections {
  readonly #all: readonly Chosen[]

  constructor(selections: readonly Selection[]) {
    this.#all = selections.map(selection => ({ selection, rows: [], texts: [] }))
  }

  /** Looks at record `row`, whose document lies at `start` up to `end` in `bytes`. */
  add(event: Event, cursor: Cursor, row: number, bytes: Buffer, start: number, end: number): void {
    for (const { selection, rows, texts } of this.#all) {
      const { takes, shape } = selection
      if (takes !== undefined && !takes(event, cursor)) continue
      const text = shape === undefined ? '' : shaped(bytes.utf8Slice(start, end), shape)
      rows.push(row)
      if (shape !== undefined) texts.push(text)
    }
  }

  /** Forgets row `count` and those after it. The pass may have been broken off within `add`. */
  rollBack(count: number): void {
    for (const { rows, texts } of this.#all) {
      while (rows.length > 0 && rows[rows.length - 1]! >= count) rows.pop()
      if (texts.length > rows.length) texts.length = rows.length
    }
  }

  /** What each output gets of these records, which are those that were looked at. */
  of(records: Records): Map<string, Records> {
    return new Map(this.#all.map(chosen => [chosen.selection.output, part(records, chosen)]))
  }
}

/** Parsed from its own bytes, a document has every constant and merge in it that the encoder made. */
function shaped(json: string, shape: (document: Event) => void): string {
  const document = JSON.parse(json) as Event
  shape(document)
  return `${JSON.stringify(document)}\n`
}

function part(records: Records, { selection, rows, texts }: Chosen): Records {
  const all = rows.length === records.count
  if (all && selection.shape === undefined) return records
  const [bytes, ends] = selection.shape === undefined ? copied(records, rows) : encoded(texts)
  if (all) return { ...records, bytes, ends }
  return {
    batch: records.batch,
    count: rows.length,
    bytes,
    ends,
    times: Float64Array.from(rows, row => records.times[row]!),
    offsets: Float64Array.from(rows, row => records.offsets[row]!),
    keys: new Map(Array.from(records.keys, ([key, values]) => [key, rows.map(row => values[row]!)])),
    within: withinOf(records, rows),
    unwanted: records.count - rows.length
  }
}

/** Identities stay what they are in the whole batch; mostly every offset is there once, and nothing need be told. */
function withinOf(records: Records, rows: readonly number[]): Uint32Array | undefined {
  const within = Uint32Array.from(rows, row => indexWithin(records, row))
  return within.some(n => n > 0) ? within : undefined
}

function copied(records: Records, rows: readonly number[]): [Buffer, Uint32Array] {
  const ends = new Uint32Array(rows.length)
  let size = 0
  rows.forEach((row, i) => (ends[i] = size += records.ends[row]! - startOf(records, row)))
  const bytes = Buffer.allocUnsafeSlow(size)
  rows.forEach((row, i) =>
    records.bytes.copy(bytes, i === 0 ? 0 : ends[i - 1], startOf(records, row), records.ends[row])
  )
  return [bytes, ends]
}

function encoded(texts: readonly string[]): [Buffer, Uint32Array] {
  const ends = new Uint32Array(texts.length)
  let size = 0
  texts.forEach((text, i) => (ends[i] = size += Buffer.byteLength(text)))
  return [Buffer.from(texts.join('')), ends]
}
