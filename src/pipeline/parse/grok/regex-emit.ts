// Writes a tree as a JavaScript RegExp with numbered groups that matches exactly what Oniguruma would.
import { BEYOND_ASCII, escapeCodePoint, setSource, WORD_MASK, WORD_PROPS } from './charset.ts'
import { captures, nullable, some } from './regex-ast.ts'
import type { Node, Parsed } from './regex-ast.ts'
import { ANYTHING, decided, firstMask, lastMask } from './regex-masks.ts'
import type { MaskCache } from './regex-masks.ts'

/** The source of a RegExp for the flag `u`, and the group of each capture: `groups[n]` for the capture number n. */
export interface JsRegex {
  readonly source: string
  readonly groups: readonly number[]
}

/** Whether the tree looks at line ends, so that a text of one line can be matched by a simpler expression. */
export function seesLines(parsed: Parsed): boolean {
  const lines = new Set(['line-start', 'line-end', 'text-end-newline'])
  return some(parsed.root, node => node.kind === 'anchor' && lines.has(node.at))
}

/**
 * Writes the expression. `oneLine`: it will only meet texts without a newline. Without named captures only those that a
 * back-reference needs stay captures.
 */
export function emitRegex(parsed: Parsed, oneLine: boolean): JsRegex {
  const emitter = new Emitter(parsed, oneLine)
  const source = emitter.emit(parsed.root, { before: ANYTHING, follow: ANYTHING, last: true })
  return { source: startsAnywhere(parsed.root) ? `^${source}` : source, groups: emitter.groups }
}

/**
 * Whether the tree begins with a dot taken any number of times: if it matches anywhere, it matches from the start. The
 * search from every further position, which takes the square of the length, is then in vain.
 */
function startsAnywhere(node: Node): boolean {
  switch (node.kind) {
    case 'seq':
      return node.items.length > 0 && startsAnywhere(node.items[0]!)
    case 'alt':
      return node.items.every(startsAnywhere)
    case 'capture':
      return startsAnywhere(node.body)
    case 'repeat':
      return node.min === 0 && node.max === Infinity && node.body.kind === 'set' && setSource(node.body.set) === '[^]'
    default:
      return false
  }
}

/** What stands around a node: which characters, and whether nothing after it can fail. */
interface Around {
  readonly before: bigint
  readonly follow: bigint
  readonly last: boolean
}

/**
 * The text's end. Not a bare `$`: when that ends an expression of bounded length, V8 14.6 begins its search too near to the end
 * of a text with characters beyond U+FFFF: /[^a]$/u does not match '\u{1f600}'.
 */
const END = '(?=$)'

class Emitter {
  readonly groups: number[] = [0]
  readonly #oneLine: boolean
  readonly #wanted: ReadonlySet<number>
  readonly #cache: MaskCache = new Map()
  #opened = 0

  constructor(parsed: Parsed, oneLine: boolean) {
    this.#oneLine = oneLine
    const all = captures(parsed.root)
    const referred = all.filter(group => some(parsed.root, node => node.kind === 'backref' && node.group === group))
    this.#wanted = new Set(parsed.names.length > 0 ? all : referred)
  }

  emit(node: Node, around: Around): string {
    switch (node.kind) {
      case 'text':
        return Array.from(node.text, c => escapeCodePoint(c.codePointAt(0)!)).join('')
      case 'set':
        return setSource(node.set)
      case 'seq':
        return this.#sequence(node.items, around)
      case 'alt':
        return `(?:${node.items.map(item => this.emit(item, around)).join('|')})`
      case 'capture':
        return this.#capture(node.group, node.body, around)
      case 'atomic':
        return this.#atomic(node.body, around)
      case 'look':
        return this.#look(node.behind, node.negative, node.body, around)
      case 'repeat':
        return this.#repeat(node, around)
      case 'anchor':
        return this.#anchor(node.at, around)
      case 'backref':
        return `(?:\\${this.groups[node.group]!})`
    }
  }

  #sequence(items: readonly Node[], around: Around): string {
    const follows: bigint[] = Array.from({ length: items.length }, () => around.follow)
    const lasts: boolean[] = Array.from({ length: items.length }, () => around.last)
    for (let i = items.length - 2; i >= 0; i--) {
      const next = items[i + 1]!
      follows[i] = firstMask(next, follows[i + 1]!, this.#cache)
      lasts[i] = lasts[i + 1]! && cannotFail(next)
    }
    let text = ''
    let before = around.before
    items.forEach((item, i) => {
      text += this.emit(item, { before, follow: follows[i]!, last: lasts[i]! })
      before = lastMask(item, before, this.#cache)
    })
    return text
  }

  #capture(group: number, body: Node, around: Around): string {
    if (!this.#wanted.has(group)) return this.#bracketed(body, around)
    this.groups[group] = ++this.#opened
    return `(${unbracketed(this.emit(body, around))})`
  }

  #bracketed(body: Node, around: Around): string {
    const text = this.emit(body, around)
    return body.kind === 'alt' ? text : `(?:${text})`
  }

  /** JavaScript has no atomic group; what a look-ahead captured stands for one. */
  #atomic(body: Node, around: Around): string {
    if (around.last || decided(body, around.follow, this.#cache)) return this.#bracketed(body, around)
    const group = ++this.#opened
    // What follows the group must not decide inside of it: nothing is known about the next character there.
    const text = this.emit(body, { before: around.before, follow: ANYTHING, last: true })
    return `(?:(?=(${unbracketed(text)}))\\${group})`
  }

  #look(behind: boolean, negative: boolean, body: Node, around: Around): string {
    const inner = behind
      ? { before: ANYTHING, follow: ANYTHING, last: false }
      : { before: around.before, follow: ANYTHING, last: true }
    return `(?${behind ? '<' : ''}${negative ? '!' : '='}${unbracketed(this.emit(body, inner))})`
  }

  #repeat(node: Node & { kind: 'repeat' }, around: Around): string {
    const many = node.max > 1
    const body = node.body
    const inner: Around = {
      before: many ? around.before | lastMask(body, around.before, this.#cache) : around.before,
      follow: many ? around.follow | firstMask(body, around.follow, this.#cache) : around.follow,
      last: around.last && node.min === 0 && node.max === 1
    }
    const text = this.emit(body, inner)
    // JavaScript refuses an optional part that took nothing, Oniguruma takes it; an alternative does so in both.
    if (node.min === 0 && node.max === 1 && nullable(body)) return node.lazy ? `(?:|${text})` : `(?:${text}|)`
    return quantified(body, text) + count(node.min, node.max) + (node.lazy && node.min !== node.max ? '?' : '')
  }

  #anchor(at: string, around: Around): string {
    switch (at) {
      case 'text-start':
        return '^'
      case 'text-end':
        return END
      case 'line-start':
        // A line does not begin behind a final newline.
        return this.#oneLine ? '^' : '(?:^|(?<=\\n)(?!$))'
      case 'line-end':
        return this.#oneLine ? END : '(?=\\n|$)'
      case 'text-end-newline':
        return this.#oneLine ? END : '(?=\\n?$)'
      default:
        return boundary(at === 'word', around)
    }
  }
}

/** Whether a node always matches in some way. */
function cannotFail(node: Node): boolean {
  if (node.kind === 'repeat') return node.min === 0 || cannotFail(node.body)
  if (node.kind === 'capture' || node.kind === 'atomic') return cannotFail(node.body)
  if (node.kind === 'seq') return node.items.every(cannotFail)
  if (node.kind === 'alt') return node.items.some(cannotFail)
  return false
}

/** A word boundary, as one look to the side that is not known already. */
function boundary(wanted: boolean, around: Around): string {
  const before = isWord(around.before)
  const next = isWord(around.follow)
  if (before !== undefined && next !== undefined) return (before !== next) === wanted ? '' : '(?!)'
  if (before !== undefined) return `(?${before === wanted ? '!' : '='}${WORD_PROPS})`
  if (next !== undefined) return `(?<${next === wanted ? '!' : '='}${WORD_PROPS})`
  const [a, b] = wanted ? ['!', '='] : ['=', '!']
  return `(?:(?<=${WORD_PROPS})(?${a}${WORD_PROPS})|(?<!${WORD_PROPS})(?${b}${WORD_PROPS}))`
}

/** true when only word characters can stand there, false when none can, undefined when both or it isn't known. */
function isWord(mask: bigint): boolean | undefined {
  if ((mask & ~WORD_MASK) === 0n) return true
  return (mask & (WORD_MASK | BEYOND_ASCII)) === 0n ? false : undefined
}

function quantified(body: Node, text: string): string {
  const one =
    body.kind === 'set' || (body.kind === 'text' && Array.from(body.text).length === 1) || body.kind === 'capture'
  if (one && text !== '' && !text.startsWith('(?:')) return text
  return body.kind === 'alt' || (body.kind === 'backref' && text !== '') ? text : `(?:${text})`
}

function count(min: number, max: number): string {
  if (max === Infinity) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`
  if (min === 0 && max === 1) return '?'
  return min === max ? `{${min}}` : `{${min},${max}}`
}

/** Takes the needless bracket of an alternation away where another bracket stands around it. */
function unbracketed(text: string): string {
  if (!text.startsWith('(?:') || !text.endsWith(')')) return text
  let depth = 0
  let inClass = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (c === '\\') i++
    else if (inClass) inClass = c !== ']'
    else if (c === '[') inClass = true
    else if (c === '(') depth++
    else if (c === ')' && --depth === 0) return i === text.length - 1 ? text.slice(3, -1) : text
  }
  return text
}
