// What a configuration may hold, as the assembly tells it: sections, kinds of units and their definitions, steps.
import type { BuiltStep, Context, Example, StepDefinition } from '../core/component.ts'
import type { Field, Fields } from '../core/field.ts'
import type { Position } from './tree.ts'

/** Names an option and what is wrong with it. */
export type Lint = Iterable<readonly [option: string, message: string]>

/** A section that is one map of options: `agent`, `admin`. */
export interface SectionSpec {
  /** A sentence for the reference. */
  readonly doc: string
  readonly fields: Fields
  readonly lint?: (values: never) => Lint
}

/** Anything with options that `define…` of core/component.ts makes. */
export interface UnitDefinition {
  readonly kind: string
  readonly name: string
  readonly summary: string
  readonly description?: string
  readonly examples?: readonly Example[]
  readonly fields: Fields
  readonly lint?: (options: never) => Lint
  readonly build: (options: never, context: never) => unknown
}

/** A section of named units: `inputs`, `outputs`, `checks`. Each unit has a `type`, which names its definition. */
export interface UnitSection {
  readonly doc: string
  readonly definitions: readonly UnitDefinition[]
  /** Options that every unit of the section takes besides its own. */
  readonly common: Fields
  /** The name of a unit is its type unless it gives one: `prometheus: {}`. */
  readonly typeFromName?: boolean
  /** The type of a unit that gives none. */
  readonly defaultType?: string
  /** Options whose value is the name (or a list of names) of units in another section: `{outputs: 'outputs'}`. */
  readonly refersTo?: Readonly<Record<string, string>>
  readonly lint?: (common: never) => Lint
}

export interface Catalog {
  readonly sections: Readonly<Record<string, SectionSpec>>
  readonly units: Readonly<Record<string, UnitSection>>
  readonly steps: readonly StepDefinition[]
}

/** Gives a catalog its exact type, so that what is checked against it has the types of its fields. */
export const defineCatalog = <const C extends Catalog>(catalog: C): C => catalog

/** The section of named pipelines, which every configuration has. */
export const PIPELINES = 'pipelines'
/** Options of every step: which records it works on. */
export const WHEN = 'when'
/** Option of every unit: the name of its definition. */
export const TYPE = 'type'

/** A step whose options are right. */
export interface CheckedStep {
  readonly name: string
  /** `pipelines.nginx[0].grok` */
  readonly path: string
  /** Where an option of it stands in the files. */
  at(option?: string): Position
  /** Throws ConfigError. A `when` that the step doesn't read itself is built in: other records pass untouched. */
  build(context: Context): BuiltStep
  /** As `yarder config` shows it: with defaults, secrets masked. */
  show(): unknown
}

/** What an input's `pipeline` becomes, whether it named one or held the steps itself. */
export interface CheckedPipeline {
  /** Its name, or the path of the option that holds its steps: `inputs.app.pipeline`. */
  readonly name: string
  /** Where it stands in the files. */
  readonly at: Position
  /** True when the steps stand in the option itself. */
  readonly inline: boolean
  readonly steps: readonly CheckedStep[]
  /** Changes exactly when something in it does. */
  readonly signature: string
}

const MARK: unique symbol = Symbol('pipeline')

/** An option that is the name of a pipeline or the list of its steps. Only for the common options of a section. */
export function pipelineField(doc: string, extra: { example?: unknown } = {}): Field<CheckedPipeline> {
  // The steps are known to the catalog, not to a field: check.ts reads the value itself.
  const field: Field<CheckedPipeline> & { [MARK]: true } = {
    ...extra,
    doc,
    type: 'pipeline',
    limits: 'a name, or a list of steps',
    json: { $ref: '#/$defs/pipeline' },
    read: () => undefined,
    [MARK]: true
  }
  return field
}

export const isPipelineField = (field: Field<unknown>): boolean => MARK in field

/** What a catalog itself has wrong; for its tests. */
export function catalogFaults(catalog: Catalog): string[] {
  const faults: string[] = []
  const names = [...Object.keys(catalog.sections), ...Object.keys(catalog.units), PIPELINES]
  for (const name of repeated(names)) faults.push(`section ${name} is there twice`)
  for (const [name, section] of Object.entries(catalog.units)) {
    for (const type of repeated(section.definitions.map(d => d.name))) faults.push(`${name} has ${type} twice`)
    for (const option of Object.keys(section.refersTo ?? {})) {
      if (!Object.hasOwn(section.common, option)) faults.push(`${name} has no common option ${option} to refer with`)
      if (!names.includes(section.refersTo![option]!)) faults.push(`${name}.${option} refers to no section`)
    }
    for (const d of section.definitions) {
      for (const option of Object.keys(d.fields)) {
        if (option === TYPE || Object.hasOwn(section.common, option))
          faults.push(`${name} of type ${d.name}: option ${option} belongs to every unit of the section`)
      }
    }
  }
  for (const step of repeated(catalog.steps.map(d => d.name))) faults.push(`step ${step} is there twice`)
  for (const d of catalog.steps) {
    if (d.name === WHEN) faults.push(`no step can be called ${WHEN}`)
    if ((d.fields === undefined) === (d.value === undefined)) faults.push(`step ${d.name} needs options or one value`)
  }
  return faults
}

const repeated = (names: readonly string[]): string[] => [...new Set(names.filter((n, i) => names.indexOf(n) !== i))]
