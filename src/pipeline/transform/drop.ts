// `drop`: leaves records out that meet a condition.
import { defineStep } from '../../core/component.ts'
import { condition } from '../../core/field.ts'

export const drop = defineStep({
  name: 'drop',
  summary: 'Leaves out the records that meet a condition.',
  description: 'A dropped record counts as delivered: it is gone by intention, and counted as such.',
  fields: {
    when: condition('Which records to leave out; all of the map must hold.', {
      example: { request: { matches: '^/healthz' } }
    })
  },
  examples: [
    { title: 'Requests of a load balancer', yaml: "drop:\n  when: { request: { matches: '^/healthz' } }\n" },
    {
      title: 'Noise',
      yaml: 'drop:\n  when:\n    any: [{ level: [DEBUG, TRACE] }, { not: { message: { exists: true } } }]\n'
    }
  ],
  build({ when }) {
    return { writes: [], run: (event, cursor) => !when(event, cursor) }
  }
})
