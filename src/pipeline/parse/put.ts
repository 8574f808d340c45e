// How a parser puts into a record what it found, whatever the field is called.
import { fail, fieldWriter, parseFieldRef } from '../../core/event.ts'
import type { Cursor, Event } from '../../core/event.ts'
import { isMap } from '../../core/field.ts'
import { guessEpoch, parseIso } from './date/iso.ts'
import { UTC } from './date/zone.ts'

export type Put = (event: Event, cursor: Cursor, value: unknown) => void

/** Compiles a writer for a field that the configuration names. Writing `@timestamp` sets the record's time. */
export function putter(ref: string): Put {
  return ref === '@timestamp' || ref === '[@timestamp]' ? putTime : fieldWriter(ref)
}

/** The top-level field that writing `ref` touches, for `BuiltStep.writes`. */
export const topOf = (ref: string): string => parseFieldRef(ref)?.[0] ?? ref

/**
 * Sets the record's time from an ISO 8601 text (UTC where it names no zone) or an epoch in s, ms, µs or ns. What is
 * neither is kept as `_@timestamp` and tagged, as Logstash does, since no document may hold `@timestamp` twice.
 */
export function putTime(event: Event, cursor: Cursor, value: unknown): void {
  let ms = NaN
  if (typeof value === 'number') ms = guessEpoch(value)
  else if (typeof value === 'string') {
    ms = /^\d{9,19}(?:\.\d{1,9})?$/.test(value) ? guessEpoch(Number(value)) : parseIso(value, UTC, cursor.arrival)
  }
  if (ms === ms) cursor.time = ms
  else {
    event['_@timestamp'] = value
    fail(event, cursor, '_timestampparsefailure')
  }
}

/**
 * Writes a field that the data names, at the top of the record. `a.b` becomes `{a: {b}}`: that is what Elasticsearch
 * makes of it anyway, and it refuses documents that hold both forms. Tags are added to those there.
 */
export function putNamed(event: Event, cursor: Cursor, key: string, value: unknown): void {
  if (key === '@timestamp') putTime(event, cursor, value)
  else if (key === 'tags' && event['tags'] !== undefined) event['tags'] = union(event['tags'], value)
  else if (key.includes('.')) putPath(event, key, value)
  else define(event, key, value)
}

/** A key of more parts would be nested deeper than anything that reads it later goes. */
const MAX_PARTS = 20

/**
 * Writes `a.b.c` into nested objects; as it stands where a key would be empty, a plain value is in the way, or there
 * are more than 20 parts.
 */
export function putPath(root: Event, path: string, value: unknown): void {
  const keys = path.split('.')
  if (keys.length > MAX_PARTS) return define(root, path, value)
  let holder = root
  for (let i = 0; i < keys.length - 1; i++) {
    const next = Object.hasOwn(holder, keys[i]!) ? holder[keys[i]!] : undefined
    if (keys[i] === '' || (next !== undefined && !isMap(next))) return define(root, path, value)
    if (next === undefined) return keys.includes('') ? define(root, path, value) : grow(holder, keys, i, value)
    holder = next
  }
  const last = keys[keys.length - 1]!
  if (last === '') define(root, path, value)
  else define(holder, last, value)
}

/** An object of the pairs, dotted keys taken apart. */
export function nested(pairs: ReadonlyMap<string, unknown>): Event {
  const object: Event = {}
  for (const [key, value] of pairs) putPath(object, key, value)
  return object
}

function grow(holder: Event, keys: readonly string[], from: number, value: unknown): void {
  let inner = value
  for (let i = keys.length - 1; i > from; i--) {
    const outer: Event = {}
    define(outer, keys[i]!, inner)
    inner = outer
  }
  define(holder, keys[from]!, inner)
}

/** Plain assignment but for the one name that would change the object's prototype instead of its fields. */
function define(holder: Event, key: string, value: unknown): void {
  if (key !== '__proto__') holder[key] = value
  else Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true })
}

function union(a: unknown, b: unknown): unknown[] {
  return [...new Set([...(Array.isArray(a) ? a : [a]), ...(Array.isArray(b) ? b : [b])])]
}
