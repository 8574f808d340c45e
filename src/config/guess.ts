// What a unit is taken for that says no type, so that the rest of it is judged in the same round.
import { optional } from '../core/field.ts'
import type { Field, Fields } from '../core/field.ts'
import type { UnitDefinition } from './catalog.ts'
import { Findings, readValue } from './read.ts'
import type { Entry, MapNode } from './tree.ts'

/** Options of these types, none of them required: of those that have a given one, the first that takes what is given. */
export function optionsOfAny(definitions: readonly UnitDefinition[], node: MapNode): Fields {
  const fields: Fields = {}
  for (const definition of definitions) {
    for (const [name, field] of Object.entries(definition.fields)) {
      const given = node.entries.get(name)
      const before = fields[name]
      if (before === undefined || (given !== undefined && !takes(before, given) && takes(field, given)))
        fields[name] = optional(field)
    }
  }
  return fields
}

/** True for an option that must be given. */
export const isRequired = (field: Field<unknown>): boolean => field.default === undefined && field.optional !== true

const takes = (field: Field<unknown>, { at, value }: Entry): boolean =>
  readValue(new Findings([]), field, { node: value, path: '', at }) !== undefined

/** The type that a unit without one is most likely of: it is called so, or has more of the given options than any other. */
export function mostLikely(
  types: ReadonlyMap<string, UnitDefinition>,
  name: string,
  node: MapNode
): UnitDefinition | undefined {
  const named = types.get(name)
  if (named !== undefined) return named
  const keys = [...node.entries.keys()]
  const scores = [...types.values()]
    .map(definition => ({ definition, score: keys.filter(key => Object.hasOwn(definition.fields, key)).length }))
    .sort((a, b) => b.score - a.score)
  const [best, second] = scores
  return best !== undefined && best.score > (second?.score ?? 0) ? best.definition : undefined
}
