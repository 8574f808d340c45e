// One pattern made ready to match: expanded, parsed, and given to the engine that matches it exactly.
import { GrokError } from './error.ts'
import { expand } from './expand.ts'
import type { Groups } from './assign.ts'
import { Oniguruma, OnigurumaError } from './oniguruma-wasm.ts'
import type { Parsed } from './regex-ast.ts'
import { emitRegex, seesLines } from './regex-emit.ts'
import { whyNotJs } from './regex-exact.ts'
import { anchored, neededText } from './regex-needs.ts'
import { toOniguruma } from './regex-oniguruma.ts'
import { parseRegex } from './regex-parse.ts'
import { RegexSyntaxError, Unsupported } from './regex-scan.ts'

export type Engine = 'javascript' | 'oniguruma'

/** A compiled pattern. */
export interface Matcher {
  /** The pattern as the user wrote it. */
  readonly pattern: string
  readonly engine: Engine
  /** Why this engine: what JavaScript cannot match exactly, or '' when it can. */
  readonly reason: string
  /** The expression as the engine has it; for JavaScript that for texts without a newline. */
  readonly source: string
  /** The names of the captures in the order of their opening; none when all groups are plain. */
  readonly names: readonly string[]
  /** The group of each capture in a match: `groups[n]` for the capture number n. */
  readonly groups: readonly number[]
  /** Searches a text; null when it does not match. Throws GrokTimeout when the engine gave up. */
  readonly exec: (text: string) => (Groups & { readonly index: number; readonly 0: string }) | null
}

/** The engine gave up at its limit before it knew whether the text matches. */
export class GrokTimeout extends Error {
  constructor(pattern: string) {
    super(`pattern ${JSON.stringify(pattern)} took too long`)
    this.name = 'GrokTimeout'
  }
}

export interface MatcherOptions {
  readonly patterns: ReadonlyMap<string, string>
  readonly namedOnly: boolean
  /** Which engine to take; without it JavaScript wherever it is exact. For tests. */
  readonly engine?: Engine | undefined
  /** The Oniguruma that several patterns share; made when the first of them needs it. */
  readonly host: OnigurumaHost
}

/** Compiles a pattern. Throws GrokError naming what is wrong and where. */
export function compileMatcher(pattern: string, options: MatcherOptions): Matcher {
  const { text, origin } = expand(pattern, options.patterns, options.namedOnly)
  try {
    const parsed = options.engine === 'oniguruma' ? 'it was asked for' : parse(text)
    if (typeof parsed !== 'string') return javascript(pattern, parsed)
    return oniguruma(pattern, text, parsed, options.host)
  } catch (error) {
    if (error instanceof RegexSyntaxError) throw syntaxError(pattern, text, error.message, error.position, origin)
    if (error instanceof OnigurumaError) throw new GrokError('REGEX', `${error.message} in pattern ${quote(pattern)}`)
    throw error
  }
}

/** The tree, or why JavaScript cannot match it. */
function parse(text: string): Parsed | string {
  try {
    const parsed = parseRegex(text)
    return whyNotJs(parsed.root) ?? parsed
  } catch (error) {
    if (error instanceof Unsupported) return error.message
    throw error
  }
}

function javascript(pattern: string, parsed: Parsed): Matcher {
  const { source, groups } = emitRegex(parsed, true)
  const oneLine = new RegExp(source, 'u')
  let manyLines: RegExp | undefined
  const lines = (): RegExp => (manyLines ??= new RegExp(emitRegex(parsed, false).source, 'u'))
  // A text without a newline begins and ends where its one line does, which the engine finds out faster.
  const search = seesLines(parsed)
    ? (text: string) => (text.includes('\n') ? lines() : oneLine).exec(text)
    : (text: string) => oneLine.exec(text)
  const needed = anchored(parsed.root) ? '' : neededText(parsed.root)
  const exec = needed === '' ? search : (text: string) => (text.includes(needed) ? search(text) : null)
  return { pattern, engine: 'javascript', reason: '', source, names: parsed.names, groups, exec }
}

/** An instance of Oniguruma that is made on demand, and anew when a time limit has cut a call to it. */
export class OnigurumaHost {
  #instance: Oniguruma | undefined

  get instance(): Oniguruma {
    if (this.#instance === undefined || this.#instance.broken) this.#instance = new Oniguruma()
    return this.#instance
  }
}

/** A miss that took longer, in milliseconds, is looked at again: it may be Oniguruma giving up. */
const SUSPICIOUS_MS = 5

function oniguruma(pattern: string, text: string, reason: string, host: OnigurumaHost): Matcher {
  const { source, names } = toOniguruma(text)
  let instance = host.instance
  let scanner = instance.compile(source)
  const exec = (line: string): OnigurumaMatch | null => {
    if (host.instance !== instance) {
      instance = host.instance
      scanner = instance.compile(source)
    }
    const start = performance.now()
    const found = instance.search(scanner, line)
    if (found !== undefined) return readMatch(instance, found)
    if (performance.now() - start > SUSPICIOUS_MS && gaveUp(instance, source, line)) throw new GrokTimeout(pattern)
    return null
  }
  const groups = Array.from({ length: names.length + 1 }, (_, i) => i)
  return { pattern, engine: 'oniguruma', reason, source, names, groups, exec }
}

type OnigurumaMatch = (string | undefined)[] & { index: number; 0: string }

function readMatch(instance: Oniguruma, found: Int32Array): OnigurumaMatch {
  const groups: (string | undefined)[] = []
  for (let i = 0; i < found.length; i += 2) {
    groups.push(found[i]! < 0 ? undefined : instance.slice(found[i]!, found[i + 1]!))
  }
  return Object.assign(groups, { index: instance.slice(0, found[0]!).length, 0: groups[0]! })
}

/**
 * Whether the search ended at Oniguruma's limit (10 million retries from one start), for which the binding answers the
 * same as for a miss. With the text's end as one more way to match, a miss becomes a match, and only the limit is left.
 */
function gaveUp(instance: Oniguruma, source: string, line: string): boolean {
  const scanner = instance.compile(`\\z|${source}`)
  const limit = instance.search(scanner, line) === undefined
  instance.free(scanner)
  return limit
}

const quote = (text: string): string => JSON.stringify(text)

function syntaxError(
  pattern: string,
  text: string,
  message: string,
  at: number,
  origin: (at: number) => number
): GrokError {
  const position = origin(at)
  const near = text.slice(Math.max(0, at - 10), at + 20)
  const inside = pattern.slice(position, position + near.length).includes(text.slice(at, at + 3))
    ? ''
    : `, near ${quote(near)}`
  return new GrokError('REGEX', `${message} at position ${position} of pattern ${quote(pattern)}${inside}`, position)
}
