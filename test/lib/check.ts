// Builds and runs one check as the agent does, from its options as they stand in YAML.
import { systemClock } from '../../src/core/clock.ts'
import type { CheckDefinition, Context, Notification } from '../../src/core/component.ts'
import { createRunner } from '../../src/health/run.ts'
import type { CheckRun, Runner } from '../../src/health/run.ts'
import { readFields } from '../../src/core/field.ts'
import { context } from './step.ts'

/** Ready to run; throws all that the config check would say, a line each. */
export function buildCheck(
  definition: CheckDefinition,
  options: Record<string, unknown>,
  timeoutMs = 10_000,
  over: Partial<Context> = {}
): Runner {
  const wrong = checkFaults(definition, options)
  if (wrong.length > 0) throw new TypeError(wrong.join('\n'))
  const values = readFields(definition.fields, options, () => {}) as never
  return createRunner(definition.build(values, context(over)), timeoutMs, systemClock)
}

/** What the configuration says about options: every fault, `option: message`. */
export function checkFaults(definition: CheckDefinition, options: Record<string, unknown>): string[] {
  const out: string[] = []
  const read = readFields(definition.fields, options, (path, message) => out.push(`${path}: ${message}`))
  if (out.length === 0)
    for (const [option, message] of definition.lint?.(read as never) ?? []) out.push(`${option}: ${message}`)
  return out
}

/** One run. */
export const runCheck = (
  definition: CheckDefinition,
  options: Record<string, unknown>,
  timeoutMs?: number,
  over?: Partial<Context>
): Promise<CheckRun> => buildCheck(definition, options, timeoutMs, over).run(new AbortController().signal)

export const notification = (over: Partial<Notification> = {}): Notification => ({
  check: 'homepage',
  type: 'http',
  state: 'critical',
  previous: 'ok',
  reason: 'status',
  message: 'HTTP 500, expected 2xx',
  since: Date.UTC(2026, 10, 22, 12),
  previousSince: Date.UTC(2026, 10, 22, 11),
  owner: undefined,
  ...over
})
