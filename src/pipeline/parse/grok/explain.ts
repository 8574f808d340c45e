// Says how far a pattern gets on a line: for the people who write patterns.
import { compileAssign } from './assign.ts'
import { GrokError } from './error.ts'
import { findReference } from './expand.ts'
import { capturesOf } from './fields.ts'
import { compileMatcher, GrokTimeout, OnigurumaHost } from './matcher.ts'
import type { Matcher } from './matcher.ts'

export interface Explanation {
  readonly matched: boolean
  /** The longest leading part of the pattern that matches; the whole pattern when it does. */
  readonly longestPrefix: string
  /** The element behind it, where the match stops; '' when all matched. */
  readonly stoppedAt: string
  /** What the prefix matches in the line. */
  readonly matchedText: string
  /** The line behind that. */
  readonly restOfLine: string
  /** What the prefix captures, as an event would have it. */
  readonly captures: Record<string, unknown>
}

/**
 * Finds the longest leading part of a pattern's elements that still matches the line. Patterns made of fields, such as
 * `%{COMBINEDAPACHELOG}`, are looked into. Throws GrokError when the pattern itself
 * cannot be compiled, and GrokTimeout when the engine gave up on the whole of it.
 */
export function explainGrok(pattern: string, line: string, patterns: ReadonlyMap<string, string>): Explanation {
  const options = { patterns, namedOnly: true, host: new OnigurumaHost() }
  const whole = compileMatcher(pattern, options)
  const found = whole.exec(line)
  if (found !== null) return describe(whole, found, line, pattern, '')
  const elements = flatten(pattern, patterns, 0)
  // A prefix matches wherever a longer one does, so the border can be searched by halves.
  let good = 0
  let bad = elements.length
  let best: { matcher: Matcher; found: Found } | undefined
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    const attempt = tryPrefix(elements.slice(0, middle).join(''), line, options)
    if (attempt === undefined) bad = middle
    else {
      good = middle
      best = attempt
    }
  }
  const stoppedAt = elements[good] ?? ''
  if (best === undefined) {
    return { matched: false, longestPrefix: '', stoppedAt, matchedText: '', restOfLine: line, captures: {} }
  }
  return { ...describe(best.matcher, best.found, line, elements.slice(0, good).join(''), stoppedAt), matched: false }
}

type Found = NonNullable<ReturnType<Matcher['exec']>>

function tryPrefix(
  prefix: string,
  line: string,
  options: Parameters<typeof compileMatcher>[1]
): { matcher: Matcher; found: Found } | undefined {
  try {
    const matcher = compileMatcher(prefix, options)
    const found = matcher.exec(line)
    return found === null ? undefined : { matcher, found }
  } catch (error) {
    // A part may refer to a capture that only the whole has, or take longer than the engine's limit.
    if (error instanceof GrokError || error instanceof GrokTimeout) return undefined
    throw error
  }
}

function describe(matcher: Matcher, found: Found, line: string, prefix: string, stoppedAt: string): Explanation {
  const captures: Record<string, unknown> = {}
  const assign = compileAssign(capturesOf(matcher.names), { groups: matcher.groups, keepEmpty: false, overwrite: [] })
  assign(found, captures)
  const restOfLine = line.slice(found.index + found[0].length)
  return { matched: true, longestPrefix: prefix, stoppedAt, matchedText: found[0], restOfLine, captures }
}

/** The elements of a pattern; a reference without a field is replaced by the elements of a definition that has fields. */
function flatten(pattern: string, patterns: ReadonlyMap<string, string>, depth: number): string[] {
  const elements = split(pattern)
  if (elements.length === 0) return []
  // With alternatives at the top there is no leading part; the pattern is one element.
  if (elements.includes('|')) return [depth === 0 ? pattern : `(?:${pattern})`]
  return elements.flatMap(element => {
    const ref = element.startsWith('%{') ? findReference(element, 0) : undefined
    if (ref === undefined || ref.end !== element.length || ref.name !== ref.pattern || depth > 50) return [element]
    const body = ref.definition ?? patterns.get(ref.pattern)
    return body !== undefined && hasFields(body, patterns, depth)
      ? keepTogether(element, flatten(body, patterns, depth + 1))
      : [element]
  })
}

/** A definition of alternatives says more by its name. */
const keepTogether = (element: string, parts: string[]): string[] => (parts.length === 1 ? [element] : parts)

function hasFields(body: string, patterns: ReadonlyMap<string, string>, depth: number): boolean {
  if (depth > 50) return false
  if (/\(\?(?:<(?![=!])|')/.test(body)) return true
  for (let ref = findReference(body, 0); ref !== undefined; ref = findReference(body, ref.end)) {
    if (ref.name !== ref.pattern) return true
    const inner = patterns.get(ref.pattern)
    if (inner !== undefined && hasFields(inner, patterns, depth + 1)) return true
  }
  return false
}

const QUANTIFIER = /(?:[*+?]|\{\d*,?\d*\})[?+]?/y

/** Cuts a pattern at its top level: references, groups, classes, escapes and single characters with their quantifiers. */
function split(pattern: string): string[] {
  const elements: string[] = []
  for (let at = 0; at < pattern.length;) {
    let end = elementEnd(pattern, at)
    for (;;) {
      QUANTIFIER.lastIndex = end
      const m = QUANTIFIER.exec(pattern)
      if (m === null) break
      end = QUANTIFIER.lastIndex
    }
    elements.push(pattern.slice(at, end))
    at = end
  }
  return elements
}

function elementEnd(pattern: string, at: number): number {
  const c = pattern[at]!
  if (pattern.startsWith('%{', at)) {
    const ref = findReference(pattern, at)
    if (ref?.start === at) return ref.end
  }
  if (c === '\\') return escapeEnd(pattern, at)
  if (c === '[') return classEnd(pattern, at)
  if (c !== '(') return at + (pattern.codePointAt(at)! > 0xffff ? 2 : 1)
  let end = at + 1
  while (end < pattern.length && pattern[end] !== ')') end = elementEnd(pattern, end)
  return Math.min(end + 1, pattern.length)
}

function escapeEnd(pattern: string, at: number): number {
  const long =
    /\\(?:[pP]\{[^}]*\}|[kg](?:<[^>]*>|'[^']*')|x\{[^}]*\}|u\{[^}]*\}|u[\dA-Fa-f]{4}|x[\dA-Fa-f]{1,2}|c.|[^])/y
  long.lastIndex = at
  return long.exec(pattern) === null ? pattern.length : long.lastIndex
}

function classEnd(pattern: string, at: number): number {
  let end = at + 1
  if (pattern[end] === '^') end++
  if (pattern[end] === ']') end++
  while (end < pattern.length && pattern[end] !== ']') {
    if (pattern[end] === '\\') end += 2
    else if (pattern[end] === '[') end = classEnd(pattern, end)
    else end++
  }
  return Math.min(end + 1, pattern.length)
}
