// Rewrites a Ruby regular expression for Oniguruma, which lacks three of Ruby's (Onigmo's) habits.
import { setSource, SHORTHAND } from './charset.ts'
import { hasNames } from './regex-parse.ts'
import { RegexSyntaxError } from './regex-scan.ts'

/** The text for Oniguruma's Ruby syntax, and the names of its captures in their order; none when all are plain. */
export interface OnigurumaRegex {
  readonly source: string
  readonly names: readonly string[]
}

/**
 * Shorthand classes are written out as ASCII ones; captures are renamed, since grok's names have colons and brackets and
 * come several times; plain groups say that they capture nothing where Ruby takes that from a named one.
 */
export function toOniguruma(text: string): OnigurumaRegex {
  const rewriter = new Rewriter(text)
  return { source: rewriter.rewrite(), names: rewriter.names }
}

const TOKEN =
  /\\k(?:<([^>]*)>|'([^']*)')|\\g(?:<([^>]*)>|'([^']*)')|\\[^]|\[|\(\?#(?:\\[^]|[^\\)])*\)|\(\?\((?:<([^>]*)>|'([^']*)')\)|\(\?(?:<(?![=!])([^>]*)>|'([^']*)')|\((?!\?)|[^\\[(]+|\(/y

/** Oniguruma's own \R stops too early when it is repeated. */
const NEWLINE = '(?>\\r\\n|[\\n-\\r\\x{85}\\x{2028}\\x{2029}])'

/** POSIX counts these ASCII signs as punctuation; Onigmo does too, Oniguruma goes by Unicode, where they are symbols. */
const SYMBOLS = '$+<=>\\^`|~'
const BRACKETS: Readonly<Record<string, string>> = {
  '[:punct:]': `[[:punct:]${SYMBOLS}]`,
  '[:^punct:]': `[^[:punct:]${SYMBOLS}]`
}

class Rewriter {
  readonly names: string[] = []
  readonly #text: string
  readonly #named: boolean
  readonly #folds: boolean
  #at = 0

  constructor(text: string) {
    this.#text = text
    this.#named = hasNames(text)
    this.#folds = /\(\?[mx]*i/.test(text)
    // A reference may come before the capture it names, so a first round gathers the names.
    if (this.#named) this.rewrite(this.names)
  }

  rewrite(gathered: string[] = []): string {
    let out = ''
    let opened = 0
    for (this.#at = 0; this.#at < this.#text.length;) {
      TOKEN.lastIndex = this.#at
      const m = TOKEN.exec(this.#text)
      if (m === null) throw new RegexSyntaxError('a backslash ends the expression', this.#at)
      const token = m[0]
      const start = this.#at
      this.#at += token.length
      const name = m[7] ?? m[8]
      const backref = m[1] ?? m[2]
      const call = m[3] ?? m[4]
      const condition = m[5] ?? m[6]
      if (name !== undefined) {
        gathered.push(name)
        out += `(?<g${++opened}>`
      } else if (token === '[') out += this.#class(start)
      else if (token === '(' && this.#named) out += this.#text.startsWith('?', this.#at) ? '(' : '(?:'
      else if (backref !== undefined) out += this.#backref(backref, token)
      else if (call !== undefined) out += this.#named ? `\\g<${this.#rename(call)}>` : token
      else if (condition !== undefined) out += this.#named ? `(?(<${this.#rename(condition)}>)` : token
      else if (token[0] === '\\' && Object.hasOwn(SHORTHAND, token[1]!)) out += this.#shorthand(token[1]!)
      else if (token === '\\R') out += NEWLINE
      else out += token
    }
    return out
  }

  /** Under (?i) the letters of \w fold to nothing beyond ASCII in Ruby. */
  #shorthand(letter: string): string {
    const set = setSource(SHORTHAND[letter]!)
    return this.#folds ? `(?-i:${set})` : set
  }

  /** A class, nested ones included, from behind its opening bracket. */
  #class(start: number): string {
    let out = '['
    if (this.#text[this.#at] === '^') out += this.#text[this.#at++]!
    if (this.#text[this.#at] === ']') {
      out += '\\]'
      this.#at++
    }
    while (this.#at < this.#text.length) {
      const posix = /\[:\^?[a-z]+:\]/y
      posix.lastIndex = this.#at
      const bracket = posix.exec(this.#text)
      const c = this.#text[this.#at++]!
      if (bracket !== null) {
        out += BRACKETS[bracket[0]] ?? bracket[0]
        this.#at += bracket[0].length - 1
      } else if (c === '[') out += this.#class(this.#at - 1)
      else if (c === ']') return `${out}]`
      else if (c === '\\') {
        const next = this.#text[this.#at++] ?? ''
        out += Object.hasOwn(SHORTHAND, next) ? setSource(SHORTHAND[next]!) : c + next
      } else out += c
    }
    throw new RegexSyntaxError('a character class has no closing "]"', start)
  }

  /** With several captures of one name Ruby tries the last one first and the unset ones never. */
  #backref(name: string, token: string): string {
    if (!this.#named) return token
    const found = this.#numbers(name)
    if (found.length === 0) return token
    const ways = found.toReversed().map(n => `\\k<g${n}>`)
    return ways.length === 1 ? ways[0]! : `(?>${ways.join('|')})`
  }

  #rename(name: string): string {
    const found = this.#numbers(name)
    return found.length === 0 ? name : `g${found[found.length - 1]!}`
  }

  #numbers(name: string): number[] {
    return this.names.flatMap((known, i) => (known === name ? [i + 1] : []))
  }
}
