// The journal's export format, taken apart as its bytes come: exact for binary and multi-line fields, bounded in memory.
// https://systemd.io/JOURNAL_EXPORT_FORMATS/

/** One entry: its fields in their order; a name may be there more than once. */
export interface Entry {
  /** `__CURSOR`; '' when it had none. */
  cursor: string
  /** `__REALTIME_TIMESTAMP`, microseconds since the epoch. */
  time: number
  readonly names: string[]
  readonly values: string[]
  /** Something of it was cut or left out, since it was too large. */
  cut: boolean
}

export interface Limits {
  /** Of the field MESSAGE, bytes. */
  readonly message: number
  /** Of every other field. */
  readonly field: number
  /** Of all other fields together; what comes beyond is left out. */
  readonly entry: number
}

const LF = 10
const EQUALS = 61
/** A field's name has 64 bytes at most. */
const NAME_ROOM = 80
const SIZE_BYTES = 8

/** Feed it the output of one `journalctl --output=export`, in any pieces. */
export class ExportParser {
  readonly #limits: Limits
  readonly #cap: number
  /** The start of a line or value that goes on in the next piece, as far as it is kept. */
  #held: Buffer[] = []
  #heldBytes = 0
  #overflow = false
  /** Of a binary field: its name, and the bytes of its value that are still to come; its size is not known at -1. */
  #name: string | undefined
  #left = -1
  #entry: Entry = empty()
  #others = 0

  constructor(limits: Limits) {
    this.#limits = limits
    this.#cap = Math.max(limits.message, limits.field) + NAME_ROOM
  }

  /** The entries that are complete with these bytes. */
  push(bytes: Buffer): Entry[] {
    const done: Entry[] = []
    for (let at = 0; at < bytes.length;) {
      if (this.#name === undefined) at = this.#line(bytes, at, done)
      else if (this.#left < 0) at = this.#size(bytes, at)
      else at = this.#data(bytes, at)
    }
    return done
  }

  #line(bytes: Buffer, at: number, done: Entry[]): number {
    const end = bytes.indexOf(LF, at)
    if (end < 0) {
      this.#hold(bytes, at, bytes.length)
      return bytes.length
    }
    const { piece, cut } = this.#take(bytes, at, end)
    if (piece.length === 0) this.#finish(done)
    else {
      const equals = piece.indexOf(EQUALS)
      if (equals >= 0) this.#field(piece.latin1Slice(0, equals), piece.subarray(equals + 1), cut)
      else this.#name = piece.latin1Slice()
    }
    return end + 1
  }

  #size(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + SIZE_BYTES - this.#heldBytes)
    if (this.#heldBytes + end - at < SIZE_BYTES) this.#hold(bytes, at, end)
    else this.#left = Number(this.#take(bytes, at, end).piece.readBigUInt64LE())
    return end
  }

  /** The value, and the line end that follows it. */
  #data(bytes: Buffer, at: number): number {
    if (this.#left === 0 && this.#name !== undefined) {
      const { piece, cut } = this.#take(bytes, at, at)
      this.#field(this.#name, piece, cut)
      this.#name = undefined
      this.#left = -1
      return at + 1
    }
    const end = Math.min(bytes.length, at + this.#left)
    this.#hold(bytes, at, end)
    this.#left -= end - at
    return end
  }

  #hold(bytes: Buffer, from: number, to: number): void {
    const room = Math.max(0, this.#cap - this.#heldBytes)
    const kept = Math.min(to - from, room)
    if (kept < to - from) this.#overflow = true
    if (kept === 0) return
    // The pieces are the stream's: they may be large, and only what is needed of them is kept.
    this.#held.push(Buffer.from(bytes.subarray(from, from + kept)))
    this.#heldBytes += kept
  }

  /** What was held with the bytes from `from` to `to`. */
  #take(bytes: Buffer, from: number, to: number): { piece: Buffer; cut: boolean } {
    if (this.#held.length === 0 && !this.#overflow) return { piece: bytes.subarray(from, to), cut: false }
    this.#hold(bytes, from, to)
    const taken = { piece: Buffer.concat(this.#held), cut: this.#overflow }
    this.#held = []
    this.#heldBytes = 0
    this.#overflow = false
    return taken
  }

  #field(name: string, value: Buffer, cut: boolean): void {
    const entry = this.#entry
    if (name === '__CURSOR') entry.cursor = value.latin1Slice()
    else if (name === '__REALTIME_TIMESTAMP') entry.time = Number(value.latin1Slice())
    else if (!name.startsWith('__')) {
      const message = name === 'MESSAGE'
      const most = message ? this.#limits.message : Math.min(this.#limits.field, this.#limits.entry - this.#others)
      const end = value.length > most ? wholeCharacters(value, most) : value.length
      if (cut || end < value.length) entry.cut = true
      if (!message) this.#others += end
      if (end === 0 && value.length > 0) return
      entry.names.push(name)
      entry.values.push(value.utf8Slice(0, end))
    }
  }

  #finish(done: Entry[]): void {
    if (this.#entry.cursor !== '') done.push(this.#entry)
    this.#entry = empty()
    this.#others = 0
  }
}

const empty = (): Entry => ({ cursor: '', time: 0, names: [], values: [], cut: false })

/** The largest end up to `most` that cuts no UTF-8 character in two. */
function wholeCharacters(value: Buffer, most: number): number {
  let end = Math.max(0, most)
  for (let back = 0; back < 3 && end > 0 && (value[end]! & 0xc0) === 0x80; back++) end--
  return end
}
