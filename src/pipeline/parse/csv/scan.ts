// One line of CSV (RFC 4180, any separator) to its cells.

/** Fills `cells` with the values of the line; false when a quoted one has no end or text after its end. */
export function scanCsv(text: string, separator: string, quote: string, cells: string[]): boolean {
  cells.length = 0
  if (quote === '' || !text.includes(quote)) {
    let from = 0
    for (let at = text.indexOf(separator); at >= 0; at = text.indexOf(separator, from)) {
      cells.push(text.slice(from, at))
      from = at + separator.length
    }
    cells.push(text.slice(from))
    return true
  }
  let at = 0
  for (;;) {
    if (text.startsWith(quote, at)) {
      const end = closing(text, quote, at + 1)
      if (end < 0) return false
      const inner = text.slice(at + 1, end)
      cells.push(inner.includes(quote) ? inner.replaceAll(quote + quote, quote) : inner)
      at = end + 1
      if (at >= text.length) return true
      if (!text.startsWith(separator, at)) return false
    } else {
      const end = text.indexOf(separator, at)
      cells.push(end < 0 ? text.slice(at) : text.slice(at, end))
      if (end < 0) return true
      at = end
    }
    at += separator.length
  }
}

/** A quote within quotes is doubled; the first single one ends the value. */
function closing(text: string, quote: string, from: number): number {
  let at = text.indexOf(quote, from)
  while (at >= 0 && text[at + 1] === quote) at = text.indexOf(quote, at + 2)
  return at
}
