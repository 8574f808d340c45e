// YAML text to a tree with positions. The only file that knows the yaml package.
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, stringify } from 'yaml'
import type { Document, Node as YamlNode, Scalar as YamlScalar, YAMLMap, YAMLParseError } from 'yaml'
import { didYouMean } from '../core/field.ts'
import type { Problem } from './problem.ts'
import { brokenNode, isBroken, joinPath, mapNode, scalarNode } from './tree.ts'
import type { Entry, MapNode, Node, Position, ScalarNode } from './tree.ts'

/** How deep lists and maps may nest. */
const MAX_DEPTH = 100
/** How many nodes aliases may add to those that are written: ten aliases of ten aliases … would fill the memory. */
const MAX_ALIASED = 100_000
const MAX_TEXT = 16 * 1024 * 1024

const KNOWN_TAGS = new Set(['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map(t => `tag:yaml.org,2002:${t}`))

export interface Parsed {
  /** Absent when the text is no YAML: then `problems` says why, and nothing else can be said about it. */
  readonly root?: Node
  readonly problems: readonly Problem[]
}

/** Reads one YAML 1.2 document (JSON is one too). Never throws; what is wrong is in `problems`. */
export function parseYaml(source: string, file: string): Parsed {
  const text = source.startsWith('\ufeff') ? source.slice(1) : source
  const start: Position = { file, line: 1, column: 1 }
  if (text.length > MAX_TEXT) return { problems: [{ at: start, path: '', message: 'is larger than 16 MiB' }] }
  const lines = new LineCounter()
  // 'silent' would take a second document without a word; uniqueKeys compares each key with each, and names no path.
  const options = { lineCounter: lines, prettyErrors: false, uniqueKeys: false, logLevel: 'error' } as const
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(1, line), column: Math.max(1, col) }
  }
  try {
    const document = parseDocument(text, options)
    const faults = syntaxFaults(document, text)
    const problems = faults.list.map(f => ({ at: at(f.offset), path: '', message: f.message }))
    if (faults.fatal) return { problems }
    const reader = new Reader(at, new Set(faults.list.map(f => f.offset)), problems)
    const root = document.contents === null ? mapNode(start) : reader.read(document.contents as YamlNode, '', 0)
    return { root, problems }
  } catch (error) {
    // The parser descends without a limit of its own.
    const message = error instanceof RangeError ? 'nests too deeply' : `cannot be read as YAML: ${String(error)}`
    return { problems: [{ at: start, path: '', message }] }
  }
}

/** Values as a YAML text, for people; nothing in it is folded, and no anchors are made. */
export const toYaml = (value: unknown): string =>
  stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, singleQuote: true, blockQuote: false })

/** A value on one line, as it may stand behind a key. */
export function inlineYaml(value: unknown): string {
  if (typeof value !== 'object' || value === null) return toYaml(value).trimEnd()
  return stringify(value, {
    collectionStyle: 'flow',
    flowCollectionPadding: false,
    lineWidth: 0,
    singleQuote: true
  }).trimEnd()
}

interface Faults {
  fatal: boolean
  list: Array<{ offset: number; message: string }>
}

/**
 * One mistake makes the parser stumble again further down: only the first is told. But after a grok pattern or a
 * back-quote without quotes the rest of the file mostly reads as it was meant, so all of those are told.
 */
function syntaxFaults(document: Document.Parsed, text: string): Faults {
  const { yaml } = document.directives ?? { yaml: { version: '1.2' } }
  if (yaml.version !== '1.2')
    return { fatal: true, list: [{ offset: 0, message: 'only YAML 1.2 is read; leave the %YAML line out' }] }
  const errors = document.errors.toSorted((a, b) => a.pos[0] - b.pos[0])
  const first = errors.find(e => e.code !== 'BAD_SCALAR_START')
  const unquoted = errors.filter(e => e.code === 'BAD_SCALAR_START' && e.pos[0] <= (first?.pos[0] ?? Infinity))
  const list = unquoted.map(e => ({
    offset: e.pos[0],
    message: `is not valid YAML: a text that begins with "${e.message.at(-1)}" needs quotes`
  }))
  const from = unquoted.at(-1)?.pos[0]
  const follows = first !== undefined && from !== undefined && !text.slice(from, first.pos[0]).includes('\n')
  if (first !== undefined && !follows) list.push({ offset: first.pos[0], message: syntaxMessage(first, text) })
  return { fatal: first !== undefined, list }
}

function syntaxMessage({ code, message, pos }: YAMLParseError, text: string): string {
  if (code === 'MULTIPLE_DOCS') return 'only one document may be in a file; take the "---" out'
  const braces = text[pos[0]] === '{' && /[$%]/.test(text[pos[0] - 1] ?? '')
  if (braces) return `is not valid YAML: a text with "${text[pos[0] - 1]}{" needs quotes within { } and [ ]`
  const open = /^Flow (?:map|sequence) in block collection .* end with a (.)$/.exec(message)?.[1]
  if (open !== undefined)
    return `is not valid YAML: a "${open === '}' ? '{' : '['}" above is not closed; its "${open}" is missing`
  const quote = /^Missing closing (.)quote$/.exec(message)?.[1]
  if (quote !== undefined) return `is not valid YAML: a text that begins with ${quote} has no closing ${quote}`
  const line = text.slice(text.lastIndexOf('\n', pos[0] - 1) + 1).split('\n', 1)[0]!
  const hint = syntaxHint(code, line)
  return `is not valid YAML: ${message[0]!.toLowerCase()}${message.slice(1)}${hint}`
}

/** What the usual mistake is behind a fault that YAML words in its own way. */
function syntaxHint(code: string, line: string): string {
  if (code === 'TAB_AS_INDENT') return '; use spaces'
  const glued = /^\s*(?:- )?([A-Za-z_][\w.-]*):[^\s/]/.exec(line)
  if (code === 'MULTILINE_IMPLICIT_KEY' && glued !== null) return `; a space is missing after "${glued[1]}:"`
  if (code !== 'BLOCK_AS_IMPLICIT_KEY') return ''
  if (/^\s*-(?:\s|$)/.test(line)) return '; an item of a list ("- ") stands among keys'
  return '; a text with ": " in it needs quotes, or the indentation is off'
}

interface Anchor {
  /** Absent while its own content is still being read. */
  node?: Node
  /** How many nodes it stands for. */
  size: number
}

class Reader {
  readonly #at: (offset: number) => Position
  /** Offsets of scalars whose fault was told already. */
  readonly #told: ReadonlySet<number>
  readonly #problems: Problem[]
  readonly #anchors = new Map<string, Anchor>()
  /** Nodes read so far, aliased ones counted as often as they are used. */
  #size = 0
  #aliased = 0

  constructor(at: (offset: number) => Position, told: ReadonlySet<number>, problems: Problem[]) {
    this.#at = at
    this.#told = told
    this.#problems = problems
  }

  read(node: YamlNode | null, path: string, depth: number, offset = 0): Node {
    this.#size++
    if (node === null) return scalarNode(this.#at(offset), null)
    const at = this.#at(node.range?.[0] ?? offset)
    if (depth > MAX_DEPTH) return this.#broken(at, path, `nests deeper than ${MAX_DEPTH}`)
    if (isAlias(node)) return this.#alias(node.source, at, path)
    const anchor: Anchor = { size: this.#size }
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, anchor)
    const read = this.#content(node, at, path, depth)
    anchor.node = read
    anchor.size = this.#size - anchor.size + 1
    return read
  }

  #content(node: YamlNode, at: Position, path: string, depth: number): Node {
    const tag = node.tag
    if (tag !== undefined && !KNOWN_TAGS.has(tag)) {
      const shown = tag.replace(/^tag:yaml\.org,2002:/, '!!')
      return this.#broken(at, path, `unknown tag "${shown}"; a text that begins with "!" needs quotes`)
    }
    if (isMap(node)) return this.#map(node, at, path, depth)
    if (isSeq(node)) {
      const items = node.items.map((item, i) => this.read(item as YamlNode, joinPath(path, i), depth + 1))
      return { kind: 'list', at, items }
    }
    if (!isScalar(node)) return this.#broken(at, path, 'is nothing a configuration can hold')
    return this.#told.has(node.range?.[0] ?? -1) ? brokenNode(at) : scalar(node, at)
  }

  #map(node: YAMLMap, at: Position, path: string, depth: number): MapNode {
    const entries = new Map<string, Entry>()
    const merged: Node[] = []
    for (const { key, value } of node.items as Array<{ key: unknown; value: YamlNode | null }>) {
      const name = this.#key(key, at, path)
      if (name === undefined) continue
      const child = joinPath(path, name.text)
      const read = this.read(value, child, depth + 1, name.end)
      const first = entries.get(name.text)
      if (name.text === '<<' && name.plain) merged.push(...(read.kind === 'list' ? read.items : [read]))
      else if (first === undefined) entries.set(name.text, { at: name.at, value: read })
      else {
        const { file, line, column } = first.at
        this.#problems.push({ at: name.at, path: child, message: `is given twice; first at ${file}:${line}:${column}` })
      }
    }
    for (const base of merged) {
      if (base.kind === 'map') for (const [k, entry] of base.entries) if (!entries.has(k)) entries.set(k, entry)
      if (base.kind !== 'map' && !isBroken(base))
        this.#broken(base.at, joinPath(path, '<<'), 'must be a map or a list of maps')
    }
    return mapNode(at, entries)
  }

  #key(
    key: unknown,
    map: Position,
    path: string
  ): { text: string; plain: boolean; at: Position; end: number } | undefined {
    const range = (key as YamlNode | null)?.range
    const at = range ? this.#at(range[0]) : map
    if (!isScalar(key) || key.value === null) {
      this.#broken(at, path, 'a key must be a plain text')
      return undefined
    }
    const text = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value))
    if (text === '__proto__') {
      this.#broken(at, joinPath(path, text), 'is not allowed as a key')
      return undefined
    }
    return { text, plain: key.type === 'PLAIN', at, end: range?.[1] ?? 0 }
  }

  #alias(name: string, at: Position, path: string): Node {
    const anchor = this.#anchors.get(name)
    if (anchor === undefined) {
      const hint = didYouMean(name, [...this.#anchors.keys()]) || '; a text that begins with "*" needs quotes'
      return this.#broken(at, path, `unknown alias "*${name}"${hint}`)
    }
    if (anchor.node === undefined) return this.#broken(at, path, `alias "*${name}" contains itself`)
    this.#size += anchor.size
    this.#aliased += anchor.size
    if (this.#aliased <= MAX_ALIASED) return anchor.node
    const first = this.#aliased - anchor.size <= MAX_ALIASED
    return first ? this.#broken(at, path, `aliases stand for more than ${MAX_ALIASED} values`) : brokenNode(at)
  }

  #broken(at: Position, path: string, message: string): Node {
    this.#problems.push({ at, path, message })
    return brokenNode(at)
  }
}

function scalar(node: YamlScalar, at: Position): ScalarNode {
  const plain = node.type === 'PLAIN'
  const value = node.value
  if (typeof value === 'string') return scalarNode(at, value, { plain })
  const text = node.source ?? String(value)
  // A number that can't hold its digits stays the text it was written as.
  if (typeof value === 'number' && !exact(value, text)) return scalarNode(at, text, { plain })
  return typeof value === 'number' || typeof value === 'boolean' || value === null
    ? scalarNode(at, value, { text, plain })
    : brokenNode(at)
}

const exact = (value: number, text: string): boolean =>
  !/^[-+]?\d+$/.test(text) || String(value) === text || BigInt(text) === BigInt(value)

/** What a plain (unquoted) text would be in YAML 1.2: a number, true, nothing, or itself. */
export function plainValue(text: string): ScalarNode['value'] {
  if (/^(?:null|Null|NULL|~)$/.test(text)) return null
  if (/^(?:true|True|TRUE)$/.test(text)) return true
  if (/^(?:false|False|FALSE)$/.test(text)) return false
  if (/^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(text))
    return exact(Number(text), text) ? Number(text) : text
  return text
}
