// The short way of pipelines that begin with one linear grok pattern and go on with `date` and `convert` to integer:
// from a line's bytes to its document's bytes, without a text or an object. Lines that don't fit take the general way.
import type { BuiltStep } from '../../core/component.ts'
import { parseFieldRef } from '../../core/event.ts'
import type { Cursor, Event } from '../../core/event.ts'
import { compileMatcher, OnigurumaHost } from '../parse/grok/matcher.ts'
import { linearParts } from './linear.ts'
import type { Part } from './linear.ts'
import { compileScan, keyBytes, ROOM_PER_BYTE } from './scan.ts'
import type { Scan } from './scan.ts'
import { createView, Spans } from './view.ts'
import type { View } from './view.ts'

/** What a step tells about itself so that it can be a part of the short way. */
export type Fuse =
  | {
      readonly kind: 'grok'
      readonly pattern: string
      readonly set: ReadonlyMap<string, string>
      readonly own: ReadonlyMap<string, string>
    }
  /** Reads one field's text and sets the record's time. */
  | { readonly kind: 'date'; readonly field: string }
  /** Fields that become integers. */
  | { readonly kind: 'integers'; readonly fields: readonly string[] }

export interface FusibleStep extends BuiltStep {
  readonly fuse?: Fuse
}

export interface Fused {
  readonly scan: Scan
  /** Bytes that a line of this length may take. */
  room(length: number): number
  /** Time of the line just scanned, milliseconds; NaN when it had none. Set it to NaN before each line. */
  time: number
  /** What of the line just scanned is read; the same object for the next line. */
  readonly view: View
  /** A new batch: dates without a year are read by its arrival. */
  begin(cursor: Cursor): void
  /** Fields that it writes; none may be a constant of the source. */
  readonly fields: readonly string[]
}

/** What the short way is for. */
export interface Purpose {
  /** Documents are written. */
  readonly documents: boolean
  /** References of the fields that `view` shows. */
  readonly reads: readonly string[]
}

/** The short way of these steps, or undefined when they have none. */
export function fuse(steps: readonly FusibleStep[], { documents, reads }: Purpose): Fused | undefined {
  const [first, ...others] = steps
  if (first?.fuse?.kind !== 'grok' || others.some(s => s.fuse === undefined || s.fuse.kind === 'grok')) return undefined
  const { pattern, set, own } = first.fuse
  const parts = linearParts(pattern, set, own)
  if (parts === undefined) return undefined
  const fields = fieldsOf(parts)
  if (fields.includes('message') || fields.includes('tags')) return undefined
  const integers = new Set<string>()
  let dated: FusibleStep | undefined
  for (const step of others) {
    if (step.fuse!.kind === 'integers')
      for (const field of step.fuse?.kind === 'integers' ? step.fuse.fields : []) integers.add(field)
    else if (dated !== undefined) return undefined
    else dated = step
  }
  const dateField = dated?.fuse?.kind === 'date' ? dated.fuse.field : undefined
  // A field that no capture writes may be one of the source's constants; a converted date would be no text.
  if ([...integers].some(f => !fields.includes(f) || f === dateField)) return undefined
  if (dateField !== undefined && !fields.includes(dateField)) return undefined

  for (const name of typedIntegers(parts)) integers.add(name)
  const spans = new Spans(seenOf(reads, [...fields, 'message']))
  let arrival = 0
  const keys = keyBytes(parts)
  const reader = dated === undefined ? undefined : new TimeReader(dated, dateField!)
  const fused: Fused = {
    scan: compileScan({
      parts,
      documents,
      spans,
      integers,
      watch: new Map(
        reader === undefined
          ? []
          : [
              [
                dateField!,
                (b, from, to) => {
                  const ms = reader.read(b, from, to, arrival)
                  fused.time = ms
                  return ms === ms
                }
              ]
            ]
      ),
      asks: scalar => asker(scalar, set)
    }),
    room: length => length * ROOM_PER_BYTE + keys,
    time: NaN,
    view: createView(spans, integers),
    begin(cursor) {
      arrival = cursor.arrival
      reader?.forget()
    },
    fields
  }
  return fused
}

/** Of what can be there those that are read. A reference into a field reads the field. */
const seenOf = (reads: readonly string[], there: readonly string[]): string[] => {
  const tops = new Set(reads.map(ref => parseFieldRef(ref)?.[0]))
  return there.filter(name => tops.has(name))
}

function typedIntegers(parts: readonly Part[]): string[] {
  return parts.flatMap(part => {
    if (part.kind === 'field') return part.type === 'int' && part.name !== undefined ? [part.name] : []
    if (part.kind === 'either') return part.options.flatMap(typedIntegers)
    return part.kind === 'maybe' ? typedIntegers(part.parts) : []
  })
}

function fieldsOf(parts: readonly Part[]): string[] {
  return parts.flatMap(part => {
    if (part.kind === 'field') return part.name === undefined ? [] : [part.name]
    if (part.kind === 'either') return part.options.flatMap(fieldsOf)
    return part.kind === 'maybe' ? fieldsOf(part.parts) : []
  })
}

/** Remembers one run of bytes, since neighbouring lines share their date, their `-`, their level. */
class Last {
  #bytes = new Uint8Array(64)
  #size = -1

  is(b: Uint8Array, from: number, to: number): boolean {
    if (to - from !== this.#size) return false
    for (let i = 0; i < this.#size; i++) if (this.#bytes[i] !== b[from + i]) return false
    return true
  }

  set(b: Uint8Array, from: number, to: number): void {
    // The time limit may stop it half-way, and half of a text is none.
    this.#size = -1
    const size = to - from
    if (size > this.#bytes.length) return
    for (let i = 0; i < size; i++) this.#bytes[i] = b[from + i]!
    this.#size = size
  }

  forget(): void {
    this.#size = -1
  }
}

const textOf = (b: Uint8Array, from: number, to: number): string => (b as Buffer).latin1Slice(from, to)

/** Reads times with the step itself; a text that it can't read, or has to assume a part of, is left to the general way. */
class TimeReader {
  readonly #last = new Last()
  readonly #run: BuiltStep['run']
  readonly #field: string
  #ms = NaN

  constructor(step: BuiltStep, field: string) {
    this.#run = step.run
    this.#field = field
  }

  forget(): void {
    this.#last.forget()
  }

  read(b: Uint8Array, from: number, to: number, arrival: number): number {
    if (this.#last.is(b, from, to)) return this.#ms
    const event: Event = { [this.#field]: textOf(b, from, to) }
    const cursor: Cursor = { source: NOWHERE, time: NaN, arrival, offset: 0, failed: '' }
    this.#run(event, cursor)
    if (cursor.failed !== '' || Object.keys(event).length > 1) return NaN
    // The time limit may stop it between the two, and then the old text must not stand for the new time.
    this.#last.forget()
    this.#ms = cursor.time
    this.#last.set(b, from, to)
    return this.#ms
  }
}

const NOWHERE = { input: '', id: '', path: undefined, constants: {} }
/** Answers kept for one scalar; a log has some thousands of hosts and users. */
const MAX_KNOWN = 10_000
/** Longer texts are no hosts, users or dates; their lines take the general way with its time limit. */
const MAX_ASKED = 256

/** Asks the scalar's own expression about a whole text, and keeps the answers. */
function asker(scalar: string, set: ReadonlyMap<string, string>): (b: Uint8Array, from: number, to: number) => boolean {
  const matcher = compileMatcher(`\\A%{${scalar}}\\z`, {
    patterns: set,
    namedOnly: true,
    engine: undefined,
    host: new OnigurumaHost()
  })
  const known = new Map<string, boolean>()
  const last = new Last()
  const hosts = ['IPORHOST', 'IP', 'IPV4'].includes(scalar)
  return (b, from, to) => {
    if (hosts && isIpv4(b, from, to)) return true
    if (last.is(b, from, to)) return true
    if (to - from > MAX_ASKED) return false
    const text = textOf(b, from, to)
    let answer = known.get(text)
    if (answer === undefined) {
      answer = matcher.exec(text) !== null
      if (known.size >= MAX_KNOWN) known.clear()
      known.set(text, answer)
    }
    if (answer) last.set(b, from, to)
    return answer
  }
}

/** Four numbers up to 255 with points between, as IPV4 takes them. */
function isIpv4(b: Uint8Array, from: number, to: number): boolean {
  let n = 0
  let digits = 0
  let points = 0
  for (let i = from; i < to; i++) {
    const c = b[i]!
    if (c === 46) {
      if (digits === 0 || ++points > 3) return false
      n = digits = 0
    } else {
      n = n * 10 + c - 48
      if (c < 48 || c > 57 || ++digits > 3 || n > 255) return false
    }
  }
  return points === 3 && digits > 0
}
