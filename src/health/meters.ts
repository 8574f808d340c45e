// The numbers of the checks, in the words of the field.
import { SHOWN_STATES } from '../core/component.ts'
import type { ShownState } from '../core/component.ts'
import type { Instruments } from '../core/instruments.ts'
import type { Uptime } from './history.ts'
import type { CheckRun } from './run.ts'

export interface Meters {
  run(check: string, run: CheckRun): void
  /** `failures` in a row. */
  standing(check: string, state: ShownState, failures: number): void
  /** What is worth reading only when somebody asks. */
  scraped(check: string, uptime: Uptime, muted: boolean): void
  /** What came of a remedy: done, failed, left. */
  remedy(check: string, outcome: string): void
  /** The check is gone from the configuration. */
  forget(check: string): void
}

/** Series of values a check may have; what a program prints is nothing to trust. */
const MAX_VALUES = 50
const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

export function createMeters(instruments: Instruments): Meters {
  const state = instruments.gauge(
    'yarder_check_state',
    'State of a check: 0 ok, 1 warning, 2 critical, 3 unknown, 4 maintenance.',
    ['check']
  )
  // As the blackbox exporter calls them, so that its rules and dashboards work.
  const success = instruments.gauge('probe_success', 'Whether the last run of a check was ok.', ['check'])
  const took = instruments.gauge('probe_duration_seconds', 'How long the last run of a check took.', ['check'])
  const value = instruments.gauge('yarder_check_value', 'A number that the last run of a check saw, in base units.', [
    'check',
    'value'
  ])
  const muted = instruments.gauge(
    'yarder_check_muted',
    'Whether nobody is told of a check now: maintenance, flapping, or a check that it depends on.',
    ['check']
  )
  const uptime = instruments.gauge(
    'yarder_check_uptime_ratio',
    'Share of the time known in which a check was not critical, over the last day, week and month.',
    ['check', 'over']
  )
  const remedies = instruments.counter(
    'yarder_check_remedies_total',
    'Remedies of a check by what came of them: done, failed, left (too many already).',
    ['check', 'outcome']
  )
  const named = namedGauges(instruments)
  const seen = new Map<string, readonly string[]>()

  function setValues(check: string, values: Readonly<Record<string, number>> = {}): void {
    const names = Object.keys(values).slice(0, MAX_VALUES)
    for (const name of seen.get(check) ?? []) if (!names.includes(name)) value.remove(check, name)
    for (const name of names) value.set(values[name]!, check, name)
    seen.set(check, names)
    for (const [name, set] of Object.entries(named)) set(check, values[name])
  }
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
    run(check, { state: result, reason, seconds, values }) {
      success.set(result === 'ok' ? 1 : 0, check)
      took.set(seconds, check)
      setValues(check, values)
      duration.observe(seconds, check)
      if (result !== 'ok') failures.add(1, check, reason)
    },
    standing(check, shown, failuresInARow) {
      state.set(SHOWN_STATES.indexOf(shown), check)
      consecutive.set(failuresInARow, check)
    },
    scraped(check, times, isMuted) {
      muted.set(isMuted ? 1 : 0, check)
      for (const over of OVER) {
        const share = times[over]
        if (share === undefined) uptime.remove(check, over)
        else uptime.set(share, check, over)
      }
    },
    remedy: (check, outcome) => remedies.add(1, check, outcome),
    forget(check) {
      setValues(check)
      seen.delete(check)
      for (const gauge of [state, success, took, consecutive, muted]) gauge.remove(check)
      for (const over of OVER) uptime.remove(check, over)
    }
  }
}

const OVER = ['day', 'week', 'month'] as const
const PHASES = ['resolve', 'connect', 'tls', 'processing', 'transfer']

/** Values that the field has names of its own for, by ours. */
function namedGauges(instruments: Instruments): Record<string, (check: string, n: number | undefined) => void> {
  const gauge = (name: string, help: string) => {
    const made = instruments.gauge(name, help, ['check'])
    return (check: string, n: number | undefined): void => (n === undefined ? made.remove(check) : made.set(n, check))
  }
  const phase = instruments.gauge('probe_http_duration_seconds', 'Duration of a request by phase.', ['check', 'phase'])
  return {
    status: gauge('probe_http_status_code', 'Status of the answer.'),
    certificate_expires: gauge(
      'probe_ssl_earliest_cert_expiry',
      'When the first certificate of the chain expires, seconds since the epoch.'
    ),
    ...Object.fromEntries(
      PHASES.map(name => [
        `${name}_seconds`,
        (check: string, n: number | undefined): void =>
          n === undefined ? phase.remove(check, name) : phase.set(n, check, name)
      ])
    )
  }
}
