// What only the whole configuration can have wrong.
import type { Meter } from '../core/component.ts'
import type { Problem } from '../config/problem.ts'
import { didYouMean } from '../core/field.ts'
import { dependencyCircles } from '../health/dependencies.ts'
import { metricNameClashes } from '../metrics/from-logs/name.ts'
import type { CheckedConfig } from './components.ts'
import { feedbackLoops } from './feedback.ts'
import { inputsOfLogChecks, watchedByChecks } from './health-checks.ts'
import { isMetered } from './log-metrics.ts'

/** Faults between units, each at its place. Relative paths start from `configDir`. */
export function crossProblems(checked: CheckedConfig, configDir: string): Problem[] {
  const metrics = checked.units.metrics
  const named = metrics.map(unit => ({ name: unit.name, type: unit.type as Meter['type'] }))
  const clashes = [...metricNameClashes(named)].map(([name, message]) => {
    const unit = metrics.find(m => m.name === name)!
    return { at: unit.at(), path: unit.path, message }
  })
  return [
    ...clashes,
    ...circles(checked),
    ...strangeInputs(checked),
    ...idleInputs(checked),
    ...strangeReaders(checked),
    ...feedbackLoops(checked, configDir)
  ]
}

function circles({ units: { checks } }: CheckedConfig): Problem[] {
  const dependents = checks.map(({ name, common }) => ({ name, dependsOn: common.depends_on ?? [] }))
  return [...dependencyCircles(dependents)].map(([name, way]) => {
    const unit = checks.find(check => check.name === name)!
    return { at: unit.at(), path: `${unit.path}.depends_on`, message: `goes round in a circle: ${way.join(' on ')}` }
  })
}

/** Sections refer to nothing by themselves, so this one reference of `agent` is looked at here. */
function strangeReaders({ sections: { agent }, names: namesIn }: CheckedConfig): Problem[] {
  const names = namesIn('notify')
  const strangers = (agent.values.notify_ready ?? []).filter(name => !names.includes(name))
  return strangers.map(name => ({
    at: agent.at('notify_ready'),
    path: 'agent.notify_ready',
    message: `there is no "${name}" in notify${didYouMean(name, names)}`
  }))
}

/** Inputs of which nothing would come; what is wrong by itself may be what looks at their records. */
function idleInputs(checked: CheckedConfig): Problem[] {
  if ((['metrics', 'checks'] as const).some(section => checked.names(section).length > checked.units[section].length))
    return []
  return checked.units.inputs
    .filter(({ name, common }) => common.outputs?.length === 0 && !isWatched(checked, name))
    .map(unit => ({
      at: unit.at('outputs'),
      path: `${unit.path}.outputs`,
      message: 'must name an output, since no metric and no log check looks at the records of this input'
    }))
}

const isWatched = (checked: CheckedConfig, input: string): boolean =>
  isMetered(checked, input) || watchedByChecks(checked, input)

function strangeInputs(checked: CheckedConfig): Problem[] {
  const names = checked.names('inputs')
  return inputsOfLogChecks(checked).flatMap(({ unit, input }) =>
    input === undefined || names.includes(input)
      ? []
      : [
          {
            at: unit.at('input'),
            path: `${unit.path}.input`,
            message: `there is no "${input}" in inputs${didYouMean(input, names)}`
          }
        ]
  )
}
