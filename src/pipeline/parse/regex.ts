// `regex`: the named groups of a regular expression become fields.
import { defineStep } from '../../core/component.ts'
import { fail, fieldReader, parseFieldRef } from '../../core/event.ts'
import type { Cursor, Event } from '../../core/event.ts'
import { boolean, fieldRef, oneOrMore, optional, string } from '../../core/field.ts'
import { putter, topOf } from './put.ts'
import { compileNumbered } from './regex/numbered.ts'

interface Matcher {
  readonly regex: RegExp
  readonly groups: readonly number[]
  readonly puts: ReadonlyArray<(event: Event, cursor: Cursor, value: unknown) => void>
}

export const regex = defineStep({
  name: 'regex',
  summary: 'Takes fields out of a text by the named groups of a regular expression.',
  description: `JavaScript's syntax; Python's \`(?P<name>…)\`, \`(?P=name)\`, \`\\A\`, \`\\Z\` and a leading \`(?i)\` are understood too. A name
may be a nested field: \`(?<source.ip>…)\`. A pattern matches anywhere in the text: begin it with \`^\` where you can, since a
line that doesn't match is then told at once. Groups that took no part in the match give no field; all values are texts.`,
  fields: {
    field: fieldRef('Field that is matched. A record without it is left alone.', { default: 'message' }),
    pattern: oneOrMore(
      string('A regular expression.'),
      'The expression, or several of which the first that matches counts.',
      {
        example: '^(?<ip>\\S+) - (?<user>\\S+) \\[(?<time>[^\\]]+)\\]'
      }
    ),
    ignore_case: boolean('Whether capital and small letters are the same.', { default: false }),
    target: optional(fieldRef('Field that the new ones go under. Without it they go to the top.')),
    tag_on_failure: string('Tag of a record that no expression matches.', { default: '_regexparsefailure' })
  },
  examples: [
    {
      title: "Python's spelling",
      yaml: `regex:\n  pattern: '(?P<IP>\\d+\\.\\d+\\.\\d+\\.\\d+) - (?P<User>\\w+) \\[(?P<Time>[^\\]]+)\\] (?P<Request>".+")'\n`
    },
    {
      title: 'Several, tried in order',
      yaml: "regex:\n  pattern: ['^(?<level>[A-Z]+): (?<text>.*)', '^(?<text>.*)']\n  target: app\n"
    }
  ],
  *lint(o) {
    for (const pattern of o.pattern) {
      let names: ReadonlyArray<string | undefined>
      try {
        names = compileNumbered(pattern).names
      } catch (error) {
        yield ['pattern', `must be a regular expression: ${(error as Error).message}`]
        continue
      }
      const named = names.filter(n => n !== undefined)
      if (named.length === 0) yield ['pattern', 'must have at least one named group, such as (?<status>\\d+)']
      for (const name of named)
        if (parseFieldRef(name) === undefined) yield ['pattern', `"${name}" is no name for a field`]
    }
  },
  build(o) {
    const prefix = o.target === undefined ? '' : `${o.target}.`
    const read = fieldReader(o.field)
    const matchers = o.pattern.map(pattern => matcher(pattern, prefix, o.ignore_case))
    const names = o.pattern.flatMap(p => compileNumbered(p).names.filter(n => n !== undefined))
    return {
      writes: ['tags', '_@timestamp', ...new Set(names.map(name => topOf(prefix + name)))],
      run: (event, cursor) => {
        const text = read(event, cursor)
        if (typeof text !== 'string') return true
        for (let i = 0; i < matchers.length; i++) if (take(matchers[i]!, text, event, cursor)) return true
        fail(event, cursor, o.tag_on_failure)
        return true
      }
    }
  }
})

function matcher(pattern: string, prefix: string, ignoreCase: boolean): Matcher {
  const { regex, names } = compileNumbered(pattern, ignoreCase ? 'i' : '')
  const groups = names.flatMap((name, i) => (name === undefined ? [] : [i]))
  return { regex, groups, puts: groups.map(i => putter(prefix + names[i]!)) }
}

function take({ regex, groups, puts }: Matcher, text: string, event: Event, cursor: Cursor): boolean {
  const m = regex.exec(text)
  if (m === null) return false
  for (let i = 0; i < groups.length; i++) {
    const value = m[groups[i]!]
    if (value !== undefined) puts[i]!(event, cursor, value)
  }
  return true
}
