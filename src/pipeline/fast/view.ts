// What observers see of a line on the short way: one object for all lines, with the fields that they read and no others.
import type { Event } from '../../core/event.ts'

/** Where fields stand in the line last scanned: two numbers for each, from and to; -1 for one that the line hasn't. */
export class Spans {
  readonly names: readonly string[]
  readonly places: Int32Array

  constructor(names: readonly string[]) {
    this.names = names
    this.places = new Int32Array(names.length * 2).fill(-1)
  }
}

/** The object for the line last scanned; `b` is what was scanned. */
export type View = (b: Uint8Array) => Event

/** Fields in `integers` are shown as numbers, their texts being digits only; all others as texts, being ASCII. */
export function createView({ names, places }: Spans, integers: ReadonlySet<string>): View {
  const event: Event = {}
  for (const name of names) event[name] = undefined
  const readers = names.map(name => (integers.has(name) ? numberOf : internedTexts()))
  return b => {
    for (let k = 0; k < names.length; k++) {
      const from = places[k * 2]!
      event[names[k]!] = from === -1 ? undefined : readers[k]!(b, from, places[k * 2 + 1]!)
    }
    return event
  }
}

function numberOf(b: Uint8Array, from: number, to: number): number {
  let n = 0
  for (let i = from; i < to; i++) n = n * 10 + b[i]! - 48
  return n
}

/** Texts up to this long are kept, so many of them; a longer one seldom comes twice. */
const KEPT_BYTES = 32
const KEPT = 256

/** Texts out of bytes. Methods, statuses and routes come again and again, and comparing bytes is cheaper than making a text. */
function internedTexts(): (b: Uint8Array, from: number, to: number) => string {
  const bytes = new Uint8Array(KEPT * KEPT_BYTES)
  const texts = Array.from({ length: KEPT }, () => '')
  return (b, from, to) => {
    const size = to - from
    if (size > KEPT_BYTES) return (b as Buffer).latin1Slice(from, to)
    let hash = size
    for (let i = from; i < to; i++) hash = (hash * 31 + b[i]!) | 0
    const slot = (hash ^ (hash >>> 8)) & (KEPT - 1)
    const at = slot * KEPT_BYTES
    const known = texts[slot]!
    if (known.length === size && same(bytes, at, b, from, size)) return known
    // The time limit may stop it half-way, and half of a text is none.
    texts[slot] = ''
    for (let i = 0; i < size; i++) bytes[at + i] = b[from + i]!
    return (texts[slot] = (b as Buffer).latin1Slice(from, to))
  }
}

function same(a: Uint8Array, at: number, b: Uint8Array, from: number, size: number): boolean {
  for (let i = 0; i < size; i++) if (a[at + i] !== b[from + i]) return false
  return true
}
