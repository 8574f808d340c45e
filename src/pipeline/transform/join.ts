// `join`: a list to one text.
import { defineValueStep } from '../../core/component.ts'
import { fieldReader, fieldWriter } from '../../core/event.ts'
import { map, text } from '../../core/field.ts'
import { textOf } from '../../core/template.ts'
import { topOf } from '../parse/put.ts'

export const join = defineValueStep({
  name: 'join',
  summary: 'Makes one text of the list in a field.',
  value: map(text('What stands between two values.'), 'Fields and what joins their values.', {
    min: 1,
    example: { argv: ' ' }
  }),
  examples: [{ title: 'A command line', yaml: "join: { argv: ' ' }\n" }],
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
          if (Array.isArray(value)) write(event, cursor, value.map(v => textOf(v)).join(separator))
        }
        return true
      }
    }
  }
})
