// Pipelines: lists of steps, each a map of one step and its options, or the bare name of a step that needs none.
import type { BuiltStep, Context, StepDefinition } from '../core/component.ts'
import type { Condition } from '../core/condition.ts'
import { condition, didYouMean, optional } from '../core/field.ts'
import { WHEN } from './catalog.ts'
import type { CheckedPipeline, CheckedStep } from './catalog.ts'
import { showField, showOptions } from './dump.ts'
import { placeOf, plainData, readOptions, readValue, runBuild, runLint, signatureOf } from './read.ts'
import type { Findings, Place } from './read.ts'
import { shapeOf } from './shape.ts'
import { isBroken, isNothing, locate, mapNode, scalarNode } from './tree.ts'
import type { Entry, Node } from './tree.ts'

export type StepTable = ReadonlyMap<string, StepDefinition>

/** `when` of the steps that have none of their own. */
export const whenField = optional(condition('The step works only on records that meet it; others pass untouched.'))

export interface PipelineRead {
  readonly pipeline: CheckedPipeline
  /** No step of it is wrong. Else it has those that can be built all the same. */
  readonly good: boolean
}

/** Reads the steps of a pipeline and reports what is wrong; undefined when it is none. */
export function readPipeline(found: Findings, table: StepTable, place: Place, name: string): PipelineRead | undefined {
  const { node, path, at } = place
  const items = isNothing(node) ? [] : node.kind === 'list' ? node.items : undefined
  if (items === undefined) {
    if (!isBroken(node)) found.report(at, path, 'must be a list of steps')
    return undefined
  }
  const read = items.map((item, i) => readStep(found, table, placeOf(path, i, { at: item.at, value: item })))
  const steps = read.flatMap(one => (one === undefined ? [] : [one.step]))
  const good = read.every(one => one?.good === true)
  return { pipeline: { name, at, inline: name === path, steps, signature: signatureOf(plainData(node)) }, good }
}

/** Undefined when so much of the step is wrong that it can't be built. */
function readStep(
  found: Findings,
  table: StepTable,
  place: Place
): { readonly step: CheckedStep; readonly good: boolean } | undefined {
  const one = oneStep(found, place)
  if (one === undefined) return undefined
  const definition = table.get(one.name)
  if (definition === undefined) {
    found.report(one.place.at, place.path, `unknown step "${one.name}"${didYouMean(one.name, [...table.keys()])}`)
    return undefined
  }
  const outer = one.when === undefined ? undefined : readWhen(found, placeOf(place.path, WHEN, one.when))
  const step =
    definition.fields === undefined
      ? readOfValue(found, definition, one.place)
      : readOfOptions(found, definition, one.place)
  if (step === undefined) return undefined
  if (outer !== undefined && step.when !== undefined) {
    found.report(one.when!.at, `${place.path}.${WHEN}`, `stands among the options of ${one.name} already`)
    return undefined
  }
  const when = outer ?? step.when
  const whenNode = one.when?.value
  const good = step.wrong.size === 0 && (one.when === undefined || outer !== undefined)
  const checked: CheckedStep = {
    name: one.name,
    path: one.place.path,
    at: (option = '') => locate(one.place.node, option, one.place.at).at,
    build: context =>
      guarded(
        runBuild(found, one.place, () => step.build(context), step.wrong),
        when
      ),
    show: () => ({
      [one.name]: step.show(),
      ...(whenNode === undefined ? {} : { [WHEN]: showField(whenField, whenNode, [], found) })
    })
  }
  return { step: checked, good }
}

interface One {
  readonly name: string
  readonly place: Place
  readonly when: Entry | undefined
}

/** The step that an item of the list names, with its options and the `when` beside it. */
function oneStep(found: Findings, { node, path, at }: Place): One | undefined {
  if (isBroken(node)) return undefined
  if (node.kind === 'scalar' && typeof node.value === 'string')
    return { name: node.value, place: { node: mapNode(at), path: `${path}.${node.value}`, at }, when: undefined }
  if (node.kind !== 'map') {
    found.report(at, path, 'must be a step: its name and options, such as "json: {}"')
    return undefined
  }
  const names = [...node.entries.keys()].filter(name => name !== WHEN)
  const [name] = names
  if (name === undefined || names.length > 1) {
    const many = name === undefined ? 'names no step' : `has ${names.length} steps (${names.join(', ')})`
    found.report(at, path, `${many}; each item of the list is one step, its options indented below its name`)
    return undefined
  }
  return { name, place: placeOf(path, name, node.entries.get(name)!), when: node.entries.get(WHEN) }
}

function readWhen(found: Findings, place: Place): Condition | undefined {
  return readValue(found, whenField, place)?.value as Condition | undefined
}

interface Read {
  /** Options that were reported; it is built without them only to find what else is wrong. */
  readonly wrong: ReadonlySet<string>
  readonly when: Condition | undefined
  build(context: Context): BuiltStep
  show(): unknown
}

function readOfOptions(found: Findings, definition: StepDefinition, place: Place): Read | undefined {
  const own = definition.fields!
  const ownsWhen = Object.hasOwn(own, WHEN)
  const fields = ownsWhen ? own : { ...own, [WHEN]: whenField }
  const read = readOptions(found, fields, place)
  if (read === undefined) return undefined
  const { values, wrong } = read
  const { [WHEN]: when, ...others } = values
  const options = (ownsWhen ? values : others) as never
  if (definition.lint !== undefined) runLint(found, place, () => definition.lint!(options), wrong)
  return {
    wrong,
    when: ownsWhen ? undefined : (when as Condition | undefined),
    build: context => definition.build(options, context),
    show: () => showOptions(fields, place.node, found.shape(fields), found)
  }
}

function readOfValue(found: Findings, definition: StepDefinition, place: Place): Read | undefined {
  const field = definition.value!
  const node: Node =
    field.default !== undefined && isEmpty(place.node) ? scalarNode(place.at, null, { text: '' }) : place.node
  const read =
    node === place.node ? readValue(found, field, place) : { value: field.read(field.default, () => undefined) }
  if (read === undefined) return undefined
  const value = read.value as never
  if (definition.lint !== undefined) runLint(found, place, () => definition.lint!(value))
  return {
    wrong: new Set(),
    when: undefined,
    build: context => definition.build(value, context),
    show: () =>
      node === place.node ? showField(field, place.node, shapeOf(field.json), found) : (field.default ?? null)
  }
}

const isEmpty = (node: Node): boolean => isNothing(node) || (node.kind === 'map' && node.entries.size === 0)

function guarded(step: BuiltStep, when: Condition | undefined): BuiltStep {
  if (when === undefined) return step
  const { run, writes } = step
  return { writes, run: (event, cursor) => !when(event, cursor) || run(event, cursor) }
}
