// A record while it is worked on: its own fields, how they are named, and the moment it stands in.
import type { Source } from './component.ts'

/** One record's own fields. What is the same for a whole source (host, path, …) lives in `Source.constants`. */
export type Event = Record<string, unknown>

/** What a step may know and change about the record at hand besides its fields. One object serves a whole batch. */
export interface Cursor {
  source: Source
  /** The record's own time, milliseconds since the epoch; NaN until a step has found one. */
  time: number
  /** When the bytes were first read, milliseconds since the epoch; kept with the range, so a resend has the same. */
  arrival: number
  /** Byte offset in the source of the record's first byte. */
  offset: number
  /** The tag of the last failed step, '' when all did their work. Set it by `fail`. */
  failed: string
}

/**
 * Works on one record in place. `false` drops the record by intention. Never throws on bad input and keeps no
 * half-done change when interrupted: the time limit may stop a batch anywhere and run its lines again.
 */
export type Step = (event: Event, cursor: Cursor) => boolean

/** Marks a record that a step could not work on: it ships with the tag and is counted, never dropped. */
export function fail(event: Event, cursor: Cursor, tag: string): void {
  addTag(event, tag)
  cursor.failed = tag
}

/** Adds a tag once, whatever stood in `tags` before. */
export function addTag(event: Event, tag: string): void {
  const tags = event['tags']
  if (tags === undefined || tags === null) event['tags'] = [tag]
  else if (!Array.isArray(tags)) event['tags'] = tags === tag ? [tag] : [tags, tag]
  else if (!tags.includes(tag)) tags.push(tag)
}

/** Splits a field reference, `a.b` or Logstash's `[a][b]`, into its keys; undefined when it is malformed. */
export function parseFieldRef(ref: string): string[] | undefined {
  if (ref === '' || ref.length > 1024) return undefined
  if (!ref.startsWith('[')) {
    const keys = ref.split('.')
    return keys.every(k => k !== '' && !/[[\]]/.test(k)) ? keys : undefined
  }
  const keys: string[] = []
  const part = /\[([^[\]]+)\]/y
  while (part.lastIndex < ref.length) {
    const m = part.exec(ref)
    if (m === null) return undefined
    keys.push(m[1]!)
  }
  return keys
}

const isObject = (value: unknown): value is Event =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function walk(root: unknown, keys: readonly string[], from: number): unknown {
  let value = root
  for (let i = from; i < keys.length; i++) {
    if (typeof value !== 'object' || value === null) return undefined
    const holder = value as Event
    const key = keys[i]!
    value = Object.hasOwn(holder, key) ? holder[key] : undefined
  }
  return value
}

/**
 * Compiles a reader for a field: the record's own value, else the source's constant of that name. A key that was
 * written with its dots (`{"a.b": 1}`) is found too. `@timestamp` gives the time as an ISO string.
 */
export function fieldReader(ref: string): (event: Event, cursor: Cursor) => unknown {
  const keys = parseFieldRef(ref)
  if (keys === undefined) throw new TypeError(`malformed field reference "${ref}"`)
  const top = keys[0]!
  if (ref === '@timestamp') return (_event, cursor) => new Date(timeOf(cursor)).toISOString()
  if (keys.length === 1 && top in Object.prototype) {
    return (event, cursor) => {
      const own = walk(event, keys, 0)
      return own !== undefined ? own : walk(cursor.source.constants, keys, 0)
    }
  }
  if (keys.length === 1) {
    return (event, cursor) => {
      const own = event[top]
      return own !== undefined ? own : cursor.source.constants[top]
    }
  }
  return (event, cursor) => {
    const own = walk(event[top], keys, 1)
    if (own !== undefined) return own
    const dotted = event[ref]
    if (dotted !== undefined) return dotted
    return isRemoved(event[top], keys) ? undefined : walk(cursor.source.constants[top], keys, 1)
  }
}

/** True when a step took `keys` (or what they stand in) out of the source's constants: see `fieldRemover`. */
function isRemoved(top: unknown, keys: readonly string[]): boolean {
  if (top === REMOVED) return true
  let holder = top
  for (let i = 1; i < keys.length && isObject(holder); i++) {
    if (!Object.hasOwn(holder, keys[i]!)) return false
    holder = holder[keys[i]!]
    if (holder === undefined) return true
  }
  return false
}

/** The record's time: its own when a step found one, else that of its arrival. Milliseconds since the epoch. */
export function timeOf(cursor: Cursor): number {
  return cursor.time === cursor.time ? cursor.time : cursor.arrival
}

/** Compiles a writer for a field; objects on the way are made, and a constant's object is copied before it changes. */
export function fieldWriter(ref: string): (event: Event, cursor: Cursor, value: unknown) => void {
  const keys = parseFieldRef(ref)
  if (keys === undefined) throw new TypeError(`malformed field reference "${ref}"`)
  const top = keys[0]!
  if (keys.length === 1)
    return (event, _cursor, value) => {
      event[top] = value
    }
  const last = keys[keys.length - 1]!
  return (event, cursor, value) => {
    let holder = event
    for (let i = 0; i < keys.length - 1; i++) {
      const key = keys[i]!
      let next = Object.hasOwn(holder, key) ? holder[key] : undefined
      if (!isObject(next)) {
        const constant = i === 0 ? cursor.source.constants[key] : undefined
        next = isObject(constant) ? structuredClone(constant) : {}
        holder[key] = next
      }
      holder = next as Event
    }
    holder[last] = value
  }
}

/** The value of a field that a step removed although it is a constant of the source; the encoder leaves it out. */
export const REMOVED: unique symbol = Symbol('removed')

/**
 * Compiles a remover for a field, the source's constants included. Inside of an object an `undefined` that is there
 * marks what the encoder leaves out of a constant.
 */
export function fieldRemover(ref: string): (event: Event, cursor: Cursor) => void {
  const keys = parseFieldRef(ref)
  if (keys === undefined) throw new TypeError(`malformed field reference "${ref}"`)
  const top = keys[0]!
  const write = fieldWriter(ref)
  return (event, cursor) => {
    if (keys.length === 1) {
      if (top in cursor.source.constants) event[top] = REMOVED
      else delete event[top]
      return
    }
    if (Object.hasOwn(event, ref)) delete event[ref]
    if (walk(event[top], keys, 1) === undefined && walk(cursor.source.constants[top], keys, 1) === undefined) return
    write(event, cursor, undefined)
  }
}
