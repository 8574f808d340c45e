// Captures and the fields they go to: names, field references, values, as Logstash's filter and event have them.
import { GrokError } from './error.ts'

/** What a capture's name says: `PATTERN:field:type`, or the field alone. */
export interface Capture {
  /** The number of the capture in the expression, from 1. */
  readonly group: number
  /** As written; `overwrite` compares it. */
  readonly field: string
  /** The keys from the event down to the value. */
  readonly path: readonly string[]
  readonly type: 'string' | 'int' | 'float'
}

/**
 * Orders the captures as they are handed out: by name, in the order of each name's first occurrence. Of several captures
 * with one name only the first is converted, the later ones stay strings; that is jls-grok's way.
 */
export function capturesOf(names: readonly string[], target: readonly string[] = []): Capture[] {
  const byName = new Map<string, number[]>()
  names.forEach((name, i) => {
    const groups = byName.get(name)
    if (groups === undefined) byName.set(name, [i + 1])
    else groups.push(i + 1)
  })
  const captures: Capture[] = []
  for (const [name, groups] of byName) {
    const [pattern = '', semantic, coerce] = name.replace(/:+$/, '').split(':')
    const field = semantic ?? pattern
    const path = [...target, ...fieldPath(field)]
    const type = coerce === 'int' || coerce === 'float' ? coerce : 'string'
    groups.forEach((group, i) => captures.push({ group, field, path, type: i === 0 ? type : 'string' }))
  }
  return captures
}

/** The keys of a field reference: `[a][b]` has two, `a.b` is one. Throws GrokError when it is malformed. */
export function fieldPath(reference: string): string[] {
  if (/^[^[\]]+$/.test(reference)) return [reference]
  if (/^(?:\[[^[\]]+\])+$/.test(reference)) return reference.slice(1, -1).split('][')
  throw new GrokError('FIELD', `"${reference}" is not a field; write name or [outer][inner]`)
}

/** Ruby's String#to_i: the digits at the beginning, 0 without any. */
export function toInt(text: string): number {
  let n = 0
  let at = 0
  // Up to fifteen bare digits, which is nearly always, are summed up here.
  for (; at < text.length && at < 15; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) break
    n = n * 10 + digit
  }
  if (at === text.length) return n
  const m = /^[ \t-\r]*([+-]?\d+(?:_\d+)*)/.exec(text)
  return m === null ? 0 : Number(m[1]!.replaceAll('_', '')) || 0
}

/** Ruby's String#to_f: the number at the beginning, 0 without any. */
export function toFloat(text: string): number {
  const m = /^[ \t-\r]*([+-]?(?:\d+(?:_\d+)*(?:\.\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?)/.exec(text)
  return m === null ? 0 : Number(m[1]!.replaceAll('_', ''))
}

type Holder = Record<string, unknown>

const isHolder = (value: unknown): value is Holder =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Sets an own property whatever it is called. */
function define(holder: Holder, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true })
}

/**
 * Adds a value to a field: an absent one is set, a string becomes an array of both, an array grows, and anything else
 * keeps what it has.
 */
export function add(holder: Holder, key: string, value: unknown): void {
  const old = Object.hasOwn(holder, key) ? holder[key] : undefined
  if (old === undefined || old === null) define(holder, key, value)
  else if (Array.isArray(old)) holder[key] = [...old, value]
  else if (typeof old === 'string') holder[key] = [old, value]
}

const indexOf = (list: readonly unknown[], key: string): number => {
  const index = /^[+-]?\d+$/.test(key) ? Number(key) : Number.NaN
  return index < 0 ? index + list.length : index
}

/** A field's value by its keys; numbers go into arrays. */
export function getPath(event: Holder, path: readonly string[]): unknown {
  let value: unknown = event
  for (const key of path) {
    if (Array.isArray(value)) value = value[indexOf(value, key)]
    else if (isHolder(value)) value = Object.hasOwn(value, key) ? value[key] : undefined
    else return undefined
  }
  return value
}

/** Writes a field by its keys as `add` does, or replaces it. `false`: something on the way is no object, nothing changed. */
export function putPath(event: Holder, path: readonly string[], value: unknown, replace: boolean): boolean {
  let at: unknown = event
  for (const key of path.slice(0, -1)) {
    let next = getPath(at as Holder, [key])
    if (next === undefined || next === null) {
      next = {}
      if (Array.isArray(at) || !isHolder(at)) return false
      define(at, key, next)
    }
    if (typeof next !== 'object') return false
    at = next
  }
  const last = path[path.length - 1]!
  if (Array.isArray(at)) return putInList(at, last, value, replace)
  if (replace) define(at as Holder, last, value)
  else add(at as Holder, last, value)
  return true
}

function putInList(list: unknown[], key: string, value: unknown, replace: boolean): boolean {
  const index = indexOf(list, key)
  if (!(index >= 0) || index > list.length) return false
  const old: unknown = list[index]
  if (replace || old === undefined || old === null) list[index] = value
  else if (Array.isArray(old)) list[index] = [...(old as unknown[]), value]
  else if (typeof old === 'string') list[index] = [old, value]
  return true
}

/** What Ruby's `to_s` makes of a field's value, which is what a pattern is matched against. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined || value === null ? '' : inspect(value)
}

function inspect(value: unknown): string {
  if (value === undefined || value === null) return 'nil'
  if (typeof value === 'number') return numberText(value)
  if (typeof value === 'string') return JSON.stringify(value).replace(/#(?=[{$@])/g, '\\#')
  if (Array.isArray(value)) return `[${value.map(inspect).join(', ')}]`
  if (!isHolder(value)) return String(value as boolean | bigint)
  const pairs = Object.entries(value).map(([key, item]) => `${inspect(key)}=>${inspect(item)}`)
  return `{${pairs.join(', ')}}`
}

/** Ruby writes a fraction with an exponent below 0.0001 and from 1e16 on. */
function numberText(value: number): string {
  if (Number.isInteger(value)) return BigInt(value).toString()
  if (!Number.isFinite(value) || Math.abs(value) >= 1e-4) return String(value)
  const [digits = '', exponent = ''] = value.toExponential().split('e')
  return `${digits.includes('.') ? digits : `${digits}.0`}e-${exponent.slice(1).padStart(2, '0')}`
}
