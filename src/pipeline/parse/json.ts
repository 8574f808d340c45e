// `json`: the fields of a JSON object become those of the record.
import { defineStep } from '../../core/component.ts'
import { fail, fieldReader, fieldRemover } from '../../core/event.ts'
import type { Cursor, Event } from '../../core/event.ts'
import { boolean, fieldRef, optional, string } from '../../core/field.ts'
import { decodeJson } from './json/decode.ts'
import { putNamed, putter } from './put.ts'

export const json = defineStep({
  name: 'json',
  summary: 'Takes a JSON object apart into fields.',
  description: `The object's own \`@timestamp\` (ISO 8601, or an epoch in s, ms, µs or ns) becomes the time of the record; one that
can't be read is kept as \`_@timestamp\` and tagged \`_timestampparsefailure\`. Keys with dots are taken apart (\`log.level\` to
\`log: {level}\`), \`tags\` are added to those there. Whole numbers beyond 2^53 stay exact, as text.

A text that is no JSON object, or is nested deeper than 64 levels, stays as it is and is tagged.`,
  fields: {
    field: fieldRef('Field that holds the JSON text. A record without it is left alone.', { default: 'message' }),
    target: optional(
      fieldRef('Field that gets the object (or list) as a whole. Without it the keys become fields of the record.', {
        example: 'app'
      })
    ),
    overwrite: boolean('Whether keys of the object replace fields that are there.', { default: true }),
    keep_source: boolean('Keep the text beside the fields; without it the field is removed once it was read.', {
      default: false
    }),
    tag_on_failure: string('Tag of a record whose text is no JSON object.', { default: '_jsonparsefailure' })
  },
  examples: [
    { title: 'A log of JSON lines', yaml: 'json: {}\n' },
    { title: 'JSON in a field, kept together', yaml: 'json:\n  field: payload\n  target: app\n  keep_source: true\n' }
  ],
  build(o) {
    const read = fieldReader(o.field)
    const removed = fieldRemover(o.field)
    const plain = !/[.[]/.test(o.field)
    const remove = (event: Event, cursor: Cursor): void => {
      // Undefined isn't written, and unlike `delete` it leaves the record's hidden class as it is.
      if (plain && Object.hasOwn(event, o.field)) event[o.field] = undefined
      else removed(event, cursor)
    }
    const write = o.target === undefined ? undefined : putter(o.target)
    return {
      writes: 'any',
      run: (event, cursor) => {
        const text = read(event, cursor)
        if (text === undefined || text === null || typeof text === 'symbol') return true
        const value = typeof text === 'string' ? decodeJson(text) : undefined
        if (value === undefined || (write === undefined && Array.isArray(value))) {
          fail(event, cursor, o.tag_on_failure)
        } else {
          if (!o.keep_source) remove(event, cursor)
          if (write !== undefined) write(event, cursor, value)
          else spread(event, cursor, value as Event, o.overwrite)
        }
        return true
      }
    }
  }
})

function spread(event: Event, cursor: Cursor, object: Event, overwrite: boolean): void {
  for (const key in object) {
    if (overwrite || event[key] === undefined || key === 'tags') putNamed(event, cursor, key, object[key])
  }
}
