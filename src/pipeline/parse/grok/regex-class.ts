// Parses a bracketed class of a Ruby regular expression: ranges, nested classes, POSIX brackets, intersections.
import { charSet, foldAscii, intersection, negate, posixSet, propertySet, SHORTHAND, union } from './charset.ts'
import type { CharSet } from './charset.ts'
import { RegexSyntaxError, Unsupported } from './regex-scan.ts'
import type { Scanner } from './regex-scan.ts'

/** Parses from behind the opening bracket to behind its closing one. `fold`: letters stand for both of their cases. */
export function parseClass(scan: Scanner, fold: boolean): CharSet {
  const open = scan.at - 1
  const negated = scan.take('^')
  let sum: CharSet | undefined
  let part = charSet([])
  for (let first = true; ; first = false) {
    if (scan.done()) throw new RegexSyntaxError('a character class has no closing "]"', open)
    // A bracket right after the opening one stands for itself when another closes the class.
    if (scan.peek() === ']' && !(first && scan.text.indexOf(']', scan.at + 1) >= 0)) {
      if (first) throw new RegexSyntaxError('a character class is empty', open)
      scan.at++
      break
    }
    if (scan.take('&&')) {
      sum = sum === undefined ? part : intersection(sum, part)
      part = charSet([])
      continue
    }
    part = union(part, parseItem(scan, fold))
  }
  const set = sum === undefined ? part : intersection(sum, part)
  return negated ? negate(set) : set
}

function parseItem(scan: Scanner, fold: boolean): CharSet {
  if (scan.peek() === '[') {
    const posix = /\[:(\^?)([a-z]+):\]/y
    posix.lastIndex = scan.at
    const m = posix.exec(scan.text)
    if (m !== null) {
      if (fold) throw new Unsupported('a POSIX bracket under (?i)')
      const set = posixSet(m[2]!)
      if (set === undefined) throw new Unsupported(`the POSIX bracket ${m[0]}`)
      scan.at += m[0].length
      return m[1] === '^' ? negate(set) : set
    }
    scan.at++
    return parseClass(scan, fold)
  }
  const low = parseMember(scan)
  if (typeof low !== 'number') {
    if (fold && low.props.length > 0) throw new Unsupported('a property under (?i)')
    return low
  }
  if (scan.peek() !== '-' || scan.text[scan.at + 1] === ']' || scan.at + 1 >= scan.text.length)
    return folded(low, low, fold)
  const dash = scan.at++
  if (scan.peek() === '[') {
    scan.at = dash
    return folded(low, low, fold)
  }
  const high = parseMember(scan)
  if (typeof high !== 'number') return union(union(folded(low, low, fold), charSet([0x2d, 0x2d])), high)
  if (high < low) throw new RegexSyntaxError('a range in a character class runs backwards', dash - 1)
  return folded(low, high, fold)
}

function folded(low: number, high: number, fold: boolean): CharSet {
  if (!fold) return charSet([low, high])
  if (high > 0x7f) throw new Unsupported('letters beyond ASCII under (?i)')
  return charSet(foldAscii([low, high]))
}

/** One member: a code point, or the set of a shorthand or property. */
function parseMember(scan: Scanner): number | CharSet {
  if (scan.peek() !== '\\') return scan.codePoint()
  const c = scan.text[scan.at + 1]
  if (c !== undefined && Object.hasOwn(SHORTHAND, c)) {
    scan.at += 2
    return SHORTHAND[c]!
  }
  if (c === 'p' || c === 'P') return parseProperty(scan)
  if (c === 'R' || c === 'X') throw new Unsupported(`\\${c} in a class`)
  if (c === 'b') {
    scan.at += 2
    return 0x08
  }
  return scan.escape()
}

/** Parses `\p{name}`, `\p{^name}` or `\P{name}`. */
export function parseProperty(scan: Scanner): CharSet {
  const property = /\\([pP])\{(\^?)([^}]*)\}/y
  property.lastIndex = scan.at
  const m = property.exec(scan.text)
  if (m === null) throw new Unsupported('\\p without a name')
  const set = propertySet(m[3]!)
  if (set === undefined) throw new Unsupported(`the property ${m[3]!}`)
  scan.at += m[0].length
  return (m[1] === 'P') !== (m[2] === '^') ? negate(set) : set
}
