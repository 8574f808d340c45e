// Reads options out of the tree: the fields check, this file finds the place in the file for what they report.
import { createHash } from 'node:crypto'
import { ConditionError } from '../core/condition.ts'
import { describe, OptionError } from '../core/errors.ts'
import { isMap, jsonSchemaOf, readFields } from '../core/field.ts'
import type { Field, Fields, Report } from '../core/field.ts'
import { conceal, secretsOf } from './conceal.ts'
import { masking } from './masking.ts'
import { ConfigError } from './problem.ts'
import type { Problem } from './problem.ts'
import { expectsAnything, expectsSecret, expectsText, shapeInside, shapeOf } from './shape.ts'
import type { Shape } from './shape.ts'
import { hasFault, hasSecret, isBroken, isNothing, joinPath, locate, mapNode } from './tree.ts'
import type { Entry, MapNode, Node, Position, ScalarNode } from './tree.ts'

/** A part of the configuration: what stands there, its path, and where its key stands. */
export interface Place {
  readonly node: Node
  readonly path: string
  readonly at: Position
}

/** The place of a key in a map. */
export const placeOf = (path: string, key: string | number, entry: Entry): Place => ({
  node: entry.value,
  path: joinPath(path, key),
  at: entry.at
})

/** Everything found wrong or odd, and every text that must not be shown. */
export class Findings {
  readonly problems: Problem[] = []
  readonly warnings: Problem[] = []
  readonly secrets: Set<string>
  readonly mask: (text: string) => string
  /** How values are shown of which something is secret by where they stand. */
  readonly concealed = new Map<Node, string>()
  readonly #shapes = new Map<Fields, Shape>()

  constructor(secrets: Iterable<string>) {
    this.secrets = new Set(secrets)
    this.mask = masking(this.secrets)
  }

  /** Finds what is secret by where it stands in a tree. */
  conceal(root: Node): void {
    conceal(root, (node, { shown, secrets }) => {
      this.concealed.set(node, shown)
      for (const secret of secrets) this.secrets.add(secret)
    })
  }

  report(at: Position, path: string, message: string): void {
    this.problems.push({ at, path, message: this.mask(message) })
  }

  warn(at: Position, path: string, message: string): void {
    this.warnings.push({ at, path, message: this.mask(message) })
  }

  /** What a map of options expects. */
  shape(fields: Fields): Shape {
    const shape = this.#shapes.get(fields) ?? shapeOf(jsonSchemaOf(fields))
    this.#shapes.set(fields, shape)
    return shape
  }
}

/** The problem that an option of a place has; undefined when the option's fault was told already. */
export function problemAt(place: Place, option: string, message: string): Problem | undefined {
  const found = locate(place.node, option, place.at)
  if (isBroken(found.nearest) || (found.node !== undefined && hasFault(found.node))) return undefined
  // What a value shows of itself after "got" is the whole of it.
  const safe = found.node !== undefined && hasSecret(found.node) ? message.replace(/, got [^]*$/, ', got ***') : message
  const relative = /^[.[]/.test(option) || option === '' ? option : `.${option}`
  const path = place.path === '' ? relative.replace(/^\./, '') : place.path + relative
  return { at: message.startsWith('unknown ') ? found.keyAt : found.at, path, message: safe }
}

const reporter =
  (found: Findings, place: Place): Report =>
  (option, message) => {
    const problem = problemAt(place, option, message)
    if (problem?.at !== undefined) found.report(problem.at, problem.path, problem.message)
  }

/** Options as they were read. */
export interface OptionsRead {
  readonly values: Record<string, unknown>
  /** Names of those that were wrong, and of those meant by unknown ones: they stand as if they weren't given. */
  readonly wrong: ReadonlySet<string>
}

/** Reads a map of options and reports all that is wrong in it; undefined when a required one of them is. */
export function readOptions(found: Findings, fields: Fields, place: Place): OptionsRead | undefined {
  const node = isNothing(place.node) ? mapNode(place.at) : place.node
  const here = { ...place, node }
  if (node.kind === 'map') warnDeprecated(found, fields, here)
  const reports: Array<[option: string, message: string]> = []
  const read = readFields(fields, valueAt(found, here, found.shape(fields)), (...report) => reports.push(report))
  const misspelt = new Set(reports.map(([option, message]) => meant(option, message)))
  const report = reporter(found, here)
  for (const [option, message] of reports)
    if (!(message.startsWith('is required') && misspelt.has(option))) report(option, message)
  if (read !== undefined && !hasFault(node)) return { values: read, wrong: new Set() }
  return node.kind === 'map' ? readOthers(fields, here, node, reports) : undefined
}

/** Reads what is left of a map without the options that were reported. */
function readOthers(
  fields: Fields,
  place: Place,
  node: MapNode,
  reports: ReadonlyArray<readonly [option: string, message: string]>
): OptionsRead | undefined {
  const wrong = new Set<string>()
  for (const [option, message] of reports) {
    const key = [...node.entries.keys()].find(
      name => option === name || (/^[.[]/.test(option.slice(name.length)) && option.startsWith(name))
    )
    wrong.add(key ?? option)
    const name = meant(option, message)
    if (name !== undefined) wrong.add(name)
  }
  for (const [name, { value }] of node.entries) if (hasFault(value)) wrong.add(name)
  const rest = mapNode(node.at, new Map([...node.entries].filter(([name]) => !wrong.has(name))))
  const silent = new Findings([])
  const values = readFields(fields, valueAt(silent, { ...place, node: rest }, silent.shape(fields)), () => {})
  return values === undefined ? undefined : { values, wrong }
}

/** True when a finding may only follow from what was told of these options. */
const follows = (wrong: ReadonlySet<string>, option: string, message: string): boolean =>
  wrong.size > 0 && `${option} ${message}`.split(/[^\w-]+/).some(word => wrong.has(word))

/** The option that was meant by an unknown one: that it is missing then goes without saying. */
function meant(option: string, message: string): string | undefined {
  const name = /^unknown option; did you mean "(.*)"\?$/.exec(message)?.[1]
  return name === undefined ? undefined : option.slice(0, option.lastIndexOf('.') + 1) + name
}

/** Reads one value; as `readOptions`. */
export function readValue(found: Findings, field: Field<unknown>, place: Place): { value: unknown } | undefined {
  let good = !hasFault(place.node)
  const report = reporter(found, place)
  const value = field.read(valueAt(found, place, shapeOf(field.json)), (path, message) => {
    good = false
    report(path, message)
  })
  return good ? { value } : undefined
}

/** What stands there as plain data for the fields to read; on the way secrets are noted and odd spellings warned about. */
function valueAt(found: Findings, place: Place, shape: Shape): unknown {
  const { node, path } = place
  if (node.kind === 'scalar') return scalarAt(found, node, path, shape)
  if (node.kind === 'list') {
    return node.items.map((item, i) =>
      valueAt(found, { node: item, path: joinPath(path, i), at: item.at }, shapeInside(shape, i))
    )
  }
  const out: Record<string, unknown> = {}
  for (const [key, entry] of node.entries) out[key] = valueAt(found, placeOf(path, key, entry), shapeInside(shape, key))
  return out
}

function scalarAt(found: Findings, node: ScalarNode, path: string, shape: Shape): unknown {
  // Fields know every value of YAML; what they report of this one is not passed on.
  if (node.broken) return null
  if (expectsSecret(shape)) for (const secret of secretsOf(node.text)) found.secrets.add(secret)
  const text = expectsText(shape)
  // YAML 1.1, which most tools of the field read, takes these for booleans and octal numbers.
  if (node.plain && /^(?:yes|no|on|off)$/i.test(node.text) && (text || expectsAnything(shape)))
    found.warn(node.at, path, `${node.text} is a text here, not true or false; put it in quotes if that is meant`)
  if (node.plain && typeof node.value === 'number' && /^[-+]?0\d/.test(node.text) && !text)
    found.warn(node.at, path, `${node.text} is read as ${node.value}, not as an octal number`)
  return text && node.value !== null ? node.text : node.value
}

function warnDeprecated(found: Findings, fields: Fields, place: Place): void {
  if (place.node.kind !== 'map') return
  for (const [name, entry] of place.node.entries) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (field?.deprecated !== undefined)
      found.warn(entry.at, joinPath(place.path, name), `is deprecated: ${field.deprecated}`)
    if (field?.fields !== undefined) warnDeprecated(found, field.fields, placeOf(place.path, name, entry))
  }
}

/** Plain data without judgement. */
export function plainData(node: Node): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(plainData)
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plainData(entry.value)]))
}

/** The same for the same content, whatever the order of its keys; a digest, so it gives no secret away. */
export const signatureOf = (...parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts, sortKeys)).digest('base64url')

const sortKeys = (_key: string, value: unknown): unknown =>
  isMap(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value

/**
 * Runs a lint; what it yields, and what it throws, is reported where the option stands. What has to do with an option
 * that is `wrong` is not: it was told already.
 */
export function runLint(
  found: Findings,
  place: Place,
  lint: () => Iterable<readonly [option: string, message: string]>,
  wrong: ReadonlySet<string> = NONE
): void {
  const report = reporter(found, place)
  try {
    for (const [option, message] of lint()) if (!follows(wrong, option, message)) report(option, message)
  } catch (error) {
    if (wrong.size === 0) report('', `cannot be checked: ${describe(error)}`)
  }
}

const NONE: ReadonlySet<string> = new Set()

/**
 * Runs a build; throws ConfigError with the place of the option that was at fault, without a problem when that has to do
 * with an option that is `wrong`.
 */
export function runBuild<T>(found: Findings, place: Place, build: () => T, wrong: ReadonlySet<string> = NONE): T {
  try {
    return build()
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const option = error instanceof OptionError ? error.option : error instanceof ConditionError ? error.path : ''
    const message = found.mask(describe(error))
    if (wrong.size > 0 && (option === '' || follows(wrong, option, message)))
      throw new ConfigError([], { cause: error })
    const problem = problemAt(place, option, message) ?? { at: place.at, path: place.path, message }
    throw new ConfigError([problem], { cause: error })
  }
}
