// Reads a map of options, all faults at once, and tells editors what it may hold.
import { didYouMean } from '../spelling.ts'
import { show } from './kind.ts'
import type { Fields, Report, Values } from './kind.ts'

export const isMap = (v: unknown): v is Record<string, unknown> =>
  typeof v === 'object' && v !== null && !Array.isArray(v)

/** JSON Schema of a map of options. */
export function jsonSchemaOf(fields: Fields): Record<string, unknown> {
  const properties: Record<string, unknown> = {}
  const required: string[] = []
  for (const [name, f] of Object.entries(fields)) {
    properties[name] = {
      ...f.json,
      description: f.doc,
      ...(f.default === undefined ? {} : { default: f.default }),
      ...(f.deprecated === undefined ? {} : { deprecated: true })
    }
    if (f.default === undefined && f.optional !== true) required.push(name)
  }
  return { type: 'object', properties, additionalProperties: false, ...(required.length > 0 ? { required } : {}) }
}

/**
 * Reads a map of options: every unknown key, missing option and wrong value is reported (`path` is the option, `''`
 * the map itself). Returns undefined when anything was wrong.
 */
export function readFields<F extends Fields>(fields: F, value: unknown, report: Report): Values<F> | undefined {
  const given = value === null || value === undefined ? {} : value
  if (!isMap(given)) return void report('', `must be a map of options, got ${show(given)}`)
  let good = true
  const fault = (path: string, message: string): void => {
    good = false
    report(path, message)
  }
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(fields, key)) fault(key, `unknown option${didYouMean(key, Object.keys(fields))}`)
  }
  const out: Record<string, unknown> = {}
  for (const [name, f] of Object.entries(fields)) {
    const present = Object.hasOwn(given, name) && given[name] !== undefined
    if (!present && f.optional === true && f.default === undefined) out[name] = undefined
    else if (!present && f.default === undefined) fault(name, `is required: ${f.doc}`)
    else out[name] = f.read(present ? given[name] : f.default, (path, message) => fault(name + path, message))
  }
  return good ? (out as Values<F>) : undefined
}
