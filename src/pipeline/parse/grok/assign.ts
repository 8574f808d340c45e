// Generates the function that writes a match's captures into an event: decided once, then straight property writes.
import type { Capture } from './fields.ts'
import { add, putPath, toFloat, toInt } from './fields.ts'

/** A match: the text of each group by its number, undefined for one that took no part. */
export type Groups = ArrayLike<string | undefined>

/** Writes the captures; `false` when a field could not be written because something on its way is no object. */
export type Assign = (groups: Groups, event: Record<string, unknown>) => boolean

export interface AssignOptions {
  /** The group of each capture in the match: `groups[n]` for the capture number n. */
  readonly groups: readonly number[]
  /** Unset and empty captures are written too, as null and ''. */
  readonly keepEmpty: boolean
  /** Fields, as written in the pattern, whose value is replaced. */
  readonly overwrite: readonly string[]
}

/**
 * Compiles the assigner. The text of the function holds group numbers and field names only, the names as JSON strings, so
 * that nothing a pattern contains can become code. The properties are written in a fixed order, so events get one shape.
 */
export function compileAssign(captures: readonly Capture[], options: AssignOptions): Assign {
  const lines = captures.filter(capture => !dropped(capture)).map(capture => write(capture, options))
  const paths = Object.fromEntries(captures.map(capture => [capture.group, capture.path]))
  const body = `'use strict'
return function assign(groups, event) {
let v, h
${lines.join('\n')}
return true
}`
  // oxlint-disable-next-line no-new-func -- generated from numbers and JSON strings alone
  const make = new Function('add', 'put', 'toInt', 'toFloat', 'plain', 'paths', body) as (...tools: unknown[]) => Assign
  return make(add, putPath, toInt, toFloat, plain, paths)
}

/** An event always has its time, which is no string, so that a capture called so changes nothing. */
const dropped = (capture: Capture): boolean => capture.path.length === 1 && capture.path[0] === '@timestamp'

const plain = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

function write(capture: Capture, options: AssignOptions): string {
  const value = `v = groups[${options.groups[capture.group]!}]`
  const replace = options.overwrite.includes(capture.field)
  const store = storing(capture, replace)
  const convert = capture.type === 'int' ? 'v = toInt(v)' : capture.type === 'float' ? 'v = toFloat(v)' : ''
  if (options.keepEmpty) return `${value}; if (v === undefined) v = null; else { ${convert} } ${store}`
  // Even an empty text is a number once it is converted, and numbers are never empty.
  if (convert !== '') return `${value}; if (v !== undefined) { ${convert}; ${store} }`
  return `${value}; if (v !== undefined && v !== '') { ${store} }`
}

/** The statement that stores `v`. Names that every object inherits take the careful way. */
function storing(capture: Capture, replace: boolean): string {
  const slow = `if (!put(event, paths[${capture.group}], v, ${replace})) return false`
  if (capture.path.some(key => key in Object.prototype)) return slow
  const keys = capture.path.map(key => JSON.stringify(key))
  const last = keys.pop()!
  const holder = keys.length === 0 ? 'event' : 'h'
  const direct = replace
    ? `${holder}[${last}] = v`
    : `if (${holder}[${last}] === undefined) ${holder}[${last}] = v; else add(${holder}, ${last}, v)`
  if (keys.length === 0) return direct
  let text = direct
  for (let i = keys.length - 1; i >= 0; i--) {
    const outer = i === 0 ? 'event' : 'h'
    text = `h = ${step(outer, keys[i]!)}; if (plain(h)) { ${text} } else { ${slow} }`
  }
  return text
}

const step = (outer: string, key: string): string =>
  `${outer}[${key}] === undefined ? (${outer}[${key}] = {}) : ${outer}[${key}]`
