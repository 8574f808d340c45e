// `kv`: key-value pairs in any text, such as query strings, audit logs and firewall logs.
import { defineStep } from '../../core/component.ts'
import { fail, fieldReader } from '../../core/event.ts'
import { boolean, choice, fieldRef, list, optional, string } from '../../core/field.ts'
import { CharSet, scanPairs } from './kv/scan.ts'
import { nested, putNamed, putter } from './put.ts'

export const kv = defineStep({
  name: 'kv',
  summary: 'Takes the key-value pairs in a text as fields.',
  description: `The options are those of Logstash's filter. A value may stand in double or single quotes, and, with
\`include_brackets\`, in \`(…)\`, \`[…]\` or \`<…>\`. Blanks around the value's delimiter are passed over. All values are texts; a key
that comes again makes a list. A text without any pair is tagged.`,
  fields: {
    field: fieldRef('Field that holds the text. A record without it is left alone.', { default: 'message' }),
    target: optional(fieldRef('Field that the new ones go under. Without it they go to the top.')),
    field_split: string('Characters of which each parts one pair from the next.', { default: ' ', example: '&?' }),
    value_split: string('Characters of which each parts a key from its value.', { default: '=', example: ':' }),
    prefix: optional(string('Put before each key.', { example: 'arg_' })),
    include_keys: list(string('A key.'), 'Keys to take; when empty, all.', { default: [] }),
    exclude_keys: list(string('A key.'), 'Keys to leave out.', { default: [] }),
    trim_key: optional(string('Characters to cut off both ends of keys.', { example: '<>' })),
    trim_value: optional(string('Characters to cut off both ends of values.', { example: ',"' })),
    transform_key: optional(choice(['lowercase', 'uppercase'], 'Changes the letters of the keys.')),
    include_brackets: boolean('Whether brackets keep a value together; they are cut off then.', { default: true }),
    allow_duplicate_values: boolean('Whether a list may hold the same value twice.', { default: true }),
    allow_empty_values: boolean('Whether a pair without a value makes an empty field.', { default: false }),
    tag_on_failure: string('Tag of a record without any pair in its text.', { default: '_kvparsefailure' })
  },
  examples: [
    { title: 'The arguments of a request', yaml: "kv:\n  field: query\n  field_split: '&?'\n  prefix: arg_\n" },
    { title: 'A firewall', yaml: 'kv:\n  include_keys: [SRC, DST, PROTO]\n  transform_key: lowercase\n' }
  ],
  build(o) {
    const read = fieldReader(o.field)
    const write = o.target === undefined ? undefined : putter(o.target)
    const shape = {
      fieldSplit: new CharSet(o.field_split),
      valueSplit: new CharSet(o.value_split),
      brackets: o.include_brackets
    }
    const include = o.include_keys.length === 0 ? undefined : new Set(o.include_keys)
    const exclude = new Set(o.exclude_keys)
    const prefix = o.prefix ?? ''
    const found = new Map<string, string | string[]>()
    const take = (rawKey: string, rawValue: string): void => {
      let key = o.trim_key === undefined ? rawKey : trim(rawKey, o.trim_key)
      if (o.transform_key !== undefined) key = o.transform_key === 'lowercase' ? key.toLowerCase() : key.toUpperCase()
      const value = o.trim_value === undefined ? rawValue : trim(rawValue, o.trim_value)
      if (key === '' || (value === '' && !o.allow_empty_values)) return
      // As written, or as it is called afterwards: a user means either.
      if (include !== undefined && !include.has(key) && !include.has(rawKey)) return
      if (exclude.has(key) || exclude.has(rawKey)) return
      add(found, prefix + key, value, o.allow_duplicate_values)
    }
    return {
      writes: 'any',
      run: (event, cursor) => {
        const text = read(event, cursor)
        if (typeof text !== 'string') return true
        found.clear()
        scanPairs(text, shape, take)
        if (found.size === 0) fail(event, cursor, o.tag_on_failure)
        else if (write === undefined) for (const [key, value] of found) putNamed(event, cursor, key, value)
        else write(event, cursor, nested(found))
        return true
      }
    }
  }
})

function add(found: Map<string, string | string[]>, key: string, value: string, twice: boolean): void {
  const before = found.get(key)
  if (before === undefined) found.set(key, value)
  else if (typeof before === 'string') {
    if (twice || before !== value) found.set(key, [before, value])
  } else if (twice || !before.includes(value)) before.push(value)
}

function trim(text: string, chars: string): string {
  let from = 0
  let to = text.length
  while (from < to && chars.includes(text[from]!)) from++
  while (to > from && chars.includes(text[to - 1]!)) to--
  return text.slice(from, to)
}
