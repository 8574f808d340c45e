// THE LIST as tests walk it: every definition, the section it belongs to, and its examples as whole configurations.
import assert from 'node:assert/strict'
import { catalog } from '../../src/agent/components.ts'
import type { CheckedConfig } from '../../src/agent/components.ts'
import { checkExample, exampleConfig } from '../../src/config/example.ts'
import { formatProblem } from '../../src/config/problem.ts'
import type { AnyDefinition, Example } from '../../src/core/component.ts'

export interface Listed {
  /** `inputs`, `steps`, … */
  readonly section: string
  readonly definition: AnyDefinition
}

export const STEPS = 'steps'

export const listed: readonly Listed[] = [
  ...Object.entries(catalog.units).flatMap(([section, { definitions }]) =>
    definitions.map((definition): Listed => ({ section, definition }))
  ),
  ...catalog.steps.map((definition): Listed => ({ section: STEPS, definition }))
]

/** An example, checked; throws with every problem when it is none. */
export function checkedExample({ section, definition }: Listed, example: Example): CheckedConfig {
  const { checked, problems } = checkExample(catalog, exampleConfig(catalog, section, definition, example))
  assert.deepEqual(problems.map(formatProblem), [], `${definition.name}: ${example.title}`)
  return checked
}
