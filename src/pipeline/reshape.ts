// Documents for an output that leaves fields out or adds some: copied member by member, since parsing each and writing it
// anew costs more than all the rest of the pipeline (bench/scaling.ts --only routing).
import type { Changes } from '../core/component.ts'
import { parseFieldRef } from '../core/event.ts'
import type { Event } from '../core/event.ts'
import { isMap } from '../core/field.ts'

/** Copies the document `bytes[start, end)` into `out` from `at` on, changed; returns where it ended, its '\n' included. */
export interface Reshape {
  (bytes: Buffer, start: number, end: number, out: Buffer, at: number): number
  /** Bytes by which a document may grow. */
  readonly room: number
}

/** What becomes of one member. */
interface Edit {
  /** The key as it stands in a document, with its quotes. */
  readonly key: Buffer
  /** The value in the place of this one; undefined leaves the member out. */
  change(value: unknown): unknown
  /** It leaves the member out, whatever is in it. */
  readonly drops: boolean
  /** The added fields are among what it changes. */
  readonly adds: boolean
}

const ADDED = 'fields'
const [QUOTE, COMMA, BACKSLASH, OPEN, CLOSE, NEWLINE] = [34, 44, 92, 123, 125, 10]

/** Compiles the changes. The documents are the encoder's: an object without blanks, each key once. */
export function compileReshape({ drop, fields }: Changes): Reshape {
  const added = Object.keys(fields).length > 0 ? Buffer.from(`,"${ADDED}":${JSON.stringify(fields)}`) : undefined
  const edits = editsOf(drop, added === undefined ? undefined : fields)

  function reshape(bytes: Buffer, start: number, end: number, out: Buffer, at: number): number {
    const from = at
    let owed = added
    /** Members from here to `i` are copied as they are, each with the bracket or comma before it. */
    let run = start
    let i = start
    while (i < end && bytes[i] !== CLOSE && bytes[i + 1] === QUOTE) {
      const colon = afterText(bytes, i + 1)
      const next = afterValue(bytes, colon + 1)
      const edit = editAt(edits, bytes, i + 1, colon)
      if (edit !== undefined) {
        at += bytes.copy(out, at, run, i)
        run = next
        if (edit.adds) owed = undefined
        const value = edit.drops ? undefined : edit.change(JSON.parse(bytes.utf8Slice(colon + 1, next)))
        if (value !== undefined) {
          at += bytes.copy(out, at, i, colon + 1)
          at += out.utf8Write(JSON.stringify(value), at)
        }
      }
      i = next
    }
    at += bytes.copy(out, at, run, i)
    if (owed !== undefined) at += owed.copy(out, at)
    // Whatever comes first brought the comma that stood before it.
    out[from] = OPEN
    if (at === from) at++
    out[at++] = CLOSE
    out[at++] = NEWLINE
    return at
  }

  return Object.assign(reshape, { room: (added?.length ?? 0) + 3 })
}

function editsOf(drop: readonly string[], fields: Readonly<Event> | undefined): Edit[] {
  const whole = new Set<string>()
  const inside = new Map<string, string[][]>()
  for (const ref of drop) {
    const [top, ...rest] = parseFieldRef(ref)!
    // A key may have been written with its dots.
    whole.add(ref)
    if (rest.length === 0) whole.add(top!)
    else inside.set(top!, [...(inside.get(top!) ?? []), rest])
  }
  // Every record has a time.
  whole.delete('@timestamp')
  const keys = new Set([...whole, ...inside.keys(), ...(fields === undefined ? [] : [ADDED])])
  return Array.from(keys, name => {
    const adds = name === ADDED && fields !== undefined
    const without = (value: unknown): unknown =>
      whole.has(name) ? undefined : removeAll(value, inside.get(name) ?? [])
    return {
      key: Buffer.from(JSON.stringify(name)),
      change: adds ? value => ({ ...asMap(without(value)), ...fields }) : without,
      drops: whole.has(name) && !adds,
      adds
    }
  })
}

const asMap = (value: unknown): Event => (isMap(value) ? value : {})

/** The value without what lies at these paths; undefined for an object in which nothing is left. */
function removeAll(value: unknown, paths: readonly string[][]): unknown {
  if (paths.length === 0 || !isMap(value)) return value
  for (const path of paths) remove(value, path)
  return Object.keys(value).length === 0 ? undefined : value
}

/** Objects that become empty by it go, too. */
function remove(holder: Event, keys: readonly string[]): void {
  const [key, ...rest] = keys
  if (key === undefined || !Object.hasOwn(holder, key)) return
  if (rest.length === 0) return void delete holder[key]
  const inner = holder[key]
  if (!isMap(inner)) return
  remove(inner, rest)
  if (Object.keys(inner).length === 0) delete holder[key]
}

function editAt(edits: readonly Edit[], bytes: Buffer, from: number, to: number): Edit | undefined {
  for (const edit of edits) {
    const { key } = edit
    if (key.length !== to - from) continue
    let k = 0
    while (k < key.length && bytes[from + k] === key[k]) k++
    if (k === key.length) return edit
  }
  return undefined
}

/** `i` is at the opening quote. */
function afterText(bytes: Buffer, i: number): number {
  while (bytes[++i] !== QUOTE) if (bytes[i] === BACKSLASH) i++
  return i + 1
}

function afterValue(bytes: Buffer, i: number): number {
  for (let depth = 0; ;) {
    const c = bytes[i]!
    if (c === QUOTE) {
      i = afterText(bytes, i)
      if (depth === 0) return i
      continue
    }
    // The brackets of lists are those of objects, 32 below.
    if (c === OPEN || c === OPEN - 32) depth++
    else if ((c === CLOSE || c === CLOSE - 32) && --depth <= 0) return depth < 0 ? i : i + 1
    else if (c === COMMA && depth === 0) return i
    i++
  }
}
