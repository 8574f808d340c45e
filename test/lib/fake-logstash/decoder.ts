// Reads what a Lumberjack 2 client sends, however it is cut, and is as strict as the strictest of the real servers.
import { inflateSync } from 'node:zlib'

/** One event of a window. */
export interface SentEvent {
  readonly sequence: number
  readonly payload: Buffer
}

export interface SentWindow {
  readonly count: number
  readonly events: readonly SentEvent[]
  /** It came in a compressed frame. */
  readonly packed: boolean
}

/** The client broke a rule that one of the real servers closes the connection for, or hangs at. */
export class Violation extends Error {}

type Frame =
  | { type: 'W'; count: number }
  | { type: 'J'; sequence: number; payload: Buffer }
  | { type: 'C'; packed: Buffer }

const MOST_EVENTS = 10_000

export class WindowDecoder {
  readonly #onWindow: (window: SentWindow) => void
  #bytes: Buffer = Buffer.alloc(0)
  #count = 0
  #events: SentEvent[] = []
  #packed = false

  constructor(onWindow: (window: SentWindow) => void) {
    this.#onWindow = onWindow
  }

  /** Nothing of a window has come that isn't complete. */
  get between(): boolean {
    return this.#count === 0 && this.#bytes.length === 0
  }

  push(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    for (;;) {
      const read = readFrame(this.#bytes)
      if (read === undefined) return
      this.#bytes = this.#bytes.subarray(read.length)
      this.#frame(read.frame)
    }
  }

  #frame(frame: Frame): void {
    if (frame.type === 'W') {
      if (this.#count > 0) throw new Violation(`window after ${this.#events.length} of ${this.#count} events`)
      if (frame.count < 1 || frame.count > MOST_EVENTS) throw new Violation(`window of ${frame.count} events`)
      this.#count = frame.count
      this.#events = []
      this.#packed = false
      return
    }
    if (this.#count === 0) throw new Violation(`${frame.type} outside of a window`)
    if (frame.type === 'J') {
      this.#event(frame.sequence, frame.payload)
    } else {
      if (this.#events.length > 0) throw new Violation('compressed frame after other events of its window')
      this.#packed = true
      this.#unpack(inflate(frame.packed))
      if (this.#events.length < this.#count)
        throw new Violation(`compressed frame of ${this.#events.length} events in a window of ${this.#count}`)
    }
    if (this.#events.length < this.#count) return
    const window = { count: this.#count, events: this.#events, packed: this.#packed }
    this.#count = 0
    this.#onWindow(window)
  }

  #unpack(bytes: Buffer): void {
    let rest = bytes
    while (rest.length > 0) {
      const read = readFrame(rest)
      if (read === undefined) throw new Violation('half a frame in a compressed one')
      if (read.frame.type !== 'J') throw new Violation(`${read.frame.type} inside of a compressed frame`)
      this.#event(read.frame.sequence, read.frame.payload)
      rest = rest.subarray(read.length)
    }
  }

  #event(sequence: number, payload: Buffer): void {
    if (this.#events.length === this.#count) throw new Violation('more events than the window has')
    if (sequence !== this.#events.length + 1)
      throw new Violation(`sequence ${sequence} of event ${this.#events.length + 1}`)
    checkJson(payload)
    this.#events.push({ sequence, payload })
  }
}

function readFrame(bytes: Buffer): { frame: Frame; length: number } | undefined {
  if (bytes.length >= 1 && bytes[0] !== 0x32) throw new Violation(`version byte ${bytes[0]}`)
  if (bytes.length < 6) return undefined
  const type = String.fromCharCode(bytes[1]!)
  const first = bytes.readUInt32BE(2)
  if (type === 'W') return { frame: { type, count: first }, length: 6 }
  if (type === 'C') {
    if (bytes.length < 6 + first) return undefined
    return { frame: { type, packed: bytes.subarray(6, 6 + first) }, length: 6 + first }
  }
  if (type !== 'J') throw new Violation(`frame type ${bytes[1]}`)
  if (bytes.length < 10) return undefined
  const length = bytes.readUInt32BE(6)
  if (length === 0) throw new Violation('event without a document')
  if (bytes.length < 10 + length) return undefined
  return { frame: { type, sequence: first, payload: bytes.subarray(10, 10 + length) }, length: 10 + length }
}

function inflate(packed: Buffer): Buffer {
  try {
    const { buffer, engine } = inflateSync(packed, { info: true }) as unknown as {
      buffer: Buffer
      engine: { bytesWritten: number }
    }
    if (engine.bytesWritten !== packed.length) throw new Violation('bytes after the zlib stream')
    return buffer
  } catch (error) {
    throw error instanceof Violation ? error : new Violation('no zlib stream', { cause: error })
  }
}

/** An object, in UTF-8 without a mark, without lone surrogates, numbers of a double, and not too deep. */
function checkJson(payload: Buffer): void {
  let text: string
  let value: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload)
    value = JSON.parse(text)
  } catch (error) {
    throw new Violation('document that is no JSON', { cause: error })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Violation('document that is no object')
  const keys = [...text.matchAll(/"@metadata"\s*:/g)].length
  if (keys > 1) throw new Violation('document with @metadata twice')
  checkValue(value, 1)
}

function checkValue(value: unknown, depth: number): void {
  if (depth > 1000) throw new Violation('document nested too deep')
  if (typeof value === 'string' && !value.isWellFormed()) throw new Violation('document with a lone surrogate')
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Violation('number beyond a double')
  if (typeof value !== 'object' || value === null) return
  for (const inner of Object.values(value)) checkValue(inner, depth + 1)
}
