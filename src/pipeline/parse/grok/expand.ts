// Expands the references of a grok pattern, `%{NAME:field:type}`, into one Ruby regular expression, as jls-grok does.
import { GrokError, nearest } from './error.ts'

/** The expanded text, and where in the user's pattern each part of it comes from. */
export interface Expansion {
  readonly text: string
  /** The offset in the user's pattern that an offset in the text stems from. */
  readonly origin: (at: number) => number
}

// Names and fields have the character range A-z, with the six signs between `Z` and `a`.
const REFERENCE = /%\{(([A-z0-9]+)(?::[@[\]A-z0-9_:.-]+)?)/y

/** What one reference says: `%{NAME:field=definition rest}`. */
export interface Reference {
  readonly start: number
  readonly end: number
  /** `NAME` or `NAME:field:type`: what the capture is called. */
  readonly name: string
  readonly pattern: string
  readonly definition: string | undefined
}

/** Finds the first reference at or after an offset. Anything may stand between the name and the closing brace. */
export function findReference(text: string, from: number): Reference | undefined {
  for (let start = text.indexOf('%{', from); start >= 0; start = text.indexOf('%{', start + 1)) {
    REFERENCE.lastIndex = start
    const m = REFERENCE.exec(text)
    if (m === null) continue
    const after = start + m[0].length
    const stop = text[after] === '=' ? definitionEnd(text, after + 1) : -1
    const end = text.indexOf('}', stop < 0 ? after : stop)
    if (end < 0) continue
    const definition = stop < 0 ? undefined : text.slice(after + 1, stop)
    return { start, end: end + 1, name: m[1]!, pattern: m[2]!, definition }
  }
  return undefined
}

/**
 * Where an inline definition ends, or -1 when it is none. It consists of plain characters, balanced braces, and
 * backslashes, each of which reaches as far as its line goes and then gives back until a closing brace follows.
 */
function definitionEnd(text: string, from: number): number {
  const known = new Map<number, number>()
  const longest = (at: number): number => {
    const seen = known.get(at)
    if (seen !== undefined) return seen
    let found = -1
    for (const next of steps(text, at)) {
      found = longest(next)
      if (found >= 0) break
    }
    if (found < 0 && at > from && text.indexOf('}', at) >= 0) found = at
    known.set(at, found)
    return found
  }
  return longest(from)
}

function* steps(text: string, at: number): Generator<number> {
  const c = text[at]
  if (c === undefined || c === '}') return
  if (c === '{') {
    const end = balanced(text, at)
    if (end >= 0) yield end
  } else if (c === '\\') {
    const line = text.indexOf('\n', at)
    for (let end = line < 0 ? text.length : line; end > at + 1; end--) yield end
  } else {
    let end = at + 1
    while (end < text.length && !/[{}\\]/.test(text[end]!)) end++
    yield end
  }
}

function balanced(text: string, open: number): number {
  let depth = 0
  for (let i = open; i < text.length; i++) {
    if (text[i] === '{') depth++
    else if (text[i] === '}' && --depth === 0) return i + 1
  }
  return -1
}

/** Definitions that lead back to themselves are refused after this many replacements, as by jls-grok. */
const MOST_STEPS = 10_000
/** And so is a text of this many characters, which no expression comes near: it would take minutes to get to the steps. */
const MOST_TEXT = 1 << 20

/**
 * Replaces every reference, the leftmost first, by a group: a capture named after the reference, or a plain group when it
 * has no field and only named captures count. Inline definitions are added for the references that follow.
 * Throws GrokError when a name is not defined or the definitions never end.
 */
export function expand(pattern: string, patterns: ReadonlyMap<string, string>, namedOnly = true): Expansion {
  const inline = new Map<string, string>()
  const marks: Mark[] = []
  let done = ''
  let rest = pattern
  // While `rest` is longer than this, its beginning comes from the reference at `origin` of the user's pattern.
  let outside = pattern.length
  let origin = 0
  for (let step = 0; ; step++) {
    const ref = findReference(rest, 0)
    const until = ref === undefined ? rest.length : ref.start
    const inner = Math.max(0, Math.min(until, rest.length - outside))
    if (inner > 0) marks.push({ at: done.length, from: origin, inside: true })
    if (until > inner)
      marks.push({ at: done.length + inner, from: pattern.length - (rest.length - inner), inside: false })
    done += rest.slice(0, until)
    if (ref === undefined) break
    if (rest.length - until <= outside) origin = pattern.length - (rest.length - until)
    outside = Math.min(outside, rest.length - ref.end)
    if (step >= MOST_STEPS || done.length + rest.length > MOST_TEXT)
      throw new GrokError('RECURSION', recursion(pattern), origin)
    if (ref.definition !== undefined) {
      checkDefinition(ref.pattern, ref.definition)
      inline.set(ref.pattern, ref.definition)
    }
    const body = inline.get(ref.pattern) ?? patterns.get(ref.pattern)
    if (body === undefined) throw undefinedPattern(ref.pattern, patterns, origin)
    const open = namedOnly && !ref.name.includes(':') ? '(?:' : `(?<${ref.name}>`
    rest = `${open}${body})${rest.slice(ref.end)}`
  }
  return { text: done, origin: at => originOf(marks, at) }
}

interface Mark {
  readonly at: number
  readonly from: number
  readonly inside: boolean
}

function originOf(marks: readonly Mark[], at: number): number {
  let found: Mark | undefined
  for (const mark of marks) {
    if (mark.at > at) break
    found = mark
  }
  if (found === undefined) return 0
  return found.inside ? found.from : found.from + (at - found.at)
}

/** Logstash refuses a definition with white space at the end of a line; it is nearly always a slip. */
export function checkDefinition(name: string, definition: string): void {
  if (!/[ \t\r\n\f\v](?:\n|$)/.test(definition)) return
  throw new GrokError('DEFINITION', `the definition of pattern "${name}" ends in white space`)
}

const recursion = (pattern: string): string =>
  `pattern ${JSON.stringify(pattern)} does not end: a definition leads back to itself`

function undefinedPattern(name: string, patterns: ReadonlyMap<string, string>, position: number): GrokError {
  const near = nearest(name, patterns.keys())
  const hint = near === undefined ? '' : `; did you mean "${near}"?`
  return new GrokError('UNDEFINED_PATTERN', `pattern "${name}" is not defined${hint}`, position)
}
