// Key-value pairs with delimiters of one's choice.

export interface KvShape {
  /** Each of these characters parts pairs, or key and value. */
  readonly fieldSplit: string
  readonly valueSplit: string
  /** Whether `(…)`, `[…]` and `<…>` keep a value together. */
  readonly brackets: boolean
}

const CLOSING: Readonly<Record<string, string>> = { '"': '"', "'": "'", '(': ')', '[': ']', '<': '>' }

/** Calls `take` with each pair of the text. Words that no value follows are passed over. */
export function scanPairs(text: string, shape: KvShape, take: (key: string, value: string) => void): void {
  const { fieldSplit, valueSplit } = shape
  const size = text.length
  let at = 0
  while (at < size) {
    while (at < size && fieldSplit.includes(text[at]!)) at++
    const start = at
    if (text[at] === '"' || text[at] === "'") at = Math.max(at, text.indexOf(text[at]!, at + 1))
    while (at < size && !fieldSplit.includes(text[at]!) && !valueSplit.includes(text[at]!)) at++
    const end = at
    // `a = b` is a pair as `a=b` is; but after `a=` with nothing before the blank, the value is empty.
    while (text[at] === ' ' && at < size) at++
    const spaced = at > end
    if (at >= size || !valueSplit.includes(text[at]!)) {
      at = Math.max(end, start)
      if (at === start && at < size) at++
      continue
    }
    at++
    if (spaced) while (text[at] === ' ') at++
    const close = CLOSING[text[at] ?? '']
    const quoted = close !== undefined && (shape.brackets || close === text[at]) ? text.indexOf(close, at + 1) : -1
    if (quoted > 0) {
      take(unquoted(text.slice(start, end)), text.slice(at + 1, quoted))
      at = quoted + 1
    } else {
      const from = at
      while (at < size && !fieldSplit.includes(text[at]!)) at++
      take(unquoted(text.slice(start, end)), text.slice(from, at))
    }
  }
}

const unquoted = (key: string): string =>
  key.length > 1 && (key[0] === '"' || key[0] === "'") && key.endsWith(key[0]) ? key.slice(1, -1) : key
