// `logfmt`: `level=info msg="it works"` lines.
import { defineStep } from '../../core/component.ts'
import { fail, fieldReader } from '../../core/event.ts'
import { fieldRef, optional, string } from '../../core/field.ts'
import { scanLogfmt } from './logfmt/scan.ts'
import { nested, putNamed, putter } from './put.ts'

export const logfmt = defineStep({
  name: 'logfmt',
  summary: 'Takes the key=value pairs of a logfmt line as fields.',
  description: `Values may stand in double quotes, with the escapes of JSON in them. All values are texts; words without a \`=\` are
passed over, and of a key that comes twice the last one counts. A line without any pair, or with a quote that is never closed,
is tagged and gets no fields. A \`@timestamp\` in the line becomes the time of the record.`,
  fields: {
    field: fieldRef('Field that holds the line. A record without it is left alone.', { default: 'message' }),
    target: optional(fieldRef('Field that the new ones go under. Without it they go to the top.')),
    tag_on_failure: string('Tag of a record whose text is no logfmt.', { default: '_logfmtparsefailure' })
  },
  examples: [
    { title: 'A log of key=value lines', yaml: 'logfmt: {}\n' },
    { title: 'Kept together', yaml: 'logfmt:\n  target: app\n' }
  ],
  build(o) {
    const read = fieldReader(o.field)
    const write = o.target === undefined ? undefined : putter(o.target)
    const found = new Map<string, string>()
    return {
      writes: 'any',
      run: (event, cursor) => {
        const text = read(event, cursor)
        if (typeof text !== 'string') return true
        found.clear()
        if (!scanLogfmt(text, found) || found.size === 0) fail(event, cursor, o.tag_on_failure)
        else if (write === undefined) for (const [key, value] of found) putNamed(event, cursor, key, value)
        else write(event, cursor, nested(found))
        return true
      }
    }
  }
})
