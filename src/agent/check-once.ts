// Runs the checks of a configuration once, without an agent.
import type { Clock } from '../core/clock.ts'
import type { Context } from '../core/component.ts'
import { masked } from '../health/checks.ts'
import type { CheckUnit } from '../health/checks.ts'
import { createRunner } from '../health/run.ts'
import type { CheckRun } from '../health/run.ts'

export type { CheckUnit } from '../health/checks.ts'

export interface CheckedOnce extends CheckRun {
  readonly name: string
  readonly type: string
}

/** Checks at work at the same time. */
const AT_ONCE = 16

/** The results in the order of the checks, `mask` over what they say. Rejects with ConfigError when one cannot be built. */
export async function checkOnce(
  units: readonly CheckUnit[],
  contextOf: (name: string) => Context,
  clock: Clock,
  mask: (text: string) => string
): Promise<CheckedOnce[]> {
  const built = units.map(unit => ({
    unit,
    runner: createRunner(masked(unit.build(contextOf(unit.name)), mask), unit.common.timeout, clock)
  }))
  const results: CheckedOnce[] = []
  const { signal } = new AbortController()
  let next = 0
  const work = async (): Promise<void> => {
    for (let i = next++; i < built.length; i = next++) {
      const { unit, runner } = built[i]!
      results[i] = { name: unit.name, type: unit.type, ...(await runner.run(signal)) }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return results
}
