// `remove`: takes fields out of the record.
import { defineValueStep } from '../../core/component.ts'
import { fieldRemover } from '../../core/event.ts'
import { fieldRef, oneOrMore } from '../../core/field.ts'
import { topOf } from '../parse/put.ts'

export const remove = defineValueStep({
  name: 'remove',
  summary: "Takes fields out of the record, the agent's own such as `host.os` too.",
  value: oneOrMore(fieldRef('A field.'), 'Fields to remove; those that are not there are passed over.', {
    example: ['ident', 'auth']
  }),
  examples: [{ title: 'Fields nobody reads', yaml: 'remove: [ident, auth, host.os.kernel]\n' }],
  *lint(fields) {
    if (fields.includes('@timestamp')) yield ['', 'can\'t remove "@timestamp": every record has a time']
  },
  build(fields) {
    const removers = fields.map(fieldRemover)
    return {
      writes: fields.map(topOf),
      run: (event, cursor) => {
        for (let i = 0; i < removers.length; i++) removers[i]!(event, cursor)
        return true
      }
    }
  }
})
