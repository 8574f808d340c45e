// JSON Schema of the whole configuration, as editors use it for completion, hover texts and marks.
import type { StepDefinition } from '../core/component.ts'
import { jsonSchemaOf } from '../core/field.ts'
import type { Fields } from '../core/field.ts'
import { PIPELINES, TYPE, WHEN } from './catalog.ts'
import type { Catalog, UnitDefinition, UnitSection } from './catalog.ts'
import { conditionSchema } from './conditions.ts'
import { whenField } from './steps.ts'

type Json = Record<string, unknown>

const NAMES = { pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$' }
/** A text with `${…}` in it may become anything. */
const VARIABLE = { type: 'string', pattern: '\\$\\{' }

/**
 * Written in what draft-07 and 2020-12 have in common, since yaml-language-server reads the former and `$defs` are
 * reached by plain pointers in both. Stricter than the agent in one way: it wants numbers as numbers.
 */
export function configSchema(catalog: Catalog): Json {
  const defs: Record<string, Json> = {
    steps: { type: 'array', items: { $ref: '#/$defs/step' } },
    pipeline: { anyOf: [{ type: 'string' }, { $ref: '#/$defs/steps' }] },
    step: stepSchema(catalog.steps),
    condition: withVariables(conditionSchema())
  }
  const properties: Record<string, Json> = {}
  for (const [name, { doc, fields }] of Object.entries(catalog.sections))
    properties[name] = { ...withVariables(jsonSchemaOf(fields)), type: ['object', 'null'], description: doc }
  for (const [name, section] of Object.entries(catalog.units)) {
    for (const d of section.definitions) defs[`${name}.${d.name}`] = unitSchema(section, d)
    properties[name] = sectionSchema(name, section)
  }
  properties[PIPELINES] = {
    type: ['object', 'null'],
    description: 'What is done with records, by name.',
    propertyNames: NAMES,
    additionalProperties: { $ref: '#/$defs/steps' }
  }
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $comment: "Generated from the components' definitions; edit those.",
    description: 'Configuration of yarder.',
    type: ['object', 'null'],
    properties,
    patternProperties: { '^x-': { description: 'Not read; a place for anchors.' } },
    additionalProperties: false,
    $defs: defs
  }
}

const either = (test: Json, yes: Json, no?: Json): Json => {
  // Nothing awaits a schema.
  // oxlint-disable-next-line unicorn/no-thenable
  return { if: test, then: yes, ...(no === undefined ? {} : { else: no }) }
}

function unitSchema(section: UnitSection, definition: UnitDefinition): Json {
  const json = withVariables(jsonSchemaOf({ ...section.common, ...definition.fields }))
  const type = { const: definition.name, description: definition.summary }
  return { ...json, description: definition.summary, properties: { [TYPE]: type, ...(json['properties'] as Json) } }
}

function sectionSchema(name: string, section: UnitSection): Json {
  const types = section.definitions.map(d => d.name)
  const ref = (type: string): Json => ({ $ref: `#/$defs/${name}.${type}` })
  const typed: Json = {
    type: 'object',
    properties: { [TYPE]: { enum: types } },
    allOf: types.map(type => either({ properties: { [TYPE]: { const: type } }, required: [TYPE] }, ref(type)))
  }
  const untyped = { not: { required: [TYPE] } }
  const unit =
    section.defaultType === undefined
      ? { ...typed, required: [TYPE] }
      : { ...typed, ...either(untyped, ref(section.defaultType)) }
  const named = types.map(type => [
    type,
    either({ anyOf: [{ type: 'null' }, untyped] }, { anyOf: [{ type: 'null' }, ref(type)] }, typed)
  ])
  return {
    type: ['object', 'null'],
    description: section.doc,
    propertyNames: NAMES,
    ...(section.typeFromName === true ? { properties: Object.fromEntries(named) } : {}),
    additionalProperties: unit
  }
}

/** A map of one step, with `when` beside it if need be; or the name of a step that can do without options. */
function stepSchema(steps: readonly StepDefinition[]): Json {
  const properties: Record<string, unknown> = {}
  for (const step of steps) properties[step.name] = { description: step.summary, ...optionsSchema(step) }
  properties[WHEN] = { ...whenField.json, description: whenField.doc }
  return {
    anyOf: [
      { type: 'string', enum: steps.filter(needsNothing).map(step => step.name) },
      {
        type: 'object',
        properties,
        additionalProperties: false,
        ...either({ required: [WHEN] }, { minProperties: 2, maxProperties: 2 }, { minProperties: 1, maxProperties: 1 })
      }
    ]
  }
}

function optionsSchema(step: StepDefinition): Json {
  if (step.value !== undefined) return withVariables(step.value.json)
  const fields: Fields = { ...step.fields, ...(Object.hasOwn(step.fields!, WHEN) ? {} : { [WHEN]: whenField }) }
  const json = withVariables(jsonSchemaOf(fields))
  return needsNothing(step) ? { ...json, type: ['object', 'null'] } : json
}

const needsNothing = (step: StepDefinition): boolean =>
  step.value !== undefined
    ? step.value.default !== undefined
    : Object.values(step.fields!).every(f => f.default !== undefined || f.optional === true)

/** Lets a text with a variable stand wherever the agent would take its value. */
function withVariables(json: Json): Json {
  const out = { ...json }
  // Editors judge formats by rules of their own, such as those of another dialect of regular expressions.
  delete out['format']
  for (const key of ['properties', '$defs']) {
    const inner = out[key] as Record<string, Json> | undefined
    if (inner !== undefined)
      out[key] = Object.fromEntries(Object.entries(inner).map(([name, value]) => [name, withVariables(value)]))
  }
  for (const key of ['items', 'additionalProperties']) {
    if (typeof out[key] === 'object') out[key] = withVariables(out[key] as Json)
  }
  for (const key of ['anyOf', 'oneOf']) if (Array.isArray(out[key])) out[key] = out[key].map(withVariables)
  return takesAnyText(out) ? out : orVariable(out)
}

function takesAnyText(json: Json): boolean {
  const types = [json['type']].flat()
  if (json['enum'] !== undefined || json['const'] !== undefined || json['pattern'] !== undefined) return false
  const leaf = types.some(t => typeof t === 'string' && t !== 'array' && t !== 'object' && t !== 'null')
  return !leaf || types.includes('string')
}

function orVariable({ description, default: standard, deprecated, ...rest }: Json): Json {
  const notes = { description, default: standard, deprecated }
  const given = Object.fromEntries(Object.entries(notes).filter(([, value]) => value !== undefined))
  return { ...given, anyOf: [rest, VARIABLE] }
}
