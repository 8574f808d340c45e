// JSON texts to values that can be shipped: whole numbers keep their digits, and nothing is nested without end.
import type { Event } from '../../../core/event.ts'
import { isMap } from '../../../core/field.ts'
import { putPath } from '../put.ts'

/** Elasticsearch maps 20 levels by default; past this one a document is more likely an attack than a log. */
const MAX_DEPTH = 64

const DEEP = 1
const BIG = 2
const DOTTED = 4

/**
 * The object or list that the text holds; undefined when it holds none, is malformed or nested deeper than 64 levels.
 * Whole numbers that JavaScript can't hold exactly, and numbers past its range, come as their text.
 */
export function decodeJson(text: string): Event | unknown[] | undefined {
  if (!enclosed(text)) return undefined
  try {
    const value = JSON.parse(text) as Event | unknown[]
    const found = inspect(value, 0)
    if (found === 0) return value
    if ((found & DEEP) !== 0) return undefined
    const exact = (found & BIG) !== 0 ? (JSON.parse(text, keepDigits) as Event | unknown[]) : value
    if ((found & DOTTED) !== 0) nest(exact, true)
    return exact
  } catch {
    return undefined
  }
}

/** Exceptions are dear: most lines that are no JSON are told by their first and last character. */
function enclosed(text: string): boolean {
  let from = 0
  let to = text.length - 1
  while (isSpace(text.charCodeAt(from))) from++
  while (to > from && isSpace(text.charCodeAt(to))) to--
  const open = text.charCodeAt(from)
  const close = text.charCodeAt(to)
  return (open === 123 && close === 125) || (open === 91 && close === 93)
}

const isSpace = (c: number): boolean => c === 32 || (c >= 9 && c <= 13)

function inspect(value: object, depth: number): number {
  if (depth > MAX_DEPTH) return DEEP
  let found = 0
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) found |= inspectOne(value[i], depth)
    return found
  }
  const holder = value as Event
  for (const key in holder) {
    if (!key.includes('.')) found |= inspectOne(holder[key], depth)
    else found |= (depth > 0 ? DOTTED : 0) | inspectOne(holder[key], depth + key.split('.').length - 1)
  }
  return found
}

function inspectOne(value: unknown, depth: number): number {
  if (typeof value === 'number') {
    return value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER ? BIG : 0
  }
  return typeof value === 'object' && value !== null ? inspect(value, depth + 1) : 0
}

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source
  if (typeof value !== 'number' || source === undefined || Number.isSafeInteger(value)) return value
  return !Number.isFinite(value) || /^-?\d+$/.test(source) ? source : value
}

/** `{"a": {"b.c": 1}}` to `{"a": {"b": {"c": 1}}}`; the top is the caller's. */
function nest(value: unknown, top: boolean): void {
  if (Array.isArray(value)) for (const item of value) nest(item, false)
  if (!isMap(value)) return
  for (const [key, inner] of Object.entries(value)) {
    nest(inner, false)
    if (top || !key.includes('.')) continue
    delete value[key]
    putPath(value, key, inner)
  }
}
