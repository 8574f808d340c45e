// THE LIST: every component, one import and one line each; and the catalog that a configuration is checked against.
import { defineCatalog, pipelineField } from '../config/catalog.ts'
import type { Checked } from '../config/checked.ts'
import * as f from '../core/field.ts'
import { stdin } from '../input/stdin.ts'
import { date } from '../pipeline/parse/date.ts'
import { adminFields, agentFields } from './sections.ts'

const inputs = [stdin] as const
const steps = [date] as const
const outputs = [] as const

const inputCommon = {
  pipeline: f.optional(
    pipelineField('What is done with each line: the name of a pipeline, or its steps.', { example: 'nginx' })
  ),
  outputs: f.optional(
    f.list(f.string('Name of an output.'), 'Which outputs get the records; all of them when absent.', { min: 1 })
  ),
  fields: f.optional(
    f.map(f.anything('Any value.'), "Put under `fields` on every record of the input, over the agent's.")
  ),
  tags: f.list(f.string('A tag.'), "Put into `tags` of every record of the input, after the agent's.", { default: [] })
}

export const catalog = defineCatalog({
  sections: {
    agent: { doc: 'The agent itself.', fields: agentFields },
    admin: { doc: 'The HTTP listener for `/metrics` and `/health`.', fields: adminFields }
  },
  units: {
    inputs: {
      doc: 'Where lines come from.',
      definitions: inputs,
      common: inputCommon,
      refersTo: { outputs: 'outputs' }
    },
    outputs: { doc: 'Where records go; none prints NDJSON on stdout.', definitions: outputs, common: {} }
  },
  steps
})

export type CheckedConfig = Checked<typeof catalog>
export type InputUnit = CheckedConfig['units']['inputs'][number]
export type OutputUnit = CheckedConfig['units']['outputs'][number]
