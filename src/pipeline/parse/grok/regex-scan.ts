// Reads the text of a Ruby regular expression: characters and escapes, with their positions.

/** The text is no regular expression. `position` is an offset in it. */
export class RegexSyntaxError extends Error {
  readonly position: number

  constructor(message: string, position: number) {
    super(message)
    this.name = 'RegexSyntaxError'
    this.position = position
  }
}

/** The text may be right, but only Oniguruma itself can say what it means. The message names the construct. */
export class Unsupported extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Unsupported'
  }
}

const CONTROL: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, a: 7, e: 27 }

/** A place in a text. */
export class Scanner {
  readonly text: string
  at = 0

  constructor(text: string) {
    this.text = text
  }

  done(): boolean {
    return this.at >= this.text.length
  }

  /** The next UTF-16 unit, '' at the end. */
  peek(): string {
    return this.text[this.at] ?? ''
  }

  /** Steps over a string if it comes next. */
  take(string: string): boolean {
    if (!this.text.startsWith(string, this.at)) return false
    this.at += string.length
    return true
  }

  codePoint(): number {
    const cp = this.text.codePointAt(this.at) ?? 0
    this.at += cp > 0xffff ? 2 : 1
    return cp
  }

  /** Reads an escape that stands for one code point, from its backslash on. */
  escape(): number {
    const start = this.at++
    if (this.done()) throw new RegexSyntaxError('a backslash ends the expression', start)
    const c = this.text[this.at]!
    const control = Object.hasOwn(CONTROL, c) ? CONTROL[c] : undefined
    if (control !== undefined) {
      this.at++
      return control
    }
    if (c === 'x') return this.#hexadecimal(/x(?:\{([0-9A-Fa-f]{1,8})\}|([0-9A-Fa-f]{1,2}))/y)
    if (c === 'u') return this.#hexadecimal(/u(?:\{([0-9A-Fa-f]{1,8})\}|([0-9A-Fa-f]{4}))/y)
    if (c === 'c' || c === 'C' || c === 'M') return this.#controlKey()
    if (/[0-7]/.test(c)) return this.#octal()
    if (/[89]/.test(c)) throw new Unsupported('a numbered escape')
    return this.codePoint()
  }

  #hexadecimal(form: RegExp): number {
    form.lastIndex = this.at
    const m = form.exec(this.text)
    if (m === null) throw new Unsupported('an incomplete \\x or \\u')
    this.at += m[0].length
    const cp = Number.parseInt(m[1] ?? m[2]!, 16)
    // \x80 to \xff are bytes of an encoded character in Ruby, not code points.
    if (m[0].startsWith('x') && m[2] !== undefined && cp > 0x7f) throw new Unsupported('a byte above 7f')
    if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff)) throw new RegexSyntaxError('no such code point', this.at)
    return cp
  }

  #controlKey(): number {
    const m = /^(?:c|C-)([A-Za-z@[\]^_])/.exec(this.text.slice(this.at, this.at + 3))
    if (m === null) throw new Unsupported('a control escape')
    this.at += m[0].length
    return m[1]!.charCodeAt(0) & 0x1f
  }

  #octal(): number {
    const digits = /^[0-7]{1,3}/.exec(this.text.slice(this.at, this.at + 3))![0]
    const cp = Number.parseInt(digits, 8)
    if (cp > 0x7f) throw new Unsupported('a byte above 7f')
    this.at += digits.length
    return cp
  }
}
