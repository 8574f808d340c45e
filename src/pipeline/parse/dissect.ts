// `dissect`: cuts a text at the literals of a pattern; the fastest way where the delimiters never change.
import { defineStep } from '../../core/component.ts'
import { fail, fieldReader } from '../../core/event.ts'
import type { Cursor, Event } from '../../core/event.ts'
import { either, fieldRef, map, optional, string } from '../../core/field.ts'
import { Cutter, parseDissect } from './dissect/pattern.ts'
import type { Cut, DissectPattern } from './dissect/pattern.ts'
import { putNamed, putter, topOf } from './put.ts'

type Assign = (pieces: readonly string[], event: Event, cursor: Cursor) => void

export const dissect = defineStep({
  name: 'dissect',
  summary: 'Cuts a text into fields at the literal texts of a pattern.',
  description: `\`%{name}\` is a field up to the text that follows it, the last one takes the rest. \`%{}\` and \`%{?name}\` skip.
\`%{+name}\` appends to a field of that name, with the delimiter that stood before it (\`%{+name/2}\` orders the pieces).
\`%{*n}\` … \`%{&n}\` (or \`%{?n}\` … \`%{&n}\`) take the field's name from the text. \`%{name->}\` skips repetitions of the
delimiter after it. A text that lacks one of the literals is tagged, and gets none of the fields.`,
  fields: {
    mapping: either(
      string('The pattern for `field`.'),
      map(string('The pattern for this field.'), 'Patterns by the field they cut.', { min: 1 }),
      'The pattern, or a map of fields to their patterns.',
      { example: '%{ts} %{+ts} %{level} %{text}' }
    ),
    field: fieldRef('Field that is cut when `mapping` is one pattern.', { default: 'message' }),
    target_prefix: optional(fieldRef('Field that the new ones go under. Without it they go to the top.')),
    tag_on_failure: string('Tag of a record whose text lacks one of the literals.', { default: '_dissectfailure' })
  },
  examples: [
    { title: 'One pattern', yaml: "dissect:\n  mapping: '%{ts} %{+ts} [%{level}] %{text}'\n" },
    {
      title: 'A map, as in Logstash',
      yaml: "dissect:\n  mapping:\n    message: '%{src->} %{verb} %{path}?%{query}'\n    query: 'id=%{id}'\n"
    }
  ],
  *lint(o) {
    for (const pattern of Object.values(mappingOf(o))) {
      try {
        parseDissect(pattern)
      } catch (error) {
        yield ['mapping', (error as Error).message]
      }
    }
  },
  build(o) {
    const prefix = o.target_prefix === undefined ? '' : `${o.target_prefix}.`
    const patterns = Object.entries(mappingOf(o)).map(([field, text]) => {
      const pattern = parseDissect(text)
      const cutter = new Cutter(pattern)
      const assign = assigner(pattern, prefix)
      const read = fieldReader(field)
      return (event: Event, cursor: Cursor): void => {
        const text = read(event, cursor)
        if (typeof text !== 'string') return
        if (cutter.cut(text)) assign(cutter.pieces, event, cursor)
        else fail(event, cursor, o.tag_on_failure)
      }
    })
    const cuts = Object.values(mappingOf(o)).flatMap(text => parseDissect(text).cuts)
    return {
      writes: cuts.some(c => c.kind === 'key' || c.name === '@timestamp')
        ? 'any'
        : ['tags', ...cuts.filter(c => c.kind === 'field' || c.kind === 'append').map(c => topOf(prefix + c.name))],
      run: (event, cursor) => {
        for (let i = 0; i < patterns.length; i++) patterns[i]!(event, cursor)
        return true
      }
    }
  }
})

const mappingOf = (o: { mapping: string | Record<string, string>; field: string }): Record<string, string> =>
  typeof o.mapping === 'string' ? { [o.field]: o.mapping } : o.mapping

/** Decides once how each piece gets into the record. */
function assigner(pattern: DissectPattern, prefix: string): Assign {
  const { cuts } = pattern
  const fields = cuts.flatMap((c, i) => (c.kind === 'field' && !appended(c.name, cuts) ? [i] : []))
  const puts = fields.map(i => putter(prefix + cuts[i]!.name))
  const joined = [...new Set(cuts.filter(c => c.kind === 'append').map(c => c.name))].map(name =>
    joiner(name, pattern, prefix)
  )
  const pairs = cuts.flatMap((c, i) =>
    c.kind === 'key' ? [[i, cuts.findIndex(v => v.kind === 'value' && v.name === c.name)] as const] : []
  )
  return (pieces, event, cursor) => {
    for (let i = 0; i < fields.length; i++) puts[i]!(event, cursor, pieces[fields[i]!]!)
    for (let i = 0; i < joined.length; i++) joined[i]!(pieces, event, cursor)
    for (let i = 0; i < pairs.length; i++) {
      const [key, value] = pairs[i]!
      if (pieces[key] !== '') putNamed(event, cursor, prefix + pieces[key]!, pieces[value]!)
    }
  }
}

const appended = (name: string, cuts: readonly Cut[]): boolean => cuts.some(c => c.kind === 'append' && c.name === name)

/** Joins the pieces of one name, each with the delimiter that stood before it (after it, for the very first). */
function joiner(name: string, { before, cuts }: DissectPattern, prefix: string): Assign {
  const parts = cuts.flatMap((c, i) => (c.name === name && (c.kind === 'append' || c.kind === 'field') ? [i] : []))
  parts.sort((a, b) => cuts[a]!.order - cuts[b]!.order || a - b)
  const glue = parts.map(i => (i === 0 ? before || cuts[0]!.after : cuts[i - 1]!.after))
  const put = putter(prefix + name)
  return (pieces, event, cursor) => {
    let text = pieces[parts[0]!]!
    for (let i = 1; i < parts.length; i++) text += glue[i]! + pieces[parts[i]!]!
    put(event, cursor, text)
  }
}
