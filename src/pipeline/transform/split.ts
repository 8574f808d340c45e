// `split`: a text to a list of texts.
import { defineValueStep } from '../../core/component.ts'
import { fieldReader, fieldWriter } from '../../core/event.ts'
import { map, string } from '../../core/field.ts'
import { topOf } from '../parse/put.ts'

export const split = defineValueStep({
  name: 'split',
  summary: 'Makes a list of the text of a field, parted at a separator.',
  value: map(string('What stands between two values.'), 'Fields and their separators.', {
    min: 1,
    example: { forwarded_for: ', ' }
  }),
  examples: [{ title: 'A list of addresses', yaml: "split: { forwarded_for: ', ' }\n" }],
  build(separators) {
    const each = Object.entries(separators).map(([field, separator]) => ({
      separator,
      read: fieldReader(field),
      write: fieldWriter(field)
    }))
    return {
      writes: Object.keys(separators).map(topOf),
      run: (event, cursor) => {
        for (let i = 0; i < each.length; i++) {
          const { read, write, separator } = each[i]!
          const value = read(event, cursor)
          if (typeof value === 'string') write(event, cursor, value.split(separator))
        }
        return true
      }
    }
  }
})
