// Sets of characters in a regular expression: ranges of code points, Unicode properties, and their text in JavaScript.

/** A set of code points: inclusive ranges as flat pairs, Unicode property escapes, and whether it is the complement. */
export interface CharSet {
  readonly ranges: readonly number[]
  /** Escapes as JavaScript writes them under the flag `u`, such as `\p{L}`. */
  readonly props: readonly string[]
  readonly negated: boolean
}

const MAX = 0x10ffff

/** Sorts and joins inclusive pairs. */
export function normalize(pairs: readonly number[]): number[] {
  const sorted: [number, number][] = []
  for (let i = 0; i < pairs.length; i += 2) sorted.push([pairs[i]!, pairs[i + 1]!])
  sorted.sort((a, b) => a[0] - b[0])
  const out: number[] = []
  for (const [low, high] of sorted) {
    const last = out.length - 1
    if (last > 0 && low <= out[last]! + 1) out[last] = Math.max(out[last]!, high)
    else out.push(low, high)
  }
  return out
}

/** All code points but those of the given normalized pairs. */
export function complement(pairs: readonly number[]): number[] {
  const out: number[] = []
  let next = 0
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i]! > next) out.push(next, pairs[i]! - 1)
    next = pairs[i + 1]! + 1
  }
  if (next <= MAX) out.push(next, MAX)
  return out
}

/** The code points that are in both of two normalized lists of pairs. */
export function intersect(a: readonly number[], b: readonly number[]): number[] {
  const out: number[] = []
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const low = Math.max(a[i]!, b[j]!)
    const high = Math.min(a[i + 1]!, b[j + 1]!)
    if (low <= high) out.push(low, high)
    if (a[i + 1]! < b[j + 1]!) i += 2
    else j += 2
  }
  return out
}

export const charSet = (pairs: readonly number[], props: readonly string[] = [], negated = false): CharSet => ({
  ranges: normalize(pairs),
  props,
  negated
})

/** The same characters without properties and without negation: every code point is looked at, so only for the rare. */
export function flatten(set: CharSet): CharSet {
  let ranges: readonly number[] = set.ranges
  if (set.props.length > 0) {
    const member = new RegExp(`[${set.props.join('')}]`, 'u')
    const found: number[] = []
    for (let cp = 0; cp <= MAX; cp++) {
      if (cp >= 0xd800 && cp <= 0xdfff) continue
      if (!member.test(String.fromCodePoint(cp))) continue
      if (found.length > 0 && found[found.length - 1] === cp - 1) found[found.length - 1] = cp
      else found.push(cp, cp)
    }
    ranges = normalize([...ranges, ...found])
  }
  return { ranges: set.negated ? complement(ranges) : ranges, props: [], negated: false }
}

const simple = (set: CharSet): boolean => set.props.length === 0

/** Both sets' characters. */
export function union(a: CharSet, b: CharSet): CharSet {
  if (simple(a) && a.negated) a = flatten(a)
  if (simple(b) && b.negated) b = flatten(b)
  if (a.negated || b.negated) {
    a = flatten(a)
    b = flatten(b)
  }
  return charSet([...a.ranges, ...b.ranges], [...new Set([...a.props, ...b.props])])
}

/** The characters that are in both sets. */
export function intersection(a: CharSet, b: CharSet): CharSet {
  return charSet(intersect(flatten(a).ranges, flatten(b).ranges))
}

export const negate = (set: CharSet): CharSet => ({ ...set, negated: !set.negated })

/** Whether the set has no property and only one code point; that code point, else -1. */
export function single(set: CharSet): number {
  return simple(set) && !set.negated && set.ranges.length === 2 && set.ranges[0] === set.ranges[1] ? set.ranges[0]! : -1
}

/** Bit n: the set has the ASCII character n; bit 128: it may have characters beyond ASCII. */
export function asciiMask(set: CharSet): bigint {
  let mask = 0n
  const member = set.props.length > 0 ? new RegExp(`[${set.props.join('')}]`, 'u') : undefined
  for (let cp = 0; cp < 128; cp++) {
    let inside = member !== undefined && member.test(String.fromCharCode(cp))
    for (let i = 0; !inside && i < set.ranges.length; i += 2) inside = set.ranges[i]! <= cp && cp <= set.ranges[i + 1]!
    if (inside !== set.negated) mask |= 1n << BigInt(cp)
  }
  const beyond = set.negated || set.props.length > 0 || set.ranges[set.ranges.length - 1]! > 127
  return beyond ? mask | BEYOND_ASCII : mask
}

/** The bit of `asciiMask` for everything beyond ASCII. */
export const BEYOND_ASCII = 1n << 128n
/** The mask of the ASCII word characters. */
export const WORD_MASK = asciiMask({
  ranges: [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a],
  props: [],
  negated: false
})

/** The ASCII letters of other case, and the two letters beyond ASCII that fold onto `k` and `s`. */
export function foldAscii(ranges: readonly number[]): number[] {
  const out = [...ranges]
  const letters = intersect(normalize(ranges), [0x41, 0x5a, 0x61, 0x7a])
  for (let i = 0; i < letters.length; i += 2) out.push(letters[i]! ^ 0x20, letters[i + 1]! ^ 0x20)
  const has = (cp: number): boolean => intersect(normalize(ranges), [cp, cp, cp + 32, cp + 32]).length > 0
  if (has(0x4b)) out.push(0x212a, 0x212a)
  if (has(0x53)) out.push(0x17f, 0x17f)
  return normalize(out)
}

/** One code point, escaped so that it stands for itself inside and outside of a class under the flag `u`. */
export function escapeCodePoint(cp: number): string {
  if (cp < 0x20 || (cp >= 0x7f && cp < 0xa1) || cp === 0x2028 || cp === 0x2029 || (cp >= 0xd800 && cp <= 0xdfff))
    return `\\u${cp.toString(16).padStart(4, '0')}`
  const text = String.fromCodePoint(cp)
  return /[\\^$.*+?()[\]{}|/]/.test(text) ? `\\${text}` : text
}

const inClass = (cp: number): string => (cp === 0x2d ? '\\-' : escapeCodePoint(cp))

/** The text of the set in a JavaScript RegExp under the flag `u`. */
export function setSource(set: CharSet): string {
  const one = single(set)
  if (one >= 0) return escapeCodePoint(one)
  if (simple(set)) {
    // [^] is how JavaScript writes any character.
    const all = set.negated ? set.ranges.length === 0 : set.ranges[0] === 0 && set.ranges[1] === MAX
    if (all) return '[^]'
  }
  let text = ''
  for (let i = 0; i < set.ranges.length; i += 2) {
    const low = set.ranges[i]!
    const high = set.ranges[i + 1]!
    text +=
      low === high ? inClass(low) : high === low + 1 ? inClass(low) + inClass(high) : `${inClass(low)}-${inClass(high)}`
  }
  return `[${set.negated ? '^' : ''}${text}${set.props.join('')}]`
}

const ASCII_WORD = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a]

/** The shorthand classes: ASCII only, as Ruby has them; \s has the vertical tab. */
export const SHORTHAND: Readonly<Record<string, CharSet>> = {
  w: charSet(ASCII_WORD),
  d: charSet([0x30, 0x39]),
  s: charSet([0x09, 0x0d, 0x20, 0x20]),
  h: charSet([0x30, 0x39, 0x41, 0x46, 0x61, 0x66]),
  W: charSet(ASCII_WORD, [], true),
  D: charSet([0x30, 0x39], [], true),
  S: charSet([0x09, 0x0d, 0x20, 0x20], [], true),
  H: charSet([0x30, 0x39, 0x41, 0x46, 0x61, 0x66], [], true)
}

/**
 * What Ruby's \b takes for a word character, in JavaScript: Unicode's, although \w is ASCII; and below U+0100, where
 * Onigmo looks into a table of its own, also the superscript digits and the fractions.
 */
export const WORD_PROPS = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\xb2\\xb3\\xb9\\xbc-\\xbe]'

// The ASCII signs that POSIX counts as punctuation and Unicode as symbols.
const SYMBOLS = [0x24, 0x24, 0x2b, 0x2b, 0x3c, 0x3e, 0x5e, 0x5e, 0x60, 0x60, 0x7c, 0x7c, 0x7e, 0x7e]

/** POSIX brackets as Unicode sets (UTS #18, annex C), which is how Ruby has them. */
const POSIX: Readonly<Record<string, CharSet>> = {
  alnum: charSet([], ['\\p{Alphabetic}', '\\p{Nd}']),
  alpha: charSet([], ['\\p{Alphabetic}']),
  ascii: charSet([0, 0x7f]),
  blank: charSet([0x09, 0x09], ['\\p{Zs}']),
  cntrl: charSet([], ['\\p{Cc}']),
  digit: charSet([], ['\\p{Nd}']),
  graph: charSet([], ['\\p{White_Space}', '\\p{Cc}', '\\p{Cs}', '\\p{Cn}'], true),
  lower: charSet([], ['\\p{Lowercase}']),
  punct: charSet(SYMBOLS, ['\\p{P}']),
  space: charSet([], ['\\p{White_Space}']),
  upper: charSet([], ['\\p{Uppercase}']),
  word: charSet([], ['\\p{Alphabetic}', '\\p{M}', '\\p{Nd}', '\\p{Pc}']),
  xdigit: charSet([0x30, 0x39, 0x41, 0x46, 0x61, 0x66])
}

/** The set of a POSIX bracket's name; undefined when there is none. `print` is left to the other engine. */
export const posixSet = (name: string): CharSet | undefined => (Object.hasOwn(POSIX, name) ? POSIX[name] : undefined)

/** The set of `\p{name}`: POSIX names, general categories and scripts; undefined when JavaScript has no such name. */
export function propertySet(name: string): CharSet | undefined {
  const posix = posixSet(name.toLowerCase())
  if (posix !== undefined) return posix
  if (!/^[A-Za-z][A-Za-z_]*$/.test(name)) return undefined
  for (const escape of [`\\p{gc=${name}}`, `\\p{sc=${name}}`]) {
    try {
      new RegExp(escape, 'u')
      return charSet([], [escape])
    } catch {
      // not a name of that kind
    }
  }
  return undefined
}
