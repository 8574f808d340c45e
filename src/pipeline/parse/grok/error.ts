// What can be wrong with a grok pattern, and how it is told.

/**
 * `UNDEFINED_PATTERN` a `%{NAME}` without a definition · `RECURSION` definitions that never end · `REGEX` not a regular
 * expression · `FIELD` a capture's name that is no field reference · `DEFINITION` a definition that ends in white space
 */
export type GrokErrorCode = 'UNDEFINED_PATTERN' | 'RECURSION' | 'REGEX' | 'FIELD' | 'DEFINITION'

/** A pattern that cannot be compiled. `position` is the offset in the pattern as the user wrote it, -1 when unknown. */
export class GrokError extends Error {
  readonly code: GrokErrorCode
  readonly position: number

  constructor(code: GrokErrorCode, message: string, position = -1) {
    super(message)
    this.name = 'GrokError'
    this.code = code
    this.position = position
  }
}

/** The known name nearest to a mistyped one, or undefined when none is near. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.floor(name.length / 4) + 2
  for (const candidate of known) {
    const distance = editDistance(name.toUpperCase(), candidate.toUpperCase(), least)
    if (distance >= least) continue
    least = distance
    best = candidate
  }
  return best
}

function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replace, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
