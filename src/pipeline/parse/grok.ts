// `grok`: named patterns, as Logstash has them.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { defineStep } from '../../core/component.ts'
import { OptionError } from '../../core/errors.ts'
import * as f from '../../core/field.ts'
import { compileGrok, FAILURE_TAG, TIMEOUT_TAG } from './grok/grok.ts'
import type { Grok } from './grok/grok.ts'
import { GrokError } from './grok/error.ts'
import { parsePatternFile, patternSet } from './grok/patterns/index.ts'

const pattern = f.string('A pattern such as `%{COMBINEDAPACHELOG}`.')
const patterns = f.oneOrMore(pattern, 'Patterns, tried in order.')

/** Adds the definitions of users' own files, Logstash's included; later files win. Throws OptionError (\`patterns_dir[0]\`). */
export function readPatternFiles(paths: readonly string[], configDir: string, into: Map<string, string>): void {
  for (const [i, path] of paths.entries()) {
    try {
      const at = resolve(configDir, path)
      const files = statSync(at).isDirectory()
        ? readdirSync(at)
            .filter(name => !name.startsWith('.'))
            .sort()
            .map(name => join(at, name))
        : [at]
      for (const file of files) {
        if (!statSync(file).isFile()) continue
        for (const [name, definition] of parsePatternFile(readFileSync(file, 'utf8'))) into.set(name, definition)
      }
    } catch (error) {
      throw new OptionError(`patterns_dir[${i}]`, `cannot be read: ${(error as Error).message}`, { cause: error })
    }
  }
}

export const grok = defineStep({
  name: 'grok',
  summary: 'Takes a line apart by named patterns, with the names and the rules of Logstash.',
  description:
    'All names of logstash-patterns-core 4.3.1 are there, in both sets. A bare capture is text, as it stands in the line; ' +
    '`:int` and `:float` make numbers. A line that does not match ships with the tag `_grokparsefailure`. ' +
    '`yarder grok PATTERN LINE` shows which part of a pattern stopped.',
  fields: {
    match: f.either(
      patterns,
      f.map(patterns, 'Fields and the patterns for each.', { min: 1 }),
      'The pattern for `message`, several to be tried in order, or a map of fields to patterns.',
      { example: '%{COMBINEDAPACHELOG}' }
    ),
    pattern_definitions: f.map(pattern, 'Patterns of this step alone, by name.', {
      default: {},
      example: { ORDER: '[A-Z]{2}\\d+' }
    }),
    patterns_dir: f.list(
      f.string('A file, or a folder of files.'),
      'Files of further patterns, `NAME definition` a line.',
      { default: [] }
    ),
    pattern_set: f.optional(
      f.choice(['legacy', 'ecs-v1'], 'Which names the captures get; that of `agent.schema` when absent.')
    ),
    break_on_match: f.boolean('Stop at the first pattern that matches.', { default: true }),
    named_captures_only: f.boolean('Only `%{NAME:field}` captures, not `%{NAME}`.', { default: true }),
    keep_empty_captures: f.boolean('Write captures that matched nothing.', { default: false }),
    overwrite: f.list(f.fieldRef('A field.'), 'Fields that a capture replaces instead of adding to.', { default: [] }),
    target: f.optional(f.fieldRef('Put the captures under this field.')),
    tag_on_failure: f.list(f.string('A tag.'), 'Tags of a record that does not match.', { default: [FAILURE_TAG] })
  },
  examples: [
    { title: 'An access log', yaml: "match: '%{COMBINEDAPACHELOG}'" },
    {
      title: 'A format of your own, the second pattern for lines without a user',
      yaml: "match:\n  - '^%{IP:client} %{USER:user} %{NUMBER:seconds:float}'\n  - '^%{IP:client} %{NUMBER:seconds:float}'"
    }
  ],
  *lint(o) {
    const texts = Array.isArray(o.match) ? o.match : Object.values(o.match).flat()
    for (const text of texts) {
      if (/%\{[^}]*$/.test(text)) yield ['match', `has %{ without } in ${JSON.stringify(text)}`]
    }
  },
  build(o, context) {
    const setName = o.pattern_set ?? (context.schema === 'ecs' ? 'ecs-v1' : 'legacy')
    const set = patternSet(setName)
    readPatternFiles(o.patterns_dir, context.configDir, set)
    let compiled: Grok
    try {
      compiled = compileGrok({ ...o, match: Array.isArray(o.match) ? { message: o.match } : o.match, patterns: set })
    } catch (error) {
      if (error instanceof GrokError) throw new OptionError('match', error.message, { cause: error })
      throw error
    }
    const { apply } = compiled
    const [pattern, ...more] = Array.isArray(o.match) ? o.match : []
    const plain = o.named_captures_only && !o.keep_empty_captures && o.target === undefined && o.overwrite.length === 0
    const fuse = pattern !== undefined && more.length === 0 && plain && Object.keys(o.pattern_definitions).length === 0
    const failure = o.tag_on_failure[0] ?? FAILURE_TAG
    return {
      writes: ['tags', ...compiled.fields],
      ...(fuse ? { fuse: { kind: 'grok' as const, pattern, set, own: patternSet(setName) } } : {}),
      run(event, cursor) {
        if (!apply(event)) cursor.failed = timedOut(event) ? TIMEOUT_TAG : failure
        return true
      }
    }
  }
})

const timedOut = (event: Record<string, unknown>): boolean =>
  Array.isArray(event['tags']) && event['tags'].includes(TIMEOUT_TAG)
