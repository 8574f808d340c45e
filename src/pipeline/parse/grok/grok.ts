// Logstash's grok: matches fields of an event against patterns and writes what they capture into the event.
import { addTag } from '../../../core/event.ts'
import { compileAssign } from './assign.ts'
import type { Assign } from './assign.ts'
import { checkDefinition } from './expand.ts'
import { capturesOf, fieldPath, getPath, textOf } from './fields.ts'
import type { Capture } from './fields.ts'
import { compileMatcher, GrokTimeout, OnigurumaHost } from './matcher.ts'
import type { Engine, Matcher } from './matcher.ts'
import { parsePatternFile } from './patterns/index.ts'

export interface GrokOptions {
  /** Field reference → patterns, tried in order. */
  match: Record<string, string | readonly string[]>
  /** The set of named patterns, `patternSet(…)`. */
  patterns: ReadonlyMap<string, string>
  /** The texts of the user's pattern files; a later definition wins over an earlier one and over the set's. */
  patternFiles?: readonly string[] | undefined
  /** Patterns of this step alone; they win over all others. */
  pattern_definitions?: Readonly<Record<string, string>> | undefined
  /** The first pattern that matches ends the search, over all fields. Default true. */
  break_on_match?: boolean | undefined
  /** `%{NAME}` without a field captures nothing. Default true. */
  named_captures_only?: boolean | undefined
  /** Unset captures are written as null, empty ones as ''. Default false. */
  keep_empty_captures?: boolean | undefined
  /** Fields that a capture replaces instead of adding to. */
  overwrite?: readonly string[] | undefined
  /** Default `_grokparsefailure`. */
  tag_on_failure?: readonly string[] | undefined
  /** Default `_groktimeout`. */
  tag_on_timeout?: string | undefined
  /** The field that all captures go under; the event itself without it. */
  target?: string | undefined
  /** For the time limit around a batch, which the pipeline holds; kept here for it to read. */
  timeoutMs?: number | undefined
  /** Which engine to match with; without it JavaScript wherever it is exact. For tests. */
  engine?: Engine | undefined
}

/** A compiled grok step. */
export interface Grok {
  /**
   * Matches an event's fields and writes the captures; a miss adds the failure tags, a search that ran into the engine's
   * limit the timeout tag. `source` is the text of the first field where the caller has it at hand. Returns whether
   * it matched. May be interrupted at any time: nothing outside of the event is half done, and nothing in the event is
   * written before a pattern has matched.
   */
  apply(event: Record<string, unknown>, source?: string): boolean
  /** The top-level fields that it can write, tags aside. */
  readonly fields: readonly string[]
  /** The patterns as the user wrote them. */
  readonly patterns: readonly string[]
  /** The compiled patterns: which engine, and why. */
  readonly matchers: readonly Matcher[]
  readonly timeoutMs: number | undefined
}

export const FAILURE_TAG = '_grokparsefailure'
export const TIMEOUT_TAG = '_groktimeout'

interface Attempt {
  readonly matcher: Matcher
  readonly assign: Assign
  readonly captures: readonly Capture[]
}

/** The attempts at one field. */
interface Field {
  readonly path: readonly string[]
  readonly attempts: readonly Attempt[]
}

type Event = Record<string, unknown>

/** Compiles a grok step. Throws GrokError with what is wrong in which pattern. */
export function compileGrok(options: GrokOptions): Grok {
  const fields = compileFields(options)
  const failureTags = options.tag_on_failure ?? [FAILURE_TAG]
  const search = searcher(fields, options.break_on_match ?? true)
  const timeoutTag = options.tag_on_timeout ?? TIMEOUT_TAG
  const attempts = fields.flatMap(field => field.attempts)
  const failed = (event: Event): false => {
    for (const tag of failureTags) addTag(event, tag)
    return false
  }
  let apply = (event: Event, source?: string): boolean => search(event, source) || failed(event)
  if (attempts.some(attempt => attempt.matcher.engine === 'oniguruma')) {
    const inner = apply
    apply = (event, source) => {
      try {
        return inner(event, source)
      } catch (error) {
        if (!(error instanceof GrokTimeout)) throw error
        addTag(event, timeoutTag)
        return false
      }
    }
  }
  return {
    apply,
    fields: [...new Set(attempts.flatMap(attempt => attempt.captures.map(capture => capture.path[0]!)))],
    patterns: attempts.map(attempt => attempt.matcher.pattern),
    matchers: attempts.map(attempt => attempt.matcher),
    timeoutMs: options.timeoutMs
  }
}

function compileFields(options: GrokOptions): Field[] {
  const patterns = new Map(options.patterns)
  for (const text of options.patternFiles ?? []) {
    for (const [name, definition] of parsePatternFile(text)) patterns.set(name, definition)
  }
  for (const [name, definition] of Object.entries(options.pattern_definitions ?? {})) {
    checkDefinition(name, definition)
    patterns.set(name, definition)
  }
  const matcherOptions = {
    patterns,
    namedOnly: options.named_captures_only ?? true,
    engine: options.engine,
    host: new OnigurumaHost()
  }
  const target = options.target === undefined ? [] : fieldPath(options.target.trim())
  return Object.entries(options.match).map(([field, texts]) => ({
    path: fieldPath(field),
    attempts: (typeof texts === 'string' ? [texts] : texts).map(text => {
      const matcher = compileMatcher(text, matcherOptions)
      const captures = capturesOf(matcher.names, target)
      const assign = compileAssign(captures, {
        groups: matcher.groups,
        keepEmpty: options.keep_empty_captures ?? false,
        overwrite: options.overwrite ?? []
      })
      return { matcher, assign, captures }
    })
  }))
}

/** The search over all fields, or the short form of the common case: one pattern for one field of the event itself. */
function searcher(fields: readonly Field[], breakOnMatch: boolean): (event: Event, source?: string) => boolean {
  const general = (event: Event, source?: string): boolean => {
    let matched = false
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i]!
      const input = i === 0 && source !== undefined ? source : getPath(event, field.path)
      if (!matchField(field.attempts, input, event, breakOnMatch)) continue
      matched = true
      if (breakOnMatch) break
    }
    return matched
  }
  const [field] = fields
  const [attempt] = field?.attempts ?? []
  if (fields.length !== 1 || field!.attempts.length !== 1 || field!.path.length !== 1) return general
  const key = field!.path[0]!
  if (key in Object.prototype) return general
  const { assign, matcher } = attempt!
  const { exec } = matcher
  return (event, source) => {
    const text = source ?? event[key]
    if (typeof text !== 'string') return general(event, source)
    const groups = exec(text)
    return groups !== null && assign(groups, event)
  }
}

function matchField(attempts: readonly Attempt[], input: unknown, event: Event, breakOnMatch: boolean): boolean {
  if (!Array.isArray(input)) return matchText(attempts, textOf(input), event, breakOnMatch) === 'matched'
  let matched = false
  // A capture may change the very field, but never its old array.
  for (const item of input) {
    const outcome = matchText(attempts, textOf(item), event, breakOnMatch)
    if (outcome === 'refused') return false
    if (outcome === 'matched') matched = true
  }
  return matched
}

/**
 * Tries the patterns on one text. Without `break_on_match` the last one decides whether the text counts as matched, and
 * an unwritable field ends the whole field's matching without success: both as Logstash has it.
 */
function matchText(
  attempts: readonly Attempt[],
  text: string,
  event: Event,
  breakOnMatch: boolean
): 'matched' | 'missed' | 'refused' {
  let outcome: 'matched' | 'missed' = 'missed'
  for (const { matcher, assign } of attempts) {
    const groups = matcher.exec(text)
    outcome = groups === null ? 'missed' : 'matched'
    if (groups === null) continue
    if (!assign(groups, event)) return 'refused'
    if (breakOnMatch) break
  }
  return outcome
}
