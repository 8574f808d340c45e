// The numbers of the checks, in the words of the field.
import { CHECK_STATES } from '../core/component.ts'
import type { Instruments } from '../core/instruments.ts'
import type { CheckRun } from './run.ts'
import type { Standing } from './state.ts'

export interface Meters {
  run(check: string, run: CheckRun): void
  standing(check: string, standing: Standing): void
  /** The check is gone from the configuration. */
  forget(check: string): void
}

const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

export function createMeters(instruments: Instruments): Meters {
  const state = instruments.gauge('yarder_check_state', 'State of a check: 0 ok, 1 warning, 2 critical, 3 unknown.', [
    'check'
  ])
  const success = instruments.gauge(
    'yarder_check_success',
    'Whether the last run of a check was ok, as probe_success has it.',
    ['check']
  )
  const consecutive = instruments.gauge(
    'yarder_check_consecutive_failures',
    'Runs of a check in a row that were not ok.',
    ['check']
  )
  const duration = instruments.histogram(
    'yarder_check_duration_seconds',
    'How long the runs of a check took.',
    ['check'],
    SECONDS
  )
  const failures = instruments.counter('yarder_check_failures_total', 'Runs of a check that were not ok, by why.', [
    'check',
    'reason'
  ])
  return {
    run(check, { state: result, reason, seconds }) {
      success.set(result === 'ok' ? 1 : 0, check)
      duration.observe(seconds, check)
      if (result !== 'ok') failures.add(1, check, reason)
    },
    standing(check, standing) {
      state.set(CHECK_STATES.indexOf(standing.state), check)
      consecutive.set(standing.failures, check)
    },
    forget(check) {
      for (const gauge of [state, success, consecutive]) gauge.remove(check)
    }
  }
}
