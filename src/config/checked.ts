// A checked configuration: what the assembly builds from, and what `yarder config` shows.
import type { Context } from '../core/component.ts'
import type { Values } from '../core/field.ts'
import { PIPELINES } from './catalog.ts'
import type { Catalog, CheckedPipeline, UnitDefinition, UnitSection } from './catalog.ts'
import { ConfigError } from './problem.ts'
import type { Problem } from './problem.ts'
import type { Position } from './tree.ts'
import { toYaml } from './yaml.ts'

/** One map of options: `agent`, `admin`. */
export interface Section<V = Record<string, unknown>> {
  readonly values: V
  /** Changes exactly when something in it does. */
  readonly signature: string
  at(option?: string): Position
  show(): unknown
}

/** A named unit whose options are right. */
export interface Unit<Common = Record<string, unknown>, Ctx = never, Built = unknown> {
  readonly section: string
  readonly name: string
  readonly type: string
  readonly definition: UnitDefinition
  /** Its own options, as the definition's fields read them. */
  readonly options: unknown
  /** Those that every unit of the section takes. */
  readonly common: Common
  /** `inputs.nginx` */
  readonly path: string
  /** Changes exactly when an option of it does; the content of its pipeline is not in it (`CheckedPipeline.signature`). */
  readonly signature: string
  /** Where an option of it stands in the files; `''` for itself. */
  at(option?: string): Position
  /** Throws ConfigError with the place of the option that only building could find wrong. */
  build(context: Ctx): Built
  /** As `yarder config` shows it: with defaults, secrets masked. */
  show(): unknown
}

type UnitOf<S extends UnitSection> = Unit<
  Values<S['common']>,
  Parameters<S['definitions'][number]['build']>[1],
  ReturnType<S['definitions'][number]['build']>
>

/** What has a fault and may have more: looked through by `buildProblems`, and by nobody else. */
export interface Doubtful {
  readonly units: readonly Unit[]
  readonly pipelines: readonly CheckedPipeline[]
}

/** A configuration without faults. */
export interface Checked<C extends Catalog = Catalog> {
  readonly sections: { readonly [K in keyof C['sections']]: Section<Values<C['sections'][K]['fields']>> }
  /** By section, in the order of the files. */
  readonly units: { readonly [K in keyof C['units']]: ReadonlyArray<UnitOf<C['units'][K]>> }
  /** The named ones. */
  readonly pipelines: ReadonlyMap<string, CheckedPipeline>
  /** Nothing, unless a problem was found. */
  readonly doubtful: Doubtful
  /** Of all that a section names, right or not: more than the units of it when a problem was found. */
  names(section: string): readonly string[]
  /** The files it came from, the main one first. */
  readonly files: readonly string[]
  /** Files whose content was put in by `${file:…}` and credentials. */
  readonly reads: readonly string[]
  /** Takes its secrets out of a text. */
  readonly mask: (text: string) => string
}

export interface Outcome<C extends Catalog> {
  /** Complete when there is no problem; else only what was right, for `buildProblems` to find more in. */
  readonly checked: Checked<C>
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
}

/**
 * Builds every unit and every step, throws what it built away, and returns what only building could find wrong: a grok
 * pattern, a time zone. Building is pure, so this touches nothing. `contextFor` gives the context of a unit, or of the
 * steps of a pipeline (`section` is `pipelines` then).
 */
export function buildProblems<C extends Catalog>(
  checked: Checked<C>,
  contextFor: (section: string, name: string) => object
): Problem[] {
  const problems: Problem[] = []
  const attempt = (build: () => unknown): void => {
    try {
      build()
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      problems.push(...error.problems)
    }
  }
  const inline: CheckedPipeline[] = []
  for (const unit of [...(Object.values(checked.units) as Unit[][]).flat(), ...checked.doubtful.units]) {
    attempt(() => unit.build(contextFor(unit.section, unit.name) as never))
    for (const value of Object.values(unit.common)) if (isInline(value)) inline.push(value)
  }
  for (const pipeline of [...checked.pipelines.values(), ...checked.doubtful.pipelines, ...inline]) {
    for (const step of pipeline.steps) attempt(() => step.build(contextFor(PIPELINES, pipeline.name) as Context))
  }
  return problems
}

const isInline = (value: unknown): value is CheckedPipeline =>
  typeof value === 'object' && value !== null && 'inline' in value && 'steps' in value && value.inline === true

/** The configuration in effect as YAML: defaults filled in, secrets as `***`. */
export function dump<C extends Catalog>(checked: Checked<C>): string {
  const named = (units: readonly Unit[]): Record<string, unknown> =>
    Object.fromEntries(units.map(unit => [unit.name, unit.show()]))
  const shown: Record<string, unknown> = {}
  for (const [name, section] of Object.entries(checked.sections) as Array<[string, Section]>)
    shown[name] = section.show()
  for (const [name, units] of Object.entries(checked.units) as Array<[string, Unit[]]>)
    if (units.length > 0) shown[name] = named(units)
  if (checked.pipelines.size > 0) {
    shown[PIPELINES] = Object.fromEntries([...checked.pipelines].map(([name, p]) => [name, p.steps.map(s => s.show())]))
  }
  return toYaml(shown)
}
