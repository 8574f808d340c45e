// What `yarder grok` does: one pattern against one line or many, explained where it fails.
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { describe, errnoOf, OptionError, YarderError } from '../core/errors.ts'
import { didYouMean } from '../core/field.ts'
import { readPatternFiles } from '../pipeline/parse/grok.ts'
import { compileGrok, explainGrok, GrokError, patternSet } from '../pipeline/parse/grok/index.ts'
import type { Explanation } from '../pipeline/parse/grok/index.ts'
import { GrokTimeout } from '../pipeline/parse/grok/matcher.ts'
import { EXIT } from './command.ts'
import type { World } from './command.ts'
import { oneLine } from './one-line.ts'

export interface GrokTrial {
  readonly pattern: string | undefined
  readonly line: string | undefined
  readonly file?: string
  readonly list?: string | true
  readonly show?: string
  readonly schema: 'logstash' | 'ecs'
  readonly patternsDir?: string
}

type Patterns = ReadonlyMap<string, string>

/** Returns the exit status; throws YarderError for wrong usage. */
export async function tryGrok(world: World, trial: GrokTrial): Promise<number> {
  const { pattern, line, file, list, show } = trial
  const looks = list !== undefined || show !== undefined
  if (looks ? pattern !== undefined || file !== undefined : pattern === undefined) {
    throw new YarderError('USAGE', 'takes a pattern, or --list, or --show NAME')
  }
  if (line !== undefined && file !== undefined) throw new YarderError('USAGE', 'takes a line or --file, not both')
  const patterns = patternsOf(trial)
  if (list !== undefined) return listPatterns(world, patterns, list === true ? '' : list)
  if (show !== undefined) return showPattern(world, patterns, show)
  try {
    if (line !== undefined) return onLine(world, pattern!, line, patterns)
    if (file !== undefined) return await onFile(world, pattern!, file, patterns)
    return checkOnly(world, pattern!, patterns)
  } catch (error) {
    if (!(error instanceof GrokError)) throw error
    world.err(`yarder grok: ${error.message}\n${pointer(pattern!, error.position)}`)
    return EXIT.usage
  }
}

function patternsOf({ schema, patternsDir }: GrokTrial): Patterns {
  const patterns = patternSet(schema === 'ecs' ? 'ecs-v1' : 'legacy')
  if (patternsDir === undefined) return patterns
  try {
    readPatternFiles([patternsDir], '.', patterns)
    return patterns
  } catch (error) {
    if (!(error instanceof OptionError)) throw error
    throw new YarderError('USAGE', `--patterns-dir ${error.message}`)
  }
}

function listPatterns(world: World, patterns: Patterns, word: string): number {
  const names = [...patterns.keys()].filter(name => name.toLowerCase().includes(word.toLowerCase())).sort()
  world.out(names.map(name => `${name}\n`).join(''))
  if (names.length === 0) world.err(`yarder grok: no pattern has "${word}" in its name\n`)
  return names.length > 0 ? EXIT.ok : EXIT.failed
}

function showPattern(world: World, patterns: Patterns, name: string): number {
  const definition = patterns.get(name)
  if (definition === undefined) {
    world.err(`yarder grok: pattern "${name}" is not defined${didYouMean(name, [...patterns.keys()])}\n`)
    return EXIT.usage
  }
  world.out(`${definition}\n`)
  return EXIT.ok
}

function checkOnly(world: World, pattern: string, patterns: Patterns): number {
  const { fields, matchers } = compileGrok({ match: { message: pattern }, patterns })
  const { engine, reason } = matchers[0]!
  if (!world.terminal) world.out(`${JSON.stringify({ fields, engine, reason })}\n`)
  else {
    const names = fields.length === 0 ? 'captures nothing' : `captures ${fields.join(', ')}`
    world.out(`valid; ${names}; matched by ${engine}${reason === '' ? '' : ` (${reason})`}\n`)
  }
  return EXIT.ok
}

function onLine(world: World, pattern: string, line: string, patterns: Patterns): number {
  const answer = attempt(pattern, line, patterns)
  if ('miss' in answer) world.err(answer.miss)
  else world.out(`${JSON.stringify(answer.captures, null, world.terminal ? 2 : 0)}\n`)
  return 'miss' in answer ? EXIT.failed : EXIT.ok
}

/** The captures, or why there are none, as people read it. */
function attempt(pattern: string, line: string, patterns: Patterns): Pick<Explanation, 'captures'> | { miss: string } {
  try {
    const answer = explainGrok(pattern, line, patterns)
    return answer.matched ? answer : { miss: `no match\n${explained(answer, line)}` }
  } catch (error) {
    if (!(error instanceof GrokTimeout)) throw error
    return { miss: `${error.message} on this line\n` }
  }
}

/** Where the match stopped, with a caret below the line. */
function explained({ longestPrefix, stoppedAt, restOfLine, captures }: Explanation, line: string): string {
  const before = oneLine(line.slice(0, line.length - restOfLine.length))
  const lines = [
    longestPrefix === '' ? 'no part of the pattern matches' : `matches so far: ${longestPrefix}`,
    `stops at:       ${stoppedAt.trim() === '' ? JSON.stringify(stoppedAt) : stoppedAt}`,
    '',
    before + oneLine(restOfLine),
    `${' '.repeat(before.length)}^`
  ]
  if (Object.keys(captures).length > 0) lines.push(`captured so far: ${oneLine(JSON.stringify(captures))}`)
  return lines.map(l => `  ${l}`.trimEnd() + '\n').join('')
}

/** A pattern with a caret below the place that is wrong; '' when there is none to show. */
const pointer = (pattern: string, position: number): string =>
  position < 0 || position > pattern.length
    ? ''
    : `  ${oneLine(pattern)}\n  ${' '.repeat(oneLine(pattern.slice(0, position)).length)}^\n`

/** More misses than these are only counted. */
const MOST_EXPLAINED = 5

async function onFile(world: World, pattern: string, path: string, patterns: Patterns): Promise<number> {
  const grok = compileGrok({ match: { message: pattern }, patterns, tag_on_failure: [] })
  let number = 0
  let missed = 0
  try {
    for await (const line of linesOf(path)) {
      number++
      const captures: Record<string, unknown> = {}
      if (grok.apply(captures, line)) world.out(`${JSON.stringify(captures)}\n`)
      else if (++missed <= MOST_EXPLAINED) {
        const answer = attempt(pattern, line, patterns)
        world.err(`${path}:${number}: ${'miss' in answer ? answer.miss : 'no match\n'}`)
      }
    }
  } catch (error) {
    if (errnoOf(error) === '') throw error
    world.err(`yarder grok: ${path}: ${describe(error)}\n`)
    return EXIT.failed
  }
  world.err(`${number - missed} of ${number} lines match\n`)
  return missed === 0 ? EXIT.ok : EXIT.failed
}

async function* linesOf(path: string): AsyncIterable<string> {
  if (path === '-') yield* createInterface({ input: process.stdin })
  else yield* (await open(path)).readLines()
}
