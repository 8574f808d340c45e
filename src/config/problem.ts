// What is wrong with a configuration, and how it is said: `file:line:column path: rule, got value; did you mean …`.
import { YarderError } from '../core/errors.ts'
import type { Position } from './tree.ts'

/** One fault (or one warning). */
export interface Problem {
  /** Absent when it is about no place in a file: a file that can't be read. */
  readonly at?: Position | undefined
  /** `inputs.nginx.paths[0]`; '' when it is about the whole. */
  readonly path: string
  /** A lower-case phrase without secrets. */
  readonly message: string
}

/** A configuration that can't be used, with everything that is wrong with it. */
export class ConfigError extends YarderError {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[], options: ErrorOptions = {}) {
    super('CONFIG', problems.map(formatProblem).join('\n'), options)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** One line of text. */
export function formatProblem({ at, path, message }: Problem): string {
  const place = at === undefined ? '' : `${at.file}:${at.line}:${at.column}`
  return [[place, path].filter(part => part !== '').join(' '), message].filter(part => part !== '').join(': ')
}

/** By file in the order given, then by line and column; what was said twice about one place is left once. */
export function sortProblems(problems: readonly Problem[], files: readonly string[]): Problem[] {
  const order = new Map(files.map((file, i) => [file, i]))
  const rank = (p: Problem): number => (p.at === undefined ? -1 : (order.get(p.at.file) ?? files.length))
  const seen = new Set<string>()
  return problems
    .toSorted(
      (a, b) => rank(a) - rank(b) || (a.at?.line ?? 0) - (b.at?.line ?? 0) || (a.at?.column ?? 0) - (b.at?.column ?? 0)
    )
    .filter(p => {
      const line = formatProblem(p)
      return !seen.has(line) && seen.add(line) !== undefined
    })
}

/** Below this length a secret can't be told from the words around it. */
const SHORTEST_SECRET = 4
/** A message may have cut a long value; so much of its beginning gives it away. */
const TELLING = 16

/** Shorter pieces of base64 are found where no secret is. */
const SHORTEST_BASE64 = 8

/** How a secret looks within a longer text in base64, as a password in `Basic …`: what its bytes alone decide, at each of three places. */
function inBase64(secret: string): string[] {
  const bytes = Buffer.from(secret)
  return [0, 1, 2].flatMap(before => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    const own = text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
    return own.length < SHORTEST_BASE64 ? [] : [own]
  })
}

/** As it stands in a quoted text; twice where that is JSON within one. */
const escaped = (text: string): string => JSON.stringify(text).slice(1, -1)

/** Makes a function that takes the secrets, and passwords in URLs, out of a text. Later additions to the set count. */
export function masking(secrets: ReadonlySet<string>): (text: string) => string {
  return text => {
    let out = text.replace(/(:\/\/[^\s/:@]*):[^\s/@]+@/g, '$1:***@')
    for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
      if (secret.length < SHORTEST_SECRET) continue
      for (const form of new Set([
        secret,
        escaped(secret),
        escaped(escaped(secret)),
        encodeURIComponent(secret.toWellFormed()),
        ...inBase64(secret)
      ])) {
        out = out.replaceAll(form, '***')
        const cut = form.length > TELLING ? out.indexOf(form.slice(0, TELLING)) : -1
        if (cut >= 0) out = `${out.slice(0, cut)}***`
      }
    }
    return out
  }
}
