// One pass over a logfmt line.

const QUOTE = 34
const EQUALS = 61
const BACKSLASH = 92

/** Adds the pairs of the line to `found`; false when a quoted value has no end. */
export function scanLogfmt(text: string, found: Map<string, string>): boolean {
  const size = text.length
  let at = 0
  while (at < size) {
    if (text.charCodeAt(at) <= 32) {
      at++
      continue
    }
    const start = at
    let c = text.charCodeAt(at)
    while (c > 32 && c !== EQUALS && c !== QUOTE) c = text.charCodeAt(++at)
    if (c !== EQUALS || at === start) {
      // A word, a stray quote or a lone `=`: no pair.
      if (at === start) at++
      continue
    }
    const key = text.slice(start, at)
    at++
    if (text.charCodeAt(at) === QUOTE) {
      const end = closing(text, at + 1)
      if (end < 0) return false
      found.set(key, unquote(text.slice(at + 1, end)))
      at = end + 1
    } else {
      const from = at
      while (text.charCodeAt(at) > 32) at++
      found.set(key, text.slice(from, at))
    }
  }
  return true
}

/** Where the quoted text ends that begins at `from`; -1 when nowhere. */
function closing(text: string, from: number): number {
  let end = text.indexOf('"', from)
  while (end > 0) {
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return end
    end = text.indexOf('"', end + 1)
  }
  return -1
}

/** Escapes are rare, and those of JSON; what JSON doesn't know stays as it is. */
function unquote(text: string): string {
  if (!text.includes('\\')) return text
  const plain = text.replace(/\\(?:u([0-9a-fA-F]{4})|([^]))/g, (all, hex: string | undefined, letter: string) =>
    hex === undefined ? (ESCAPES.get(letter) ?? all) : String.fromCharCode(Number.parseInt(hex, 16))
  )
  return plain.toWellFormed()
}

const ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({ n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', '"': '"', '\\': '\\', '/': '/' })
)
