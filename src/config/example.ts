// Examples of the definitions as whole configurations: for the reference to show and for tests to check.
import type { Example } from '../core/component.ts'
import { PIPELINES, TYPE } from './catalog.ts'
import type { Catalog } from './catalog.ts'
import { check } from './check.ts'
import type { Outcome } from './checked.ts'
import { expand } from './expand.ts'
import { sortProblems } from './problem.ts'
import { plainData } from './read.ts'
import { mapNode } from './tree.ts'
import { parseYaml, toYaml } from './yaml.ts'

/** The section of a catalog that a definition belongs to, its own name and examples. */
export interface Exemplified {
  readonly name: string
  readonly examples?: readonly Example[]
}

const indent = (text: string, by: number): string => text.trimEnd().replace(/^(?=.)/gm, ' '.repeat(by))

/**
 * An example put in its place. It may be written as the options alone, as named units, as a step (`grok: …`), as the
 * options of a step, as a list of steps, or as a whole configuration.
 */
export function exampleConfig(catalog: Catalog, section: string, definition: Exemplified, example: Example): string {
  const { root } = parseYaml(example.yaml, 'example')
  const keys = root?.kind === 'map' ? [...root.entries.keys()] : []
  const sections = [...Object.keys(catalog.sections), ...Object.keys(catalog.units), PIPELINES]
  const { name } = definition
  if (keys.length > 0 && keys.every(key => sections.includes(key))) return `${example.yaml.trimEnd()}\n`
  const units = catalog.units[section]
  if (units === undefined) {
    const steps = root?.kind === 'list'
    const step = keys.includes(name) || (root?.kind === 'scalar' && root.text === name)
    const item = step ? `- ${indent(example.yaml, 2).trimStart()}` : `- ${name}:\n${indent(example.yaml, 4)}`
    return `${PIPELINES}:\n  example:\n${indent(steps ? example.yaml : item, 4)}\n`
  }
  const own = units.definitions.find(d => d.name === name)
  const options = { ...units.common, ...own?.fields }
  if (!keys.every(key => key === TYPE || Object.hasOwn(options, key)))
    return `${section}:\n${indent(example.yaml, 2)}\n`
  const typed = keys.includes(TYPE) || units.typeFromName === true || units.defaultType === name
  const data = root === undefined ? {} : (plainData(root) as object)
  const yaml = typed ? example.yaml : toYaml({ [TYPE]: name, ...data })
  return `${section}:\n  ${units.typeFromName === true ? name : `my_${name}`}:\n${indent(yaml, 4)}\n`
}

/** Checks an example alone: the names of other units in it are taken as given, variables and secrets as set. */
export function checkExample<C extends Catalog>(catalog: C, config: string): Outcome<C> {
  const file = 'example'
  const text = config.replaceAll(/\$\{(?:file|credential):[^}]*\}/g, 'secret')
  const parsed = parseYaml(text, file)
  const root = parsed.root ?? mapNode({ file, line: 1, column: 1 })
  const env = new Proxy({}, { get: () => '1' })
  const expanded = expand(root, { env, dir: '/' })
  const { checked, problems, warnings } = check(expanded.root, catalog, { files: [file], alone: true })
  const all = sortProblems([...parsed.problems, ...expanded.problems, ...problems], [file])
  return { checked, problems: all, warnings }
}
