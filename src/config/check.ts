// A tree and a catalog make a checked configuration, or every problem there is, each with its place.
import { didYouMean, anything, optional } from '../core/field.ts'
import type { Fields } from '../core/field.ts'
import { isPipelineField, PIPELINES, TYPE } from './catalog.ts'
import type { Catalog, CheckedPipeline, SectionSpec, UnitDefinition, UnitSection } from './catalog.ts'
import type { Checked, Outcome, Section, Unit } from './checked.ts'
import { showOptions } from './dump.ts'
import { isRequired, mostLikely, optionsOfAny } from './guess.ts'
import { Findings, placeOf, plainData, readOptions, runBuild, runLint, signatureOf } from './read.ts'
import type { Place } from './read.ts'
import { readPipeline } from './steps.ts'
import type { PipelineRead, StepTable } from './steps.ts'
import { isBroken, isNothing, joinPath, locate, mapNode, scalarNode } from './tree.ts'
import type { Entry, MapNode, Node, Position } from './tree.ts'

/** Where a tree came from. */
export interface Origin {
  readonly files: readonly string[]
  readonly reads?: readonly string[]
  readonly secrets?: Iterable<string>
  /** A piece of a configuration: names of units and pipelines that aren't in it are taken as given. */
  readonly alone?: boolean
}

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/
const COMMON: Fields = { [TYPE]: optional(anything('The kind of unit.')) }

/** Checks a tree whose variables are replaced. Never throws on what a file can hold. */
export function check<C extends Catalog>(root: Node, catalog: C, origin: Origin): Outcome<C> {
  const found = new Findings(origin.secrets ?? [])
  found.conceal(root)
  const checker = new Checker(found, catalog, sectionsOf(found, catalog, root), origin.alone === true)
  const start = { file: origin.files[0] ?? '', line: 1, column: 1 }
  const sections = Object.entries(catalog.sections).map(([name, spec]) => [name, checker.section(name, spec, start)])
  const pipelines = checker.pipelines()
  const units = Object.entries(catalog.units).map(([name, spec]) => [name, checker.units(name, spec, pipelines)])
  const checked = {
    sections: Object.fromEntries(sections),
    units: Object.fromEntries(units),
    pipelines,
    doubtful: checker.doubtful,
    names: (section: string) => checker.names(section),
    files: origin.files,
    reads: origin.reads ?? [],
    mask: found.mask
  } as unknown as Checked<C>
  return { checked, problems: found.problems, warnings: found.warnings }
}

/** The known sections. One that is no map is reported, and kept as it is: what it should hold can't be told. */
function sectionsOf(found: Findings, catalog: Catalog, root: Node): ReadonlyMap<string, Entry> {
  const known = [...Object.keys(catalog.sections), ...Object.keys(catalog.units), PIPELINES]
  const sections = new Map<string, Entry>()
  if (root.kind !== 'map') {
    if (!isNothing(root)) found.report(root.at, '', `must be a map of sections; known are ${known.sort().join(', ')}`)
    return sections
  }
  for (const [name, { at, value }] of root.entries) {
    if (!known.includes(name)) {
      found.report(at, name, `unknown section${didYouMean(name, known)}`)
      continue
    }
    const node = isNothing(value) ? mapNode(at) : value
    sections.set(name, { at, value: node })
    if (node.kind === 'map' || isBroken(node)) continue
    found.report(at, name, Object.hasOwn(catalog.sections, name) ? 'must be a map of options' : namesWanted(node))
  }
  return sections
}

/** `type:file` is one text to YAML. */
const gluedKey = (node: Node): string => {
  const key = node.kind === 'scalar' ? /^([A-Za-z_]+):\S/.exec(node.text)?.[1] : undefined
  return key === undefined ? '' : `; a space is missing after "${key}:"`
}

/** Other agents have lists of units; here each has a name. */
const namesWanted = (node: Node): string =>
  `must be a map of names${node.kind === 'list' ? ', not a list; write "NAME:" in place of each "-", its options indented below' : ''}`

class Checker {
  readonly #found: Findings
  readonly #sections: ReadonlyMap<string, Entry>
  readonly #steps: StepTable
  readonly #alone: boolean
  readonly doubtful: { readonly units: Unit[]; readonly pipelines: CheckedPipeline[] } = { units: [], pipelines: [] }

  constructor(found: Findings, catalog: Catalog, sections: ReadonlyMap<string, Entry>, alone: boolean) {
    this.#found = found
    this.#sections = sections
    this.#alone = alone
    this.#steps = new Map(catalog.steps.map(d => [d.name, d]))
  }

  section(name: string, { fields, lint }: SectionSpec, start: Position): Section {
    const found = this.#found
    const entry = this.#sections.get(name) ?? { at: start, value: mapNode(start) }
    const place = placeOf('', name, entry)
    const clear = entry.value.kind === 'map'
    const read = clear ? readOptions(found, fields, place) : undefined
    if (read !== undefined && lint !== undefined) runLint(found, place, () => lint(read.values as never), read.wrong)
    return {
      // With problems in it only `buildProblems` goes on with it; the defaults will do.
      values: (read ?? readOptions(new Findings([]), fields, { ...place, node: mapNode(start) }))?.values ?? {},
      signature: signatureOf(plainData(place.node)),
      at: (option = '') => locate(place.node, option, place.at).at,
      show: () => showOptions(fields, place.node, found.shape(fields), found)
    }
  }

  pipelines(): Map<string, CheckedPipeline> {
    const out = new Map<string, CheckedPipeline>()
    for (const [name, place] of this.#named(PIPELINES)) {
      const read = this.#pipeline(place, name)
      if (read?.good === true) out.set(name, read.pipeline)
    }
    return out
  }

  /** The names in a section, whether what they name is right or not. */
  names(section: string): string[] {
    const node = this.#sections.get(section)?.value
    return node?.kind === 'map' ? [...node.entries.keys()] : []
  }

  #pipeline(place: Place, name: string): PipelineRead | undefined {
    const read = readPipeline(this.#found, this.#steps, place, name)
    if (read?.good === false) this.doubtful.pipelines.push(read.pipeline)
    return read
  }

  #inlinePipeline(place: Place): CheckedPipeline | undefined {
    const read = this.#pipeline(place, place.path)
    return read?.good === true ? read.pipeline : undefined
  }

  units(section: string, spec: UnitSection, pipelines: ReadonlyMap<string, CheckedPipeline>): Unit[] {
    const types = new Map(spec.definitions.map(d => [d.name, d]))
    const units: Unit[] = []
    if (this.#namesNobody(section)) return units
    for (const [name, place] of this.#named(section)) {
      const node = isNothing(place.node) ? mapNode(place.at) : place.node
      if (isBroken(node)) continue
      if (node.kind !== 'map') {
        this.#found.report(place.at, place.path, `must be a map of options${gluedKey(node)}`)
        continue
      }
      const unit = this.#unit(section, spec, types, name, { ...place, node }, pipelines)
      if (unit !== undefined) units.push(unit)
    }
    return units
  }

  /** True when options stand where names of units belong, which is told once and not for each of them. */
  #namesNobody(section: string): boolean {
    const node = this.#sections.get(section)?.value
    const type = node?.kind === 'map' ? node.entries.get(TYPE) : undefined
    if (type?.value.kind !== 'scalar' || isNothing(type.value)) return false
    const right = `${section}: { NAME: { type: ${type.value.text}, … } }`
    this.#found.report(type.at, joinPath(section, TYPE), `stands where a name belongs; write "${right}"`)
    return true
  }

  #unit(
    section: string,
    spec: UnitSection,
    types: ReadonlyMap<string, UnitDefinition>,
    name: string,
    place: Place & { node: MapNode },
    pipelines: ReadonlyMap<string, CheckedPipeline>
  ): Unit | undefined {
    const found = this.#found
    const { definition, sure } = this.#definition(spec, types, name, place)
    const piped = this.#pipelineOptions(spec, place, pipelines)
    const referred = this.#references(spec, place)
    const typeless = definition === undefined && !place.node.entries.has(TYPE)
    const own = typeless
      ? optionsOfAny(spec.definitions, place.node)
      : sure || definition === undefined
        ? definition?.fields
        : optionsOfAny([definition], place.node)
    const fields = { ...COMMON, ...spec.common, ...own }
    // Options of an unknown type can't be judged; those of every unit can.
    const known = [...place.node.entries].filter(([key]) => own !== undefined || Object.hasOwn(fields, key))
    const entries = new Map(known.map(([key, e]) => [key, Object.hasOwn(piped.values, key) ? HANDLED(e) : e]))
    const read = readOptions(found, fields, { ...place, node: mapNode(place.node.at, entries) })
    if (read === undefined || definition === undefined) return undefined
    const { values, wrong } = read
    // What a type that is only guessed requires is told once the type is known.
    if (!sure && Object.entries(definition.fields).some(([key, f]) => isRequired(f) && values[key] === undefined))
      return undefined
    const common = { ...pick(values, spec.common), ...piped.values }
    const options = pick(values, definition.fields) as never
    if (spec.lint !== undefined) runLint(found, place, () => spec.lint!(common as never), wrong)
    if (definition.lint !== undefined) runLint(found, place, () => definition.lint!(options), wrong)
    const signed = [...place.node.entries].filter(([key]) => piped.values[key] === undefined)
    const unit: Unit = {
      section,
      name,
      type: definition.name,
      definition,
      options,
      common,
      path: place.path,
      signature: signatureOf(definition.name, plainData(mapNode(place.at, new Map(signed)))),
      at: (option = '') => locate(place.node, option, place.at).at,
      build: context => runBuild(found, place, () => definition.build(options, context), wrong),
      show: () => ({
        type: definition.name,
        ...showOptions({ ...definition.fields, ...spec.common }, place.node, found.shape(fields), found),
        ...Object.fromEntries(Object.entries(piped.values).map(([k, p]) => [k, showPipeline(p)]))
      })
    }
    if (sure && wrong.size === 0 && piped.good && referred) return unit
    this.doubtful.units.push(unit)
    return undefined
  }

  /** The definition of a unit, or the one that is meant when it names none that is known. */
  #definition(
    spec: UnitSection,
    types: ReadonlyMap<string, UnitDefinition>,
    name: string,
    place: Place & { node: MapNode }
  ): { readonly definition: UnitDefinition | undefined; readonly sure: boolean } {
    const implied = spec.typeFromName === true ? name : spec.defaultType
    const key = place.node.entries.has(TYPE) || implied !== undefined ? TYPE : this.#misspeltType(spec, place)
    const given = place.node.entries.get(key)
    if (given !== undefined && isBroken(given.value)) return { definition: undefined, sure: false }
    const known = [...types.keys()].sort()
    if (given === undefined && implied === undefined) {
      const likely = mostLikely(types, name, place.node)
      const hint = likely === undefined ? `known are ${known.join(', ')}` : `did you mean "${likely.name}"?`
      this.#found.report(place.at, joinPath(place.path, TYPE), `is required; ${hint}`)
      return { definition: likely, sure: false }
    }
    const wanted = given?.value ?? scalarNode(place.at, implied ?? '')
    const definition = wanted.kind === 'scalar' ? types.get(wanted.text) : undefined
    if (definition !== undefined) return { definition, sure: true }
    if (key !== TYPE)
      this.#found.report(given!.at, joinPath(place.path, key), `unknown option; did you mean "${TYPE}"?`)
    const { at } = given === undefined ? place : locate(place.node, key, place.at)
    const path = given === undefined ? place.path : joinPath(place.path, TYPE)
    const hint = wanted.kind === 'scalar' ? didYouMean(wanted.text, known) : ''
    const type = wanted.kind === 'scalar' ? `unknown type "${wanted.text}"` : 'must be the name of a type'
    this.#found.report(at, path, type + hint)
    return { definition: types.get(/"(.*)"/.exec(hint)?.[1] ?? ''), sure: false }
  }

  /** A word that can only be meant to be `type`. With a known type under it, whoever reads the options reports that it is none. */
  #misspeltType(spec: UnitSection, { node }: { readonly node: MapNode }): string {
    const options = new Set(spec.definitions.flatMap(d => Object.keys(d.fields)).concat(Object.keys(spec.common)))
    const meant = (key: string, { value }: Entry): boolean =>
      !options.has(key) && value.kind === 'scalar' && didYouMean(key, [TYPE]).includes('mean')
    return [...node.entries].find(entry => meant(...entry))?.[0] ?? TYPE
  }

  /** Reads the options that are pipelines: names of them, or steps. */
  #pipelineOptions(
    spec: UnitSection,
    place: Place & { node: MapNode },
    pipelines: ReadonlyMap<string, CheckedPipeline>
  ): { good: boolean; values: Record<string, CheckedPipeline | undefined> } {
    const values: Record<string, CheckedPipeline | undefined> = {}
    let good = true
    for (const [option, field] of Object.entries(spec.common)) {
      const entry = isPipelineField(field) ? place.node.entries.get(option) : undefined
      if (entry === undefined) continue
      const here = placeOf(place.path, option, entry)
      const named = entry.value.kind === 'scalar' && !isNothing(entry.value) ? entry.value : undefined
      values[option] = named === undefined ? this.#inlinePipeline(here) : pipelines.get(named.text)
      if (named !== undefined && !named.broken) this.#refers(here, PIPELINES)
      if (this.#alone && named !== undefined)
        values[option] ??= { name: named.text, at: named.at, inline: false, steps: [], signature: '' }
      if (values[option] === undefined) good = false
    }
    return { good, values }
  }

  #references(spec: UnitSection, place: Place & { node: MapNode }): boolean {
    let good = true
    for (const [option, section] of Object.entries(spec.refersTo ?? {})) {
      const entry = place.node.entries.get(option)
      if (entry === undefined) continue
      const here = placeOf(place.path, option, entry)
      const items = entry.value.kind === 'list' ? entry.value.items : undefined
      if (items === undefined) good = this.#refers(here, section) && good
      else
        items.forEach(
          (value, i) => (good = this.#refers(placeOf(here.path, i, { at: value.at, value }), section) && good)
        )
    }
    return good
  }

  /** False when a name is in no section; what is no name is the field's to judge. */
  #refers(place: Place, section: string): boolean {
    const { node } = place
    if (this.#alone || node.kind !== 'scalar' || node.broken || node.value === null) return true
    const target = this.#sections.get(section)?.value ?? mapNode(place.at)
    if (target.kind !== 'map' || target.entries.has(node.text)) return true
    const { at } = locate(node, '', node.at)
    this.#found.report(
      at,
      place.path,
      `there is no "${node.text}" in ${section}${didYouMean(node.text, [...target.entries.keys()])}`
    )
    return false
  }

  /** The entries of a section, their names checked. */
  *#named(section: string): Iterable<readonly [name: string, place: Place]> {
    const node = this.#sections.get(section)?.value
    if (node?.kind !== 'map') return
    for (const [name, entry] of node.entries) {
      const place = placeOf(section, name, entry)
      if (!NAME.test(name))
        this.#found.report(
          place.at,
          place.path,
          'must be a name of letters, digits, ".", "_" and "-" that does not begin with "." or "-"'
        )
      yield [name, place]
    }
  }
}

/** Stands for an option that was read already. */
const HANDLED = (entry: Entry): Entry => ({ at: entry.at, value: scalarNode(entry.value.at, true) })

const pick = (values: Record<string, unknown>, fields: Fields): Record<string, unknown> =>
  Object.fromEntries(Object.keys(fields).map(name => [name, values[name]]))

const showPipeline = (pipeline: CheckedPipeline | undefined): unknown =>
  pipeline === undefined || !pipeline.inline ? pipeline?.name : pipeline.steps.map(step => step.show())
