// Key-value pairs with delimiters of one's choice.

export interface KvShape {
  /** Each of these characters parts pairs, or key and value. */
  readonly fieldSplit: CharSet
  readonly valueSplit: CharSet
  /** Whether `(…)`, `[…]` and `<…>` keep a value together. */
  readonly brackets: boolean
}

const BLANK = 32
const isQuote = (c: number): boolean => c === 34 || c === 39

/** What keeps a value together until which character. */
const CLOSING: ReadonlyMap<number, string> = new Map([
  [34, '"'],
  [39, "'"],
  [40, ')'],
  [91, ']'],
  [60, '>']
])

/** Calls `take` with each pair of the text. Words that no value follows are passed over. */
export function scanPairs(text: string, shape: KvShape, take: (key: string, value: string) => void): void {
  const { fieldSplit, valueSplit } = shape
  const size = text.length
  let at = 0
  while (at < size) {
    if (fieldSplit.has(text.charCodeAt(at))) {
      at++
      continue
    }
    const start = at
    if (isQuote(text.charCodeAt(at))) at = Math.max(at, text.indexOf(text[at]!, at + 1))
    let c = text.charCodeAt(at)
    while (at < size && !fieldSplit.has(c) && !valueSplit.has(c)) c = text.charCodeAt(++at)
    const end = at
    // `a = b` is a pair as `a=b` is; but after `a=` with nothing before the blank, the value is empty.
    while (text.charCodeAt(at) === BLANK) at++
    if (at >= size || !valueSplit.has(text.charCodeAt(at))) {
      at = Math.max(end, start + 1)
      continue
    }
    const spaced = at > end
    at++
    if (spaced) while (text.charCodeAt(at) === BLANK) at++
    const key = unquoted(text.slice(start, end))
    const open = text.charCodeAt(at)
    const close = shape.brackets || isQuote(open) ? CLOSING.get(open) : undefined
    const quoted = close === undefined ? -1 : text.indexOf(close, at + 1)
    if (quoted > 0) {
      take(key, text.slice(at + 1, quoted))
      at = quoted + 1
    } else {
      const from = at
      while (at < size && !fieldSplit.has(text.charCodeAt(at))) at++
      take(key, text.slice(from, at))
    }
  }
}

/** A set of characters that is asked for each one of a text. */
export class CharSet {
  readonly #table = new Uint8Array(256)
  readonly #others: ReadonlySet<number>

  constructor(chars: string) {
    const codes = Array.from({ length: chars.length }, (_, i) => chars.charCodeAt(i))
    for (const c of codes) if (c < 256) this.#table[c] = 1
    this.#others = new Set(codes.filter(c => c >= 256))
  }

  has(c: number): boolean {
    return c < 256 ? this.#table[c] === 1 : this.#others.size > 0 && this.#others.has(c)
  }
}

const unquoted = (key: string): string =>
  key.length > 1 && (key[0] === '"' || key[0] === "'") && key.endsWith(key[0]) ? key.slice(1, -1) : key
