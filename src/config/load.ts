// Which files make the configuration, and how they are put together: the main file and `conf.d/*.yaml` beside it.
import { readdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, errnoOf } from '../core/errors.ts'
import type { Catalog } from './catalog.ts'
import { check } from './check.ts'
import type { Outcome } from './checked.ts'
import { expand, isScratch } from './expand.ts'
import { sortProblems } from './problem.ts'
import type { Problem } from './problem.ts'
import { readSource } from './source.ts'
import { isBroken, isNothing, mapNode } from './tree.ts'
import type { Entry, MapNode, Node } from './tree.ts'
import { parseYaml } from './yaml.ts'

export const DEFAULT_PATH = '/etc/yarder/yarder.yaml'
export const DROP_INS = 'conf.d'

type Env = Readonly<Record<string, string | undefined>>

/** A place where the main file may be. */
export interface LookedAt {
  readonly from: '-c' | '$YARDER_CONFIG' | 'default'
  readonly path: string
  readonly state: 'taken' | 'absent'
}

/**
 * Finds the main file: `-c`, else `$YARDER_CONFIG`, else /etc/yarder/yarder.yaml. One that was named is taken even
 * when it doesn't exist, so that loading it says so; `path` is undefined only when nothing is named and none is there.
 */
export function findConfig(explicit: string | undefined, env: Env, standard = DEFAULT_PATH): Found {
  const named = env['YARDER_CONFIG']
  if (explicit !== undefined) return { path: explicit, places: [{ from: '-c', path: explicit, state: 'taken' }] }
  if (named !== undefined && named !== '')
    return { path: named, places: [{ from: '$YARDER_CONFIG', path: named, state: 'taken' }] }
  const there = !isAbsent(standard)
  const place: LookedAt = { from: 'default', path: standard, state: there ? 'taken' : 'absent' }
  return there ? { path: standard, places: [place] } : { path: undefined, places: [place] }
}

export interface Found {
  readonly path: string | undefined
  readonly places: readonly LookedAt[]
}

/** Only what is surely absent is; what can't be looked at is told when it is read. */
function isAbsent(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined
  } catch {
    return false
  }
}

/** Reads and checks the main file and its drop-ins. Never throws; problems are sorted as they stand in the files. */
export function loadConfig<C extends Catalog>(path: string, catalog: C, env: Env): Outcome<C> {
  const problems: Problem[] = []
  const files = [path, ...dropIns(path, problems)]
  const texts = files.map(file => ({ file, text: readSource(file, problems) }))
  return assemble(texts, catalog, { env, dir: resolve(dirname(path)) }, problems)
}

/** As `loadConfig`, from a text at hand; `file` names it in messages. */
export function loadText<C extends Catalog>(
  text: string,
  catalog: C,
  env: Env,
  file = 'yarder.yaml',
  dir = '.'
): Outcome<C> {
  return assemble([{ file, text }], catalog, { env, dir: resolve(dir) }, [])
}

/** The directory of drop-ins that belongs to a main file. */
export const dropInDir = (path: string): string => join(dirname(path), DROP_INS)

/** True for the names of files in it that are read. */
export const isDropIn = (name: string): boolean => /^[^.].*\.ya?ml$/.test(name)

function dropIns(path: string, problems: Problem[]): string[] {
  const dir = dropInDir(path)
  try {
    const names = readdirSync(dir).filter(isDropIn)
    return names.sort().map(name => join(dir, name))
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') problems.push({ path: dir, message: `cannot be read: ${describe(error)}` })
    return []
  }
}

function assemble<C extends Catalog>(
  texts: ReadonlyArray<{ readonly file: string; readonly text: string | undefined }>,
  catalog: C,
  surroundings: { readonly env: Env; readonly dir: string },
  problems: Problem[]
): Outcome<C> {
  const files = texts.map(t => t.file)
  const secrets = new Set<string>()
  const reads = new Set<string>()
  const roots: Node[] = []
  for (const { file, text } of texts) {
    if (text === undefined) continue
    const parsed = parseYaml(text, file)
    problems.push(...parsed.problems)
    if (parsed.root === undefined) continue
    const expanded = expand(parsed.root, surroundings)
    problems.push(...expanded.problems)
    for (const secret of expanded.secrets) secrets.add(secret)
    for (const read of expanded.reads) reads.add(read)
    roots.push(expanded.root)
  }
  // What is defined in a file that can't be read would be missed everywhere else: nothing more can be said then.
  const whole = roots.length === texts.length
  const root = whole ? merge(roots, problems) : mapNode({ file: files[0] ?? '', line: 1, column: 1 })
  const outcome = check(root, catalog, { files, reads: [...reads], secrets })
  const all = whole ? [...problems, ...outcome.problems] : problems
  const mask = (p: Problem): Problem => ({ ...p, message: outcome.checked.mask(p.message) })
  return {
    checked: outcome.checked,
    problems: sortProblems(all.map(mask), files),
    warnings: sortProblems(outcome.warnings, files)
  }
}

/** Puts the sections of several files together, by the names in them; a name that is there twice is reported. */
function merge(roots: readonly Node[], problems: Problem[]): Node {
  const sections = new Map<string, Entry>()
  for (const root of roots) {
    if (root.kind !== 'map') {
      if (!isNothing(root) && !isBroken(root))
        problems.push({ at: root.at, path: '', message: 'must be a map of sections' })
      continue
    }
    for (const [name, entry] of root.entries) {
      if (isScratch(name)) continue
      const before = sections.get(name)
      if (before === undefined || isNothing(before.value)) sections.set(name, entry)
      else if (before.value.kind === 'map' && entry.value.kind === 'map')
        sections.set(name, { at: before.at, value: joined(name, before.value, entry.value, problems) })
      else if (!isNothing(entry.value)) problems.push({ at: entry.at, path: name, message: 'must be a map' })
    }
  }
  const first = roots[0]
  return first === undefined ? mapNode({ file: '', line: 1, column: 1 }) : mapNode(first.at, sections)
}

function joined(section: string, one: MapNode, two: MapNode, problems: Problem[]): MapNode {
  const entries = new Map(one.entries)
  for (const [name, entry] of two.entries) {
    const first = entries.get(name)
    if (first === undefined) entries.set(name, entry)
    else {
      const { file, line, column } = first.at
      const message = `is defined twice; first at ${file}:${line}:${column}`
      problems.push({ at: entry.at, path: `${section}.${name}`, message })
    }
  }
  return mapNode(one.at, entries)
}
