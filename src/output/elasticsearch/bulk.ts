// The body of a `_bulk` request: an action line and the document's own bytes, in turn, in one buffer that is used again.
import type { Parcel, Part, Records } from '../../core/component.ts'
import { indexWithin, startOf } from '../../core/parcel.ts'

/** Names the index of a record; the same text object again while it doesn't change. */
export interface Naming {
  of(records: Records, row: number): string
}

/** A field that goes to the front of every document, for the constants that a data stream wants in it. */
export interface Injection {
  readonly key: string
  readonly value: unknown
}

/** Room an action line takes after the source's id: digits of the offset, index within, quotes and braces. */
const TAIL_ROOM = 48
/** A first guess at a whole action line; a wrong one only costs a copy. */
const LINE_GUESS = 128
const QUOTE = 34
const COMMA = 44
const DASH = 45
const DOT = 46
const ZERO = 48
const CLOSE = 125
const NEWLINE = 10

/**
 * Builds bodies one after the other in the same memory; what `build` returns is good until the next `build`. No text
 * and no object per document: a `set`, some digits and a `copy` (bench/bulk-body.ts).
 */
export class BulkBody {
  readonly #names: Naming
  readonly #key: string
  readonly #inject: Buffer | undefined
  readonly #keep: number
  #buffer = Buffer.allocUnsafeSlow(64 * 1024)

  /** `keep`: a buffer that a body made larger than this is not kept, bytes. */
  constructor(names: Naming, injection?: Injection, keep = 8 * 1024 * 1024) {
    this.#names = names
    this.#key = injection === undefined ? '' : `"${injection.key}`
    this.#inject = injection && Buffer.from(`${this.#key}":${JSON.stringify(injection.value)}`)
    this.#keep = keep
  }

  build(parcel: Parcel): Buffer {
    const need = parcel.bytes + parcel.count * (LINE_GUESS + (this.#inject?.length ?? 0))
    if (this.#buffer.length < need || this.#buffer.length > this.#keep)
      this.#buffer = Buffer.allocUnsafeSlow(Math.max(need, Math.min(2 * this.#buffer.length, this.#keep)))
    let at = 0
    for (const part of parcel.parts) at = this.#part(part, at)
    return this.#buffer.subarray(0, at)
  }

  #part(part: Part, start: number): number {
    const { records } = part
    if (records.given !== undefined) return this.#givenPart(part, start)
    const { bytes, ends, offsets } = records
    const { id } = records.batch.source
    let at = start
    let from = startOf(records, part.from)
    let name: string | undefined
    let head: Buffer = this.#buffer
    const heads = new Map<string, Buffer>()
    let last = NaN
    let within = 0
    for (let row = part.from; row < part.to; row++) {
      const index = this.#names.of(records, row)
      if (index !== name) {
        name = index
        head = heads.get(name) ?? actionHead(name, id)
        heads.set(name, head)
      }
      const end = ends[row]!
      const need = head.length + TAIL_ROOM + (this.#inject?.length ?? 0) + end - from
      if (at + need > this.#buffer.length) this.#grow(at, need)
      this.#buffer.set(head, at)
      at += head.length
      if (id !== '') {
        const offset = offsets[row]!
        if (records.within !== undefined) within = records.within[row]!
        else within = offset === last ? within + 1 : row === part.from ? indexWithin(records, row) : 0
        at = actionTail(this.#buffer, at, (last = offset), within)
      }
      at +=
        this.#inject === undefined
          ? bytes.copy(this.#buffer, at, from, end)
          : this.#injected(bytes.subarray(from, end), at)
      from = end
    }
    return at
  }

  /** Records with identities of their own are few, so each line may be made for itself. */
  #givenPart({ records, from, to }: Part, start: number): number {
    let at = start
    for (let row = from; row < to; row++) {
      const { id } = records.given![row]!
      const action = { create: { _index: this.#names.of(records, row), ...(id === '' ? {} : { _id: id }) } }
      const line = Buffer.from(`${JSON.stringify(action)}\n`)
      const document = records.bytes.subarray(startOf(records, row), records.ends[row])
      const need = line.length + (this.#inject?.length ?? 0) + 1 + document.length
      if (at + need > this.#buffer.length) this.#grow(at, need)
      at += line.copy(this.#buffer, at)
      at += this.#inject === undefined ? document.copy(this.#buffer, at) : this.#injected(document, at)
    }
    return at
  }

  /** Two fields of one name are refused by Elasticsearch, so a document that has the key already loses its own. */
  #injected(given: Buffer, start: number): number {
    const document = given.includes(this.#key) ? this.#without(given) : given
    const out = this.#buffer
    let at = start
    out[at++] = document[0]!
    out.set(this.#inject!, at)
    at += this.#inject!.length
    if (document[1] !== CLOSE) out[at++] = COMMA
    return at + document.copy(out, at, 1) - start
  }

  #without(document: Buffer): Buffer {
    const key = this.#key.slice(1)
    const fields = Object.entries(JSON.parse(document.toString('utf8')) as object)
    const kept = fields.filter(([name]) => name !== key && !name.startsWith(`${key}.`))
    return kept.length === fields.length ? document : Buffer.from(`${JSON.stringify(Object.fromEntries(kept))}\n`)
  }

  #grow(used: number, more: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, used + more))
    this.#buffer.copy(larger, 0, 0, used)
    this.#buffer = larger
  }
}

/** Up to and with the `-` before the offset; the whole line when the source has no identity and the server gives the id. */
function actionHead(index: string, id: string): Buffer {
  const start = `{"create":{"_index":${JSON.stringify(index)}`
  return Buffer.from(id === '' ? `${start}}}\n` : `${start},"_id":${JSON.stringify(id).slice(0, -1)}-`)
}

function actionTail(out: Buffer, start: number, offset: number, within: number): number {
  let at = writeDigits(out, start, offset)
  if (within > 0) {
    out[at++] = DOT
    at = writeDigits(out, at, within)
  }
  out[at++] = QUOTE
  out[at++] = CLOSE
  out[at++] = CLOSE
  out[at++] = NEWLINE
  return at
}

/** A whole number as decimal digits; offsets go past 32 bits, where integer arithmetic ends, so in two halves. */
function writeDigits(out: Buffer, at: number, value: number): number {
  if (value < 0) {
    out[at] = DASH
    return writeDigits(out, at + 1, -value)
  }
  if (value < 1e9) return writeSmall(out, at, value | 0, 1)
  const high = Math.floor(value / 1e9)
  return writeSmall(out, writeDigits(out, at, high), (value - high * 1e9) | 0, 9)
}

function writeSmall(out: Buffer, start: number, value: number, least: number): number {
  let digits = least
  for (let bound = 10 ** least; value >= bound; bound *= 10) digits++
  let rest = value
  for (let at = start + digits - 1; at >= start; at--) {
    const tens = (rest / 10) | 0
    out[at] = ZERO + rest - tens * 10
    rest = tens
  }
  return start + digits
}
