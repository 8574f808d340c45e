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
