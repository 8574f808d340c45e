// `rename`: gives fields another name.
import { defineValueStep } from '../../core/component.ts'
import { fieldReader, fieldRemover } from '../../core/event.ts'
import { fieldRef, map } from '../../core/field.ts'
import { putter, topOf } from '../parse/put.ts'

export const rename = defineValueStep({
  name: 'rename',
  summary: 'Gives fields another name.',
  description: `What stood under the new name is replaced. Under the name \`@timestamp\` an ISO 8601 text or an epoch becomes the time
of the record. A field that isn't there is passed over. The renames are done in order.`,
  value: map(fieldRef('The new name.'), 'Names of fields and their new names.', {
    min: 1,
    example: { clientip: 'source.address' }
  }),
  examples: [{ title: 'Two names of ECS', yaml: 'rename: { clientip: source.address, verb: http.request.method }\n' }],
  build(names) {
    const each = Object.entries(names)
      .filter(([from, to]) => from !== to)
      .map(([from, to]) => ({ read: fieldReader(from), remove: fieldRemover(from), write: putter(to) }))
    return {
      writes: ['tags', '_@timestamp', ...Object.entries(names).flatMap(([from, to]) => [topOf(from), topOf(to)])],
      run: (event, cursor) => {
        for (let i = 0; i < each.length; i++) {
          const { read, remove, write } = each[i]!
          const value = read(event, cursor)
          if (value === undefined || typeof value === 'symbol') continue
          // In this order, since `a` may become `a.b`.
          remove(event, cursor)
          write(event, cursor, value)
        }
        return true
      }
    }
  }
})
