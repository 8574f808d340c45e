// Parses a Ruby regular expression (Onigmo's syntax) into a tree, or says what only Oniguruma can match.
import { charSet, SHORTHAND } from './charset.ts'
import type { Anchor, Node, Parsed } from './regex-ast.ts'
import { parseClass, parseProperty } from './regex-class.ts'
import { foldText } from './regex-fold.ts'
import { RegexSyntaxError, Scanner, Unsupported } from './regex-scan.ts'

interface Flags {
  /** i: letters stand for both of their cases. */
  readonly fold: boolean
  /** m: the dot takes a newline too. Grok compiles every pattern with it. */
  readonly dotall: boolean
  /** x: white space and comments are left out. */
  readonly extended: boolean
}

const ANY = charSet([0, 0x10ffff])
const NOT_NEWLINE = charSet([0x0a, 0x0a], [], true)
const ANCHORS: Readonly<Record<string, Anchor>> = {
  A: 'text-start',
  z: 'text-end',
  Z: 'text-end-newline',
  b: 'word',
  B: 'not-word'
}

/**
 * Parses an expression. Throws RegexSyntaxError when it is none, and Unsupported at the first construct that this tree
 * cannot hold; the text may then still be a good expression for Oniguruma.
 */
export function parseRegex(text: string): Parsed {
  return new Parser(text).parse()
}

/** A piece on its way into a sequence; runs of characters stay apart until their quantifiers are known. */
interface Piece {
  node: Node
  fold: boolean
}

class Parser {
  readonly #scan: Scanner
  readonly #names: string[] = []
  readonly #named: boolean
  /** Captures that have been closed so far: a back-reference may name only these. */
  readonly #closed = new Set<number>()
  #groups = 0
  #lookbehind = 0

  constructor(text: string) {
    this.#scan = new Scanner(text)
    this.#named = hasNames(text)
  }

  parse(): Parsed {
    const root = this.#alternatives({ fold: false, dotall: true, extended: false })
    if (!this.#scan.done()) throw new RegexSyntaxError('a ")" closes nothing', this.#scan.at)
    return { root, groups: this.#groups, names: this.#names }
  }

  #alternatives(flags: Flags): Node {
    const items = [this.#sequence(flags)]
    while (this.#scan.take('|')) items.push(this.#sequence(flags))
    return items.length === 1 ? items[0]! : { kind: 'alt', items }
  }

  #sequence(flags: Flags): Node {
    const pieces: Piece[] = []
    const scan = this.#scan
    while (!scan.done() && scan.peek() !== '|' && scan.peek() !== ')') {
      if (flags.extended && this.#skipExtended()) continue
      const start = scan.at
      const options = this.#isolatedOptions(flags)
      if (options !== undefined) {
        // Options without a colon hold to the end of the group, its further alternatives included.
        pieces.push({ node: this.#alternatives(options), fold: false })
        break
      }
      if (this.#comment()) continue
      const node = this.#atom(flags)
      pieces.push({ node: this.#quantified(node, flags, start), fold: flags.fold })
    }
    return this.#join(pieces)
  }

  /** Joins neighbouring characters to runs, and spells out what the letters of a run without case stand for. */
  #join(pieces: readonly Piece[]): Node {
    const items: Node[] = []
    for (let i = 0; i < pieces.length;) {
      const { node, fold } = pieces[i]!
      if (node.kind !== 'text') {
        items.push(node)
        i++
        continue
      }
      let run = ''
      while (i < pieces.length && pieces[i]!.node.kind === 'text' && pieces[i]!.fold === fold) {
        run += (pieces[i++]!.node as { text: string }).text
      }
      if (fold) items.push(...foldText(run, this.#lookbehind > 0))
      else items.push({ kind: 'text', text: run })
    }
    return items.length === 1 ? items[0]! : { kind: 'seq', items }
  }

  #atom(flags: Flags): Node {
    const scan = this.#scan
    const start = scan.at
    const c = scan.peek()
    switch (c) {
      case '(':
        return this.#group(flags)
      case '[':
        scan.at++
        return { kind: 'set', set: parseClass(scan, flags.fold) }
      case '.':
        scan.at++
        return { kind: 'set', set: flags.dotall ? ANY : NOT_NEWLINE }
      case '^':
        scan.at++
        return { kind: 'anchor', at: 'line-start' }
      case '$':
        scan.at++
        return { kind: 'anchor', at: 'line-end' }
      case '*':
      case '+':
      case '?':
        throw new RegexSyntaxError(`the "${c}" has nothing to repeat`, start)
      case '\\':
        return this.#escape(flags)
      default:
        if (c === '{' && this.#interval() !== undefined)
          throw new RegexSyntaxError('the "{" has nothing to repeat', start)
        scan.at = start
        return { kind: 'text', text: String.fromCodePoint(scan.codePoint()) }
    }
  }

  #escape(flags: Flags): Node {
    const scan = this.#scan
    const start = scan.at
    const c = scan.text[start + 1] ?? ''
    if (Object.hasOwn(SHORTHAND, c)) {
      scan.at += 2
      return { kind: 'set', set: SHORTHAND[c]! }
    }
    if (Object.hasOwn(ANCHORS, c)) {
      scan.at += 2
      return { kind: 'anchor', at: ANCHORS[c]! }
    }
    if (c === 'p' || c === 'P') {
      if (flags.fold) throw new Unsupported('a property under (?i)')
      return { kind: 'set', set: parseProperty(scan) }
    }
    if (c === 'R') {
      scan.at += 2
      return NEWLINE
    }
    if (c === 'k') return this.#namedReference(flags)
    if (/[1-9]/.test(c)) return this.#numberedReference(flags)
    if (c === 'g' || c === 'G' || c === 'X' || c === 'K') throw new Unsupported(`\\${c}`)
    return { kind: 'text', text: String.fromCodePoint(scan.escape()) }
  }

  #numberedReference(flags: Flags): Node {
    const scan = this.#scan
    const start = scan.at
    const digits = /^[1-9]\d*/.exec(scan.text.slice(start + 1))![0]
    if (this.#named) throw new RegexSyntaxError('a numbered back-reference does not go with named captures', start)
    scan.at += 1 + digits.length
    return this.#reference([Number(digits)], flags)
  }

  #namedReference(flags: Flags): Node {
    const scan = this.#scan
    const start = scan.at
    const m = /^\\k(?:<([^>]+)>|'([^']+)')/.exec(scan.text.slice(start))
    if (m === null) throw new RegexSyntaxError('a \\k has no name', start)
    const name = m[1] ?? m[2]!
    const found = this.#names.flatMap((known, i) => (known === name ? [i + 1] : []))
    if (found.length === 0) throw new Unsupported('a back-reference by number, level, or to a later capture')
    scan.at += m[0].length
    return this.#reference(found, flags)
  }

  #reference(groups: readonly number[], flags: Flags): Node {
    const group = groups[0]!
    if (flags.fold) throw new Unsupported('a back-reference under (?i)')
    if (groups.length > 1) throw new Unsupported('a back-reference to a name that several captures have')
    if (!this.#closed.has(group)) throw new Unsupported('a back-reference to a capture that is not closed')
    return { kind: 'backref', group }
  }

  #group(flags: Flags): Node {
    const scan = this.#scan
    const start = scan.at++
    if (!scan.take('?')) {
      if (this.#named) return this.#body(flags, start)
      return this.#capture(flags, start, undefined)
    }
    if (scan.take(':')) return this.#body(flags, start)
    if (scan.take('>')) return { kind: 'atomic', body: this.#body(flags, start) }
    for (const [sign, behind, negative] of LOOKS) {
      if (!scan.take(sign)) continue
      if (behind) this.#lookbehind++
      const body = this.#body(flags, start)
      if (behind) this.#lookbehind--
      return { kind: 'look', behind, negative, body }
    }
    const m = /^(?:<([^>)]*)>|'([^')]*)')/.exec(scan.text.slice(scan.at))
    if (m !== null) {
      const name = m[1] ?? m[2]!
      if (name === '' || /^[\d-]/.test(name)) throw new RegexSyntaxError(`"${name}" cannot name a capture`, start)
      scan.at += m[0].length
      return this.#capture(flags, start, name)
    }
    const options = /^([imx]*)(?:-([imx]*))?:/.exec(scan.text.slice(scan.at))
    if (options !== null) {
      scan.at += options[0].length
      return this.#body(withOptions(flags, options[1]!, options[2] ?? ''), start)
    }
    if (scan.peek() === '~') throw new Unsupported('the absence operator')
    if (scan.peek() === '(') throw new Unsupported('a condition')
    if (/^[a-z-]/.test(scan.peek())) throw new Unsupported('a group option other than i, m, x')
    throw new RegexSyntaxError('no such kind of group', start)
  }

  #capture(flags: Flags, start: number, name: string | undefined): Node {
    if (this.#lookbehind > 0) throw new Unsupported('a capture inside of a look-behind')
    const group = ++this.#groups
    if (name !== undefined) this.#names.push(name)
    const body = this.#body(flags, start)
    this.#closed.add(group)
    return { kind: 'capture', group, body }
  }

  #body(flags: Flags, start: number): Node {
    const body = this.#alternatives(flags)
    if (!this.#scan.take(')')) throw new RegexSyntaxError('a "(" is not closed', start)
    return body
  }

  /** `(?i)` and its like, up to the parenthesis; undefined when something else comes next. */
  #isolatedOptions(flags: Flags): Flags | undefined {
    const m = /^\(\?([imx]*)(?:-([imx]*))?\)/.exec(this.#scan.text.slice(this.#scan.at, this.#scan.at + 16))
    if (m === null) return undefined
    this.#scan.at += m[0].length
    return withOptions(flags, m[1]!, m[2] ?? '')
  }

  #comment(): boolean {
    const scan = this.#scan
    if (!scan.text.startsWith('(?#', scan.at)) return false
    const m = /^(?:\\[^]|[^\\)])*\)/.exec(scan.text.slice(scan.at + 3))
    if (m === null) throw new RegexSyntaxError('a comment is not closed', scan.at)
    scan.at += 3 + m[0].length
    return true
  }

  #skipExtended(): boolean {
    const m = /^(?:[ \t\n\v\f\r]|#[^\n]*)+/.exec(this.#scan.text.slice(this.#scan.at))
    if (m === null) return false
    this.#scan.at += m[0].length
    return true
  }

  #quantified(atom: Node, flags: Flags, start: number): Node {
    const scan = this.#scan
    let node = atom
    for (;;) {
      if (flags.extended) this.#skipExtended()
      const c = scan.peek()
      const simple = c === '*' || c === '+' || c === '?'
      const range = simple ? undefined : c === '{' ? this.#interval() : undefined
      if (!simple && range === undefined) return node
      if (simple) scan.at++
      const min = simple ? (c === '+' ? 1 : 0) : range!.min
      const max = simple ? (c === '?' ? 1 : Number.POSITIVE_INFINITY) : range!.max
      if (max < min) throw new Unsupported('an interval whose ends are swapped')
      if (max > 100_000) {
        if (max !== Number.POSITIVE_INFINITY) throw new RegexSyntaxError('an interval is too big', start)
      }
      // A fixed count is always greedy, and only the one-letter quantifiers have a possessive form.
      const lazy = (simple || !range!.fixed) && scan.take('?')
      const repeat: Node = { kind: 'repeat', min, max, lazy, body: this.#single(node, flags) }
      node = simple && !lazy && scan.take('+') ? { kind: 'atomic', body: repeat } : repeat
    }
  }

  /** The atom of a quantifier is one character; without case it is spelled out here. */
  #single(node: Node, flags: Flags): Node {
    if (node.kind !== 'text' || !flags.fold) return node
    const items = foldText(node.text, this.#lookbehind > 0)
    return items.length === 1 ? items[0]! : { kind: 'seq', items }
  }

  /** Reads `{n}`, `{n,}`, `{,m}` or `{n,m}`; anything else leaves the brace to stand for itself. */
  #interval(): { min: number; max: number; fixed: boolean } | undefined {
    const m = /^\{(\d*)(,?)(\d*)\}/.exec(this.#scan.text.slice(this.#scan.at, this.#scan.at + 32))
    if (m === null || (m[1] === '' && m[3] === '')) return undefined
    this.#scan.at += m[0].length
    const min = m[1] === '' ? 0 : Number(m[1])
    if (m[2] === '') return { min, max: min, fixed: true }
    return { min, max: m[3] === '' ? Number.POSITIVE_INFINITY : Number(m[3]), fixed: false }
  }
}

const LOOKS = [
  ['<=', true, false],
  ['<!', true, true],
  ['=', false, false],
  ['!', false, true]
] as const

/** `\R`: a line's end of any kind, taken whole. */
const NEWLINE: Node = {
  kind: 'atomic',
  body: {
    kind: 'alt',
    items: [
      { kind: 'text', text: '\r\n' },
      { kind: 'set', set: charSet([0x0a, 0x0d, 0x85, 0x85, 0x2028, 0x2029]) }
    ]
  }
}

function withOptions(flags: Flags, on: string, off: string): Flags {
  const is = (letter: string, before: boolean): boolean =>
    off.includes(letter) ? false : on.includes(letter) || before
  return { fold: is('i', flags.fold), dotall: is('m', flags.dotall), extended: is('x', flags.extended) }
}

/** Whether an expression has a named capture, which makes its plain groups capture nothing. */
export function hasNames(text: string): boolean {
  // Escapes and classes are stepped over; a class is cut short by a nested one, which is harmless here.
  for (const m of text.matchAll(/\\[^]|\[(?:\\[^]|[^\]\\])*\]|\(\?(?:<(?![=!])|')/g))
    if (m[0].startsWith('(')) return true
  return false
}
