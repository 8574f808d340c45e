// Spells out what a run of letters stands for under (?i), as Unicode's full case folding has it.
import { charSet, foldAscii } from './charset.ts'
import type { Node } from './regex-ast.ts'
import { Unsupported } from './regex-scan.ts'

/** Sequences of letters that a single character folds to: ß and the ligatures. */
const LIGATURES: readonly (readonly [string, readonly number[]])[] = [
  ['ffi', [0xfb03]],
  ['ffl', [0xfb04]],
  ['ff', [0xfb00]],
  ['fi', [0xfb01]],
  ['fl', [0xfb02]],
  ['ss', [0xdf, 0x1e9e]],
  ['st', [0xfb05, 0xfb06]]
]

/**
 * The nodes for a run of characters without regard to case. Throws Unsupported for letters beyond ASCII, and for
 * ligatures where a look-behind would have to know their length.
 */
export function foldText(text: string, behind: boolean): Node[] {
  const lower = text.toLowerCase()
  if (/[^\0-\x7f]/.test(text)) throw new Unsupported('letters beyond ASCII under (?i)')
  const items: Node[] = []
  for (let i = 0; i < text.length;) {
    const found = LIGATURES.filter(([letters]) => lower.startsWith(letters, i))
    if (found.length === 0) {
      items.push(letter(text[i]!))
      i++
      continue
    }
    if (behind) throw new Unsupported('letters with a ligature in a look-behind under (?i)')
    // Overlapping ligatures (ffi, sst) are taken as one stretch, cut in every possible way.
    let end = i + 1
    for (let at = i; at < end; at++) {
      for (const [letters] of LIGATURES) if (lower.startsWith(letters, at)) end = Math.max(end, at + letters.length)
    }
    items.push(stretch(lower.slice(i, end)))
    i = end
  }
  return items
}

function stretch(letters: string): Node {
  if (letters === '') return { kind: 'seq', items: [] }
  const first = { kind: 'seq', items: [letter(letters[0]!), stretch(letters.slice(1))] } as const
  const ways: Node[] = [first]
  for (const [ligature, points] of LIGATURES) {
    if (!letters.startsWith(ligature)) continue
    const set = charSet(points.flatMap(p => [p, p]))
    ways.push({ kind: 'seq', items: [{ kind: 'set', set }, stretch(letters.slice(ligature.length))] })
  }
  return ways.length === 1 ? first : { kind: 'alt', items: ways }
}

function letter(c: string): Node {
  const ranges = foldAscii([c.charCodeAt(0), c.charCodeAt(0)])
  return ranges.length === 2 ? { kind: 'text', text: c } : { kind: 'set', set: charSet(ranges) }
}
