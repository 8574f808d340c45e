// Dissect patterns (`%{a} - %{+b} [%{?skip}] %{rest}`) as places to cut a text at, without regular expressions.

/** One `%{…}` of a pattern and the literal text after it ('' at the end). */
export interface Cut {
  readonly kind: 'field' | 'skip' | 'append' | 'key' | 'value'
  readonly name: string
  /** `%{+name/2}`: its place among the pieces of the name. */
  readonly order: number
  /** `->`: what comes after it may be repeated. */
  readonly padded: boolean
  readonly after: string
}

export interface DissectPattern {
  /** Must stand before the first piece. */
  readonly before: string
  readonly cuts: readonly Cut[]
}

/** Takes a pattern apart. Throws a TypeError that says what is wrong in it. */
export function parseDissect(pattern: string): DissectPattern {
  const found = [...pattern.matchAll(/%\{([^}]*)\}/g)]
  if (found.length === 0) throw new TypeError(`the pattern "${pattern}" has no %{field} in it`)
  const cuts = found.map((m, i): Cut => {
    const end = m.index + m[0].length
    const after = pattern.slice(end, found[i + 1]?.index ?? pattern.length)
    if (after === '' && i < found.length - 1) {
      throw new TypeError(`there is nothing between "${m[0]}" and "${found[i + 1]![0]}" to tell where one ends`)
    }
    if (after.includes('%{')) throw new TypeError(`%{ without } in the pattern "${pattern}"`)
    return { ...parseKey(m[1]!, pattern), after }
  })
  // In the older spelling a skipped piece whose name a `&` asks for is the name of that field.
  const has = (kind: Cut['kind'], name: string): boolean => cuts.some(c => c.kind === kind && c.name === name)
  const named = cuts.map(c => (c.kind === 'skip' && has('value', c.name) ? { ...c, kind: 'key' as const } : c))
  for (const { kind, name } of named) {
    if (kind === 'value' && !named.some(c => c.kind === 'key' && c.name === name)) {
      throw new TypeError(`%{&${name}} needs a %{?${name}} or %{*${name}} that gives its name`)
    }
    if (kind === 'key' && !has('value', name))
      throw new TypeError(`%{*${name}} needs a %{&${name}} that gives its value`)
  }
  return { before: pattern.slice(0, found[0]!.index), cuts: named }
}

const KINDS: Record<string, Cut['kind']> = { '+': 'append', '?': 'skip', '*': 'key', '&': 'value' }

function parseKey(text: string, pattern: string): Omit<Cut, 'after'> {
  const m = /^([+?*&]?)([^/]*?)(?:\/(\d{1,3}))?(->)?$/.exec(text.trim())
  const name = m?.[2]?.trim() ?? ''
  if (m === null || (name === '' && m[1] !== '' && m[1] !== '?')) {
    throw new TypeError(`malformed "%{${text}}" in the pattern "${pattern}"`)
  }
  const kind = name === '' ? 'skip' : m[1] === '' ? 'field' : KINDS[m[1]!]!
  return { kind, name, order: m[3] === undefined ? -1 : Number(m[3]), padded: m[4] !== undefined }
}

/** Cuts texts into the pieces of a pattern. */
export class Cutter {
  readonly pieces: string[]
  readonly #before: string
  readonly #after: readonly string[]
  readonly #padded: readonly boolean[]

  constructor(pattern: DissectPattern) {
    this.#before = pattern.before
    this.#after = pattern.cuts.map(c => c.after)
    this.#padded = pattern.cuts.map(c => c.padded)
    this.pieces = pattern.cuts.map(() => '')
  }

  /** True when the text has all the literals of the pattern in their order; `pieces` holds what stands between them then. */
  cut(text: string): boolean {
    if (!text.startsWith(this.#before)) return false
    const { pieces } = this
    const last = pieces.length - 1
    let at = this.#before.length
    for (let i = 0; i <= last; i++) {
      const after = this.#after[i]!
      if (after === '') {
        // Only the last piece has nothing after it: it takes the rest.
        pieces[i] = text.slice(at)
        return true
      }
      const end = text.indexOf(after, at)
      if (end === -1) return false
      pieces[i] = text.slice(at, end)
      at = end + after.length
      if (this.#padded[i]!) while (text.startsWith(after, at)) at += after.length
    }
    return true
  }
}
