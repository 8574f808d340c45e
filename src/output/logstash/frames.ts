// Lumberjack v2 on the wire: windows of JSON frames out, acknowledgements in. Integers are 32 bits, big-endian.
//
//   window     '2' 'W' count                       then exactly `count` events:
//   event      '2' 'J' sequence length document    numbered 1 to count in every window
//   packed     '2' 'C' length zlib-stream          holds all events of its window; a second one breaks go-lumber
//   answer     '2' 'A' sequence                    taken up to here; 0 says no more than "still at it"
//
import { promisify } from 'node:util'
import { deflate } from 'node:zlib'
import type { Parcel, Part } from '../../core/component.ts'
import { YarderError } from '../../core/errors.ts'
import { isMap } from '../../core/field.ts'
import { indexWithin, partDocuments, startOf } from '../../core/parcel.ts'

const compress = promisify(deflate)

/** go-lumber's server closes the connection at a larger window. */
export const MOST_EVENTS = 10_000
/** Logstash's JSON reader takes no text of so many characters, so a document below this length is on the safe side. */
export const TOO_LARGE = 20_000_000

const VERSION = 50
const [W, J, C, A] = [87, 74, 67, 65]
const COMMA = 44
const CLOSE = 125
const WINDOW_HEAD = 6
const EVENT_HEAD = 10
const PACKED_HEAD = 6
const ACK = 6
/** Digits of an offset, index within, quotes, braces. */
const TAIL_ROOM = 48
const METADATA = '"@metadata"'

/** What Beats put into `@metadata` of every event, and Logstash configurations build index names of. */
export interface BeatMetadata {
  readonly beat: string
  readonly version: string
}

/**
 * Builds windows one after the other in the same memory; what `build` gives is good until the next `build`. Documents
 * are copied with their `@metadata` spliced in, never parsed (bench/lumberjack.ts).
 */
export class WindowFrames {
  readonly #fixed: string
  readonly #level: number
  readonly #keep: number
  #buffer = Buffer.allocUnsafeSlow(64 * 1024)
  #sequence = 0

  /** `level` of zlib, 0 sends plain frames; `keep`: a buffer that a window made larger than this is not kept, bytes. */
  constructor(metadata: BeatMetadata, level: number, keep = 8 * 1024 * 1024) {
    const { beat, version } = metadata
    this.#fixed = JSON.stringify({ beat, type: '_doc', version }).slice(1, -1)
    this.#level = level
    this.#keep = keep
  }

  /** The window of a parcel (1 to MOST_EVENTS records), ready for the wire. */
  async build(parcel: Parcel): Promise<Buffer> {
    const plain = this.#plain(parcel)
    if (this.#level === 0) return plain
    const packed = await compress(plain.subarray(WINDOW_HEAD), { level: this.#level, chunkSize: 64 * 1024 })
    const wire = Buffer.allocUnsafe(WINDOW_HEAD + PACKED_HEAD + packed.length)
    wire.set(plain.subarray(0, WINDOW_HEAD))
    wire[WINDOW_HEAD] = VERSION
    wire[WINDOW_HEAD + 1] = C
    wire.writeUInt32BE(packed.length, WINDOW_HEAD + 2)
    wire.set(packed, WINDOW_HEAD + PACKED_HEAD)
    return wire
  }

  #plain(parcel: Parcel): Buffer {
    if (parcel.count < 1 || parcel.count > MOST_EVENTS) throw new RangeError(`a window of ${parcel.count} events`)
    const need = WINDOW_HEAD + parcel.bytes + parcel.count * (this.#fixed.length + 96)
    if (this.#buffer.length < need || this.#buffer.length > this.#keep)
      this.#buffer = Buffer.allocUnsafeSlow(Math.max(need, Math.min(2 * this.#buffer.length, this.#keep)))
    this.#buffer[0] = VERSION
    this.#buffer[1] = W
    this.#buffer.writeUInt32BE(parcel.count, 2)
    this.#sequence = 0
    let at = WINDOW_HEAD
    for (const part of parcel.parts) at = this.#part(part, at)
    return this.#buffer.subarray(0, at)
  }

  #part(part: Part, start: number): number {
    const { bytes, ends, offsets, batch } = part.records
    const { id } = batch.source
    const { given } = part.records
    const identified = id !== '' && given === undefined
    const opening = `{"@metadata":{${this.#fixed}`
    const common = Buffer.from(identified ? `${opening},"_id":${JSON.stringify(id).slice(0, -1)}-` : `${opening}}`)
    const hasOwn = partDocuments(part).includes(METADATA)
    let at = start
    let from = startOf(part.records, part.from)
    let last = NaN
    let within = 0
    for (let row = part.from; row < part.to; row++) {
      const end = ends[row]!
      // Without the '{' that `head` has and the newline after it.
      let rest: Buffer = bytes.subarray(from + 1, end - 1)
      const head = given === undefined ? common : Buffer.from(`${opening},"_id":${JSON.stringify(given[row]!.id)}}`)
      let prefix: Buffer = head
      if (hasOwn) [prefix, rest] = splitMetadata(bytes.subarray(from, end - 1), head)
      if (at + EVENT_HEAD + prefix.length + TAIL_ROOM + rest.length > this.#buffer.length)
        this.#grow(at, EVENT_HEAD + prefix.length + TAIL_ROOM + rest.length)
      const out = this.#buffer
      const body = at + EVENT_HEAD
      out.set(prefix, body)
      let to = body + prefix.length
      if (identified) {
        const offset = offsets[row]!
        const { within: told } = part.records
        if (told !== undefined) within = told[row]!
        else within = offset === last ? within + 1 : row === part.from ? indexWithin(part.records, row) : 0
        last = offset
        to += out.latin1Write(within === 0 ? `${offset}"}` : `${offset}.${within}"}`, to)
      }
      if (rest[0] !== CLOSE) out[to++] = COMMA
      out.set(rest, to)
      to += rest.length
      out[at] = VERSION
      out[at + 1] = J
      out.writeUInt32BE(++this.#sequence, at + 2)
      out.writeUInt32BE(to - body, at + 6)
      at = to
      from = end
    }
    return at
  }

  #grow(used: number, more: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, used + more))
    this.#buffer.copy(larger, 0, 0, used)
    this.#buffer = larger
  }
}

/**
 * A document that has `@metadata` of its own (some grok patterns write there) keeps it beside ours; twice the same key
 * would leave it to the reader which of the two counts. Ours wins where both have a key.
 */
function splitMetadata(document: Buffer, head: Buffer): [prefix: Buffer, rest: Buffer] {
  const { '@metadata': own, ...fields } = JSON.parse(document.toString('utf8')) as Record<string, unknown>
  if (own === undefined) return [head, document.subarray(1)]
  const rest = Buffer.from(JSON.stringify(fields).slice(1))
  const ours = new Set(['beat', 'type', 'version', '_id'])
  const more = isMap(own) ? Object.fromEntries(Object.entries(own).filter(([key]) => !ours.has(key))) : {}
  const text = JSON.stringify(more).slice(1, -1)
  if (text === '') return [head, rest]
  const opening = '{"@metadata":{'
  return [Buffer.concat([Buffer.from(`${opening}${text},`), head.subarray(opening.length)]), rest]
}

/** Takes acknowledgements out of a stream however it is cut. */
export class AckReader {
  readonly #onAck: (sequence: number) => void
  readonly #frame = Buffer.alloc(ACK)
  #have = 0

  constructor(onAck: (sequence: number) => void) {
    this.#onAck = onAck
  }

  /** Throws PROTOCOL at the first byte that can't be of an acknowledgement. */
  push(chunk: Buffer): void {
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!
      if ((this.#have === 0 && byte !== VERSION) || (this.#have === 1 && byte !== A))
        throw new YarderError(
          'PROTOCOL',
          `no Lumberjack answer but ${shown(chunk, i - this.#have)}; is it a beats input?`
        )
      this.#frame[this.#have++] = byte
      if (this.#have < ACK) continue
      this.#have = 0
      this.#onAck(this.#frame.readUInt32BE(2))
    }
  }
}

/** The start of what came instead, as text when it is some: a web server says so itself. */
function shown(chunk: Buffer, at: number): string {
  const some = chunk.subarray(Math.max(0, at), Math.max(0, at) + 24)
  const text = some.toString('latin1')
  return /^[\x20-\x7e\r\n]+$/.test(text) ? JSON.stringify(text) : some.toString('hex')
}
