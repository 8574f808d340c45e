// The state of a check out of its results: so many in a row before it changes.
import { CHECK_STATES } from '../core/component.ts'
import type { CheckReason, CheckResult, CheckState } from '../core/component.ts'
import { isMap } from '../core/field.ts'

export interface Thresholds {
  readonly failuresBeforeWarning: number
  readonly failuresBeforeCritical: number
  readonly successBeforePassing: number
}

/** JSON data, kept over restarts. */
export interface Standing {
  readonly state: CheckState
  /** Milliseconds since the epoch. */
  readonly since: number
  /** False until the first result counted: `unknown` means "not looked yet" then. */
  readonly known: boolean
  /** In a row: runs that were not ok; those that were critical, with no ok or warning among them; unknown; ok. */
  readonly failures: number
  readonly criticals: number
  readonly unknowns: number
  readonly successes: number
}

export const newStanding = (now: number): Standing => ({
  state: 'unknown',
  since: now,
  known: false,
  failures: 0,
  criticals: 0,
  unknowns: 0,
  successes: 0
})

/**
 * The standing after one more result. An ok needs `successBeforePassing` in a row, but for the very first; a critical
 * and an unknown need `failuresBeforeCritical` of their kind; any failure makes an ok a warning after
 * `failuresBeforeWarning` in a row, and a warning after a critical is one at once.
 */
export function advance(s: Standing, result: CheckState, t: Thresholds, now: number): Standing {
  const counted = count(s, result)
  const state = stateAfter(s, counted, result, t)
  // The first word of a check that was never looked at is its state, even if the word is unknown.
  if (state === s.state && (s.known || result !== 'unknown' || counted.unknowns < t.failuresBeforeCritical))
    return counted
  return { ...counted, state, known: true, since: state === s.state ? s.since : now }
}

function count(s: Standing, result: CheckState): Standing {
  if (result === 'ok') return { ...s, failures: 0, criticals: 0, unknowns: 0, successes: s.successes + 1 }
  return {
    ...s,
    failures: s.failures + 1,
    criticals: result === 'critical' ? s.criticals + 1 : result === 'warning' ? 0 : s.criticals,
    unknowns: result === 'unknown' ? s.unknowns + 1 : 0,
    successes: 0
  }
}

function stateAfter(before: Standing, s: Standing, result: CheckState, t: Thresholds): CheckState {
  const { state, known } = before
  if (result === 'ok') return !known || s.successes >= t.successBeforePassing ? 'ok' : state
  if (result === 'unknown') return s.unknowns >= t.failuresBeforeCritical ? 'unknown' : state
  if (result === 'critical' && s.criticals >= t.failuresBeforeCritical) return 'critical'
  if (result === 'warning' && state === 'critical') return 'warning'
  // A critical result takes nothing back from a state that is as bad already.
  if (result === 'critical' && state === 'critical') return 'critical'
  return s.failures >= t.failuresBeforeWarning ? 'warning' : state
}

/** What was kept of a check; undefined when it is nothing that this version wrote. */
export function readStanding(kept: unknown): Standing | undefined {
  if (!isMap(kept) || !CHECK_STATES.includes(kept['state'] as CheckState) || typeof kept['known'] !== 'boolean')
    return undefined
  const numbers = ['since', 'failures', 'criticals', 'unknowns', 'successes'].map(name => kept[name])
  return numbers.every(n => Number.isFinite(n)) ? (kept as unknown as Standing) : undefined
}

/** A change of state, and the result that brought it. */
export interface Change {
  readonly previous: CheckState
  readonly previousSince: number
  /** True when there was no state before: nobody needs to be woken because a new check is fine. */
  readonly first: boolean
  readonly state: CheckState
  readonly since: number
  readonly reason: CheckReason
  readonly message: string
}

/** The change between two standings; undefined when there is none. */
export function changeOf(before: Standing, after: Standing, { reason, message }: CheckResult): Change | undefined {
  if (before.state === after.state && before.known === after.known) return undefined
  const { state, since } = after
  return { previous: before.state, previousSince: before.since, first: !before.known, state, since, reason, message }
}
