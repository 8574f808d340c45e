// Which records of a batch each output gets that does not take every one as it is: decided in the pipeline's pass.
import type { Changes, Records, Selection } from '../core/component.ts'
import type { Cursor, Event } from '../core/event.ts'
import { indexWithin, startOf } from '../core/parcel.ts'
import { compileReshape } from './reshape.ts'
import type { Reshape } from './reshape.ts'

interface Chosen {
  readonly selection: Selection
  /** Rows that it takes, in order. */
  readonly rows: number[]
  /** Their documents, where it changes them. */
  readonly made: Documents | undefined
}

/** Changed documents one after the other, in a buffer that is used again for each batch. */
class Documents {
  readonly ends: number[] = []
  readonly #reshape: Reshape
  #buffer = Buffer.alloc(0)

  constructor(changes: Changes) {
    this.#reshape = compileReshape(changes)
  }

  add(bytes: Buffer, start: number, end: number): void {
    const at = this.ends.at(-1) ?? 0
    const needed = at + end - start + this.#reshape.room
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2))
      this.#buffer.copy(larger, 0, 0, at)
      this.#buffer = larger
    }
    this.ends.push(this.#reshape(bytes, start, end, this.#buffer, at))
  }

  /** A copy of what is there. */
  take(): [Buffer, Uint32Array] {
    const bytes = Buffer.allocUnsafeSlow(this.ends.at(-1) ?? 0)
    this.#buffer.copy(bytes)
    return [bytes, Uint32Array.from(this.ends)]
  }
}

export class Selections {
  readonly #all: readonly Chosen[]

  constructor(selections: readonly Selection[]) {
    this.#all = selections.map(selection => {
      const { changes } = selection
      return { selection, rows: [], made: changes === undefined ? undefined : new Documents(changes) }
    })
  }

  /** Looks at record `row`, whose document lies at `start` up to `end` in `bytes`. */
  add(event: Event, cursor: Cursor, row: number, bytes: Buffer, start: number, end: number): void {
    for (const { selection, rows, made } of this.#all) {
      const { takes } = selection
      if (takes !== undefined && !takes(event, cursor)) continue
      made?.add(bytes, start, end)
      rows.push(row)
    }
  }

  /** Forgets row `count` and those after it. The pass may have been broken off within `add`. */
  rollBack(count: number): void {
    for (const { rows, made } of this.#all) {
      while (rows.length > 0 && rows[rows.length - 1]! >= count) rows.pop()
      if (made !== undefined && made.ends.length > rows.length) made.ends.length = rows.length
    }
  }

  /** What each output gets of these records, which are those that were looked at. */
  of(records: Records): Map<string, Records> {
    return new Map(this.#all.map(chosen => [chosen.selection.output, part(records, chosen)]))
  }
}

function part(records: Records, { rows, made }: Chosen): Records {
  const all = rows.length === records.count
  if (all && made === undefined) return records
  const [bytes, ends] = made === undefined ? copied(records, rows) : made.take()
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
