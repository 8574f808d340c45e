// What the options expect at a place, as far as their JSON Schemas tell: a text, a secret, anything.

type Json = Record<string, unknown>

/** The schemas that may hold at a place, alternatives side by side; none means that anything may stand there. */
export type Shape = readonly Json[]

export const ANYTHING: Shape = []

/** The alternatives of a schema. */
export function shapeOf(schema: unknown): Shape {
  if (typeof schema !== 'object' || schema === null) return ANYTHING
  const json = schema as Json
  const alternatives = json['anyOf'] ?? json['oneOf']
  if (Array.isArray(alternatives)) return alternatives.flatMap(shapeOf)
  return Object.keys(json).length === 0 ? ANYTHING : [json]
}

/** What is expected under a key, or as an item of a list. */
export function shapeInside(shape: Shape, key: string | number): Shape {
  return shape.flatMap(json => {
    if (typeof key === 'number') return shapeOf(json['items'])
    const properties = (json['properties'] ?? {}) as Json
    return shapeOf(Object.hasOwn(properties, key) ? properties[key] : json['additionalProperties'])
  })
}

const typesOf = (json: Json): readonly unknown[] => [json['type']].flat()

const isContainer = (json: Json): boolean => typesOf(json).every(t => t === 'array' || t === 'object')

/** True when nothing but a text is expected of a plain value, so that `1.20` means these four characters. */
export function expectsText(shape: Shape): boolean {
  const plain = shape.filter(json => !isContainer(json))
  return (
    plain.length > 0 &&
    plain.every(json => {
      const types = typesOf(json)
      return types.includes('string') && (types.length === 1 || types.includes('number'))
    })
  )
}

/** True when an option that is never shown may stand there (`writeOnly` in its schema). */
export const expectsSecret = (shape: Shape): boolean => shape.some(json => json['writeOnly'] === true)

/** True when the options don't say what stands there: free fields of records, conditions. */
export const expectsAnything = (shape: Shape): boolean =>
  shape.every(json => Object.keys(json).every(k => k === 'description' || k === 'default') || json['type'] === 'object')
