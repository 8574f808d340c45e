// Date formats in Joda's letters (`dd/MMM/yyyy:HH:mm:ss Z`) and in strptime's (`%d/%b/%Y`), as a list of things to read.

/** What a piece of the text is. `fraction` is of a second; `zone` an abbreviation or an IANA name. */
export type Part =
  | 'year'
  | 'year2'
  | 'month'
  | 'monthName'
  | 'day'
  | 'dayOfYear'
  | 'hour'
  | 'hour12'
  | 'minute'
  | 'second'
  | 'fraction'
  | 'epoch'
  | 'half'
  | 'weekday'
  | 'offset'
  | 'zone'

/** `width` is how many digits at most; `exact` when fewer are wrong, since the next digits belong to the next piece. */
export type Piece =
  | { readonly literal: string }
  | { readonly part: Part; readonly width: number; readonly exact: boolean }

/** Takes a format apart. Throws a TypeError that says which letter isn't known. */
export function parseFormat(format: string): Piece[] {
  return separate(format.includes('%') ? strptime(format) : joda(format))
}

const DIGITS: Partial<Record<Part, number>> = {
  year: 4,
  year2: 2,
  month: 2,
  day: 2,
  dayOfYear: 3,
  hour: 2,
  hour12: 2,
  minute: 2,
  second: 2,
  fraction: 9,
  epoch: 12
}

/** A number that another number follows directly (`yyyyMMdd`) has exactly its width. */
function separate(pieces: Array<{ literal: string } | { part: Part; width: number }>): Piece[] {
  return pieces.map((piece, i) => {
    if ('literal' in piece) return piece
    const next = pieces[i + 1]
    const touches = next !== undefined && 'part' in next && next.part in DIGITS
    const full = DIGITS[piece.part] ?? 0
    return { part: piece.part, width: touches ? piece.width : full, exact: touches || piece.part === 'year2' }
  })
}

type Loose = { literal: string } | { part: Part; width: number }

const JODA: Record<string, (width: number) => Part> = {
  y: w => (w === 2 ? 'year2' : 'year'),
  Y: w => (w === 2 ? 'year2' : 'year'),
  u: w => (w === 2 ? 'year2' : 'year'),
  M: w => (w >= 3 ? 'monthName' : 'month'),
  d: () => 'day',
  D: () => 'dayOfYear',
  H: () => 'hour',
  k: () => 'hour',
  h: () => 'hour12',
  K: () => 'hour12',
  m: () => 'minute',
  s: () => 'second',
  S: () => 'fraction',
  a: () => 'half',
  E: () => 'weekday',
  Z: w => (w >= 3 ? 'zone' : 'offset'),
  X: () => 'offset',
  x: () => 'offset',
  z: () => 'zone',
  V: () => 'zone'
}

function joda(format: string): Loose[] {
  const out: Loose[] = []
  for (const m of format.matchAll(/'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+|'/g)) {
    const [all, quoted, letter] = m
    if (all === "'") throw new TypeError(`a quote is not closed in the date format "${format}"`)
    if (quoted !== undefined) literal(out, quoted === '' ? "'" : quoted.replaceAll("''", "'"))
    else if (letter === undefined) literal(out, all)
    else {
      const part = Object.hasOwn(JODA, letter) ? JODA[letter] : undefined
      if (part === undefined) {
        throw new TypeError(
          `unknown letter "${letter}" in the date format "${format}"; ` +
            'known are y M d D H k h K m s S a E Z z; put text in single quotes'
        )
      }
      out.push({ part: part(all.length), width: all.length })
    }
  }
  return out
}

const STRPTIME: Record<string, Loose[] | string> = {
  Y: [{ part: 'year', width: 4 }],
  y: [{ part: 'year2', width: 2 }],
  m: [{ part: 'month', width: 2 }],
  b: [{ part: 'monthName', width: 3 }],
  d: [{ part: 'day', width: 2 }],
  j: [{ part: 'dayOfYear', width: 3 }],
  H: [{ part: 'hour', width: 2 }],
  I: [{ part: 'hour12', width: 2 }],
  M: [{ part: 'minute', width: 2 }],
  S: [{ part: 'second', width: 2 }],
  f: [{ part: 'fraction', width: 6 }],
  L: [{ part: 'fraction', width: 3 }],
  N: [{ part: 'fraction', width: 9 }],
  p: [{ part: 'half', width: 2 }],
  a: [{ part: 'weekday', width: 3 }],
  z: [{ part: 'offset', width: 5 }],
  Z: [{ part: 'zone', width: 3 }],
  s: [{ part: 'epoch', width: 12 }],
  e: '%d',
  k: '%H',
  l: '%I',
  B: '%b',
  h: '%b',
  A: '%a',
  P: '%p',
  T: '%H:%M:%S',
  R: '%H:%M',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  n: ' ',
  t: ' '
}

function strptime(format: string): Loose[] {
  const out: Loose[] = []
  for (const [all, letter] of format.matchAll(/%[-_0^]?:?(.)|%|[^%]+/gs)) {
    if (all === '%') throw new TypeError(`a lone % ends the date format "${format}"`)
    if (letter === undefined || letter === '%') {
      literal(out, letter ?? all)
      continue
    }
    const means = Object.hasOwn(STRPTIME, letter) ? STRPTIME[letter] : undefined
    if (means === undefined) throw new TypeError(`unknown directive "%${letter}" in the date format "${format}"`)
    for (const piece of typeof means === 'string' ? strptime(means) : means) {
      if ('literal' in piece) literal(out, piece.literal)
      else out.push(piece)
    }
  }
  return out
}

/** Neighbouring literals become one, and every run of blanks one blank: in texts it stands for one or more (`Apr  3`). */
function literal(out: Loose[], text: string): void {
  const last = out.at(-1)
  if (last !== undefined && 'literal' in last) last.literal = (last.literal + text).replace(/[ \t]+/g, ' ')
  else out.push({ literal: text.replace(/[ \t]+/g, ' ') })
}
