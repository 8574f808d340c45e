// Which grok patterns are linear (literals between fields of known characters), and what they are made of.
//
// A scanner for such a pattern only ever takes the first choice that the regular expression would try. Where it gets to
// the end, the expression's answer is the same: a backtracking search returns the first whole success in the order of
// its choices, and this is it. Where it does not, the line is left to the expression. What makes the single choices
// sure is said at each scalar below.

/** A part of a linear pattern. */
export type Part =
  | { readonly kind: 'literal'; readonly text: string }
  | {
      readonly kind: 'field'
      readonly scalar: string
      readonly name: string | undefined
      readonly type: 'int' | 'float' | undefined
    }
  /** The first alternative whose first byte fits is taken; a later failure in it gives the line up. */
  | { readonly kind: 'either'; readonly options: readonly (readonly Part[])[] }
  | { readonly kind: 'maybe'; readonly parts: readonly Part[] }

/** How the text of a scalar is found. */
export interface Scalar {
  /**
   * `token`: the longest run of `characters`, which all its texts are made of. What follows in the pattern must be none
   * of them, so no shorter text could go on, and the run is the field if it is one of the scalar's texts at all
   * (`sure`: every such run is; else the expression itself is asked, once for each new text).
   * `greedy`: the longest run, which the expression tries first, whatever follows.
   * `number`: digits, maybe a point and digits: atomic in the expression, so there is one choice.
   * `lazy`: up to the first occurrence of the literal that follows, which the expression tries first.
   * `rest`: to the end of the line; nothing may follow.
   * `quoted`: from a double quote to the next, without backslashes.
   */
  readonly how: 'token' | 'greedy' | 'number' | 'lazy' | 'rest' | 'quoted'
  readonly characters: RegExp
  readonly sure?: boolean
}

const HOST = /[0-9A-Za-z.:%~_-]/
/** By name; only as long as the set's own definition stands (a user may give a name another meaning). */
export const SCALARS: Readonly<Record<string, Scalar>> = {
  IPORHOST: { how: 'token', characters: HOST },
  HOSTNAME: { how: 'token', characters: HOST },
  IP: { how: 'token', characters: HOST },
  IPV4: { how: 'token', characters: HOST },
  USERNAME: { how: 'greedy', characters: /[\w.-]/ },
  USER: { how: 'greedy', characters: /[\w.-]/ },
  HTTPDUSER: { how: 'token', characters: /[\w.!#$%&'*+/=?^`{|}~,:;<@-]/ },
  HTTPDATE: { how: 'token', characters: /[0-9A-Za-z/:.,+ -]/ },
  LOGLEVEL: { how: 'token', characters: /[A-Za-z]/ },
  WORD: { how: 'token', characters: /\w/, sure: true },
  NOTSPACE: { how: 'greedy', characters: /[!-~]/ },
  NUMBER: { how: 'number', characters: /[0-9.]/ },
  INT: { how: 'token', characters: /[0-9+-]/ },
  DATA: { how: 'lazy', characters: /[ -~\t]/ },
  GREEDYDATA: { how: 'rest', characters: /[ -~\t]/ },
  QS: { how: 'quoted', characters: /[ -~\t]/ },
  QUOTEDSTRING: { how: 'quoted', characters: /[ -~\t]/ }
}

class NotLinear extends Error {}

/** The parts of a pattern, or undefined when it is not linear. `set` holds the definitions in force, `own` the shipped ones. */
export function linearParts(
  pattern: string,
  set: ReadonlyMap<string, string>,
  own: ReadonlyMap<string, string>
): Part[] | undefined {
  try {
    const parts = new Reader(set, own).alternation(pattern.startsWith('^') ? pattern.slice(1) : pattern, 0)
    return followed(parts) && namedOnce(parts) ? parts : undefined
  } catch (error) {
    if (error instanceof NotLinear) return undefined
    throw error
  }
}

class Reader {
  readonly #set: ReadonlyMap<string, string>
  readonly #own: ReadonlyMap<string, string>

  constructor(set: ReadonlyMap<string, string>, own: ReadonlyMap<string, string>) {
    this.#set = set
    this.#own = own
  }

  alternation(text: string, depth: number): Part[] {
    if (depth > 20) throw new NotLinear()
    const options = splitTop(text).map(option => this.#sequence(option, depth))
    return options.length === 1 ? options[0]! : [{ kind: 'either', options }]
  }

  #sequence(text: string, depth: number): Part[] {
    const parts: Part[] = []
    const literal = (s: string): void => {
      const last = parts.at(-1)
      if (last?.kind === 'literal') parts[parts.length - 1] = { kind: 'literal', text: last.text + s }
      else parts.push({ kind: 'literal', text: s })
    }
    let i = 0
    while (i < text.length) {
      const c = text[i]!
      let next = i + 1
      if (c === '%' && text[next] === '{') {
        next = text.indexOf('}', i) + 1
        parts.push(...this.#reference(text.slice(i + 2, next - 1), depth))
      } else if (c === '(' && text.startsWith('?:', next)) {
        next = closing(text, i) + 1
        const inner = this.alternation(text.slice(i + 3, next - 1), depth + 1)
        if (text[next] === '?') {
          next++
          parts.push({ kind: 'maybe', parts: inner })
        } else parts.push(...inner)
      } else if (c === '\\' && /[ -/:-@[-`{-~]/.test(text[next] ?? '')) {
        literal(text[next]!)
        next++
      } else if (/[ -~]/.test(c) && !/[\\.*+?()[\]{}|^$%]/.test(c)) literal(c)
      else throw new NotLinear()
      if (/[*+?{]/.test(text[next] ?? '')) throw new NotLinear()
      i = next
    }
    return parts
  }

  #reference(inner: string, depth: number): Part[] {
    const m = /^(\w+)(?::([A-Za-z_]\w*)(?::(int|float))?)?$/.exec(inner)
    if (m === null) throw new NotLinear()
    const [, scalar, name, type] = m as unknown as [string, string, string | undefined, 'int' | 'float' | undefined]
    const definition = this.#set.get(scalar)
    if (definition === undefined || definition !== this.#own.get(scalar)) throw new NotLinear()
    if (Object.hasOwn(SCALARS, scalar)) return [{ kind: 'field', scalar, name, type }]
    if (name !== undefined) throw new NotLinear()
    return this.alternation(definition, depth + 1)
  }
}

/** The index of the bracket that closes the one at `open`. */
function closing(text: string, open: number): number {
  let depth = 0
  for (let i = open; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '[') throw new NotLinear()
    else if (text[i] === '(') depth++
    else if (text[i] === ')' && --depth === 0) return i
  }
  throw new NotLinear()
}

/** The alternatives of a text, those inside brackets left together. */
function splitTop(text: string): string[] {
  const out: string[] = []
  let depth = 0
  let from = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '(') depth++
    else if (text[i] === ')') depth--
    else if (text[i] === '|' && depth === 0) {
      out.push(text.slice(from, i))
      from = i + 1
    }
  }
  return [...out, text.slice(from)]
}

/** The characters that can come first in what follows, '' for the end of the pattern; undefined when a field is among them. */
function firsts(parts: readonly Part[], after: readonly string[] | undefined): readonly string[] | undefined {
  const [part, ...rest] = parts
  if (part === undefined) return after
  if (part.kind === 'literal') return [part.text[0]!]
  if (part.kind === 'field') return undefined
  const options = part.kind === 'either' ? part.options : [part.parts, []]
  const sets = options.map(option => firsts([...option, ...rest], after))
  return sets.some(s => s === undefined) ? undefined : sets.flatMap(s => s!)
}

/** Whether each field is followed by what its way of scanning needs, and each choice can be made by one byte. */
function followed(parts: readonly Part[], after: readonly string[] = ['']): boolean {
  return parts.every((part, i) => {
    const rest = parts.slice(i + 1)
    const next = firsts(rest, after)
    if (part.kind === 'either') {
      const decided = part.options
        .slice(0, -1)
        .every(option => option[0]?.kind === 'literal' || option === part.options[0])
      return decided && part.options.every(option => followed(option, next))
    }
    if (part.kind === 'maybe') return part.parts[0]?.kind === 'literal' && followed(part.parts, next)
    if (part.kind === 'literal') return true
    const { how, characters } = SCALARS[part.scalar]!
    if (how === 'rest') return rest.length === 0 && after.length === 1 && after[0] === ''
    if (how === 'lazy')
      return rest[0]?.kind === 'literal' || (rest.length === 0 && next?.length === 1 && next[0] !== '')
    if (how !== 'token') return true
    return next !== undefined && next.every(c => c !== '' && !characters.test(c))
  })
}

/** No two captures share a name: what a second value does is the expression's business. */
function namedOnce(parts: readonly Part[], seen = new Set<string>()): boolean {
  return parts.every(part => {
    if (part.kind === 'either') return part.options.every(option => namedOnce(option, seen))
    if (part.kind === 'maybe') return namedOnce(part.parts, seen)
    if (part.kind === 'literal' || part.name === undefined) return true
    return !seen.has(part.name) && seen.add(part.name) !== undefined
  })
}
