// Options that hold others: lists, maps, and those that may be left out.
import { field, quoted, show } from './kind.ts'
import type { Extra, Field, Fields, Values } from './kind.ts'
import { isMap, jsonSchemaOf, readFields } from './read.ts'

/** A list of one kind. */
export const list = <T>(
  item: Field<T>,
  doc: string,
  extra: { default?: readonly unknown[]; example?: unknown; min?: number } = {}
): Field<T[]> =>
  field<T[]>(
    doc,
    `list of ${item.type}`,
    { type: 'array', items: item.json, ...(extra.min === undefined ? {} : { minItems: extra.min }) },
    (v, report) => {
      if (!Array.isArray(v))
        return void report('', `must be a list, got ${show(v)}${typeof v === 'string' ? `; write [${quoted(v)}]` : ''}`)
      if (v.length < (extra.min ?? 0))
        return void report('', `must have at least ${extra.min} item${extra.min === 1 ? '' : 's'}`)
      let good = true
      const out = v.map((value, i) =>
        item.read(value, (path, message) => {
          good = false
          report(`[${i}]${path}`, message)
        })
      )
      return good ? (out as T[]) : undefined
    },
    { ...extra, ...(item.fields === undefined ? {} : { fields: item.fields }) } as Extra<T[]>
  )

/** One value or a list of them; past the field always a list. */
export const oneOrMore = <T>(
  item: Field<T>,
  doc: string,
  extra: { default?: readonly unknown[]; example?: unknown } = {}
): Field<T[]> => {
  const many = list(item, doc, { ...extra, min: 1 })
  return {
    ...many,
    type: `${item.type} or list`,
    json: { anyOf: [item.json, many.json] },
    read: (v, report) =>
      many.read(Array.isArray(v) ? v : [v], (path, message) =>
        report(Array.isArray(v) ? path : path.replace(/^\[0\]/, ''), message)
      )
  }
}

/** A map whose keys the user chooses. */
export const map = <T>(
  item: Field<T>,
  doc: string,
  extra: { default?: Record<string, unknown>; example?: unknown; min?: number } = {}
): Field<Record<string, T>> =>
  field<Record<string, T>>(
    doc,
    `map of ${item.type}`,
    { type: 'object', additionalProperties: item.json },
    (v, report) => {
      if (!isMap(v)) return void report('', `must be a map, got ${show(v)}`)
      if (Object.keys(v).length < (extra.min ?? 0)) return void report('', 'must have at least one entry')
      let good = true
      const out: Record<string, T> = {}
      for (const [key, value] of Object.entries(v)) {
        const read = item.read(value, (path, message) => {
          good = false
          report(`.${key}${path}`, message)
        })
        if (read !== undefined) out[key] = read
      }
      return good ? out : undefined
    },
    { ...extra, ...(item.fields === undefined ? {} : { fields: item.fields }) } as Extra<Record<string, T>>
  )

/** A map of named options. */
export const object = <F extends Fields>(
  fields: F,
  doc: string,
  extra: { default?: Record<string, unknown>; example?: unknown } = {}
): Field<Values<F>> =>
  field<Values<F>>(
    doc,
    'options',
    jsonSchemaOf(fields),
    (v, report) => readFields(fields, v, (path, message) => report(path === '' ? '' : `.${path}`, message)),
    { ...extra, fields } as Extra<Values<F>> & { fields: Fields }
  )

/** May be left out; past the field it is undefined then. */
export const optional = <T>(inner: Field<T>): Field<T | undefined> =>
  ({ ...inner, optional: true }) as Field<T | undefined>

/** The first kind that takes the value; when none does, the error of the last. */
export const either = <A, B>(
  first: Field<A>,
  second: Field<B>,
  doc: string,
  extra: { default?: unknown; example?: unknown } = {}
): Field<A | B> =>
  field<A | B>(
    doc,
    `${first.type} or ${second.type}`,
    { anyOf: [first.json, second.json] },
    (v, report) => {
      let good = true
      const taken = first.read(v, () => {
        good = false
      })
      return good ? taken : second.read(v, report)
    },
    extra as Extra<A | B>
  )
