// `copy`: puts what a field holds into another one too.
import { defineValueStep } from '../../core/component.ts'
import { fieldReader } from '../../core/event.ts'
import { fieldRef, map } from '../../core/field.ts'
import { putter, topOf } from '../parse/put.ts'

export const copy = defineValueStep({
  name: 'copy',
  summary: 'Puts what a field holds into another one too.',
  description: "What stood in the other field is replaced; a field that isn't there is passed over.",
  value: map(fieldRef('The other field.'), 'Fields and where their values go as well.', {
    min: 1,
    example: { message: 'event.original' }
  }),
  examples: [{ title: 'Keep the line', yaml: 'copy: { message: event.original }\n' }],
  build(names) {
    const each = Object.entries(names).map(([from, to]) => ({ read: fieldReader(from), write: putter(to) }))
    return {
      writes: ['tags', '_@timestamp', ...Object.values(names).map(topOf)],
      run: (event, cursor) => {
        for (let i = 0; i < each.length; i++) {
          const value = each[i]!.read(event, cursor)
          if (value === undefined || typeof value === 'symbol') continue
          // A step that changes one of the two must not change the other.
          each[i]!.write(event, cursor, typeof value === 'object' && value !== null ? structuredClone(value) : value)
        }
        return true
      }
    }
  }
})
