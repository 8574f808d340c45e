// `keep`: leaves records out that don't meet a condition.
import { defineStep } from '../../core/component.ts'
import { condition } from '../../core/field.ts'

export const keep = defineStep({
  name: 'keep',
  summary: 'Leaves out all records but those that meet a condition.',
  description: 'A record that is left out counts as delivered: it is gone by intention, and counted as such.',
  fields: {
    when: condition('Which records to keep; all of the map must hold.', { example: { response: { gte: 400 } } })
  },
  examples: [{ title: 'Errors alone', yaml: 'keep:\n  when: { response: { gte: 400 } }\n' }],
  build({ when }) {
    return { writes: [], run: when }
  }
})
