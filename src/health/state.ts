// The state of a check out of its results: so many in a row before it changes.
import { CHECK_STATES } from '../core/component.ts'
import type { CheckState } from '../core/component.ts'
import { isMap } from '../core/field.ts'

export interface Thresholds {
  readonly failuresBeforeWarning: number
  readonly failuresBeforeCritical: number
  readonly successBeforePassing: number
  /** Failures count among so many of the last runs; in a row when undefined. */
  readonly within?: number | undefined
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
  /** Initials of the last results, the newest last; only kept when failures count within so many. */
  readonly recent?: string
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
 * `failuresBeforeWarning` in a row, and a warning after a critical is one at once. With `within` failures count among
 * the last so many runs, and an ok also needs fewer of them than make a warning.
 */
export function advance(s: Standing, result: CheckState, t: Thresholds, now: number): Standing {
  const counted = count(s, result, t.within)
  const bad = t.within === undefined ? counted : among(counted.recent ?? '')
  const state = stateAfter(s, counted.successes, bad, result, t)
  // The first word of a check that was never looked at is its state, even if the word is unknown.
  if (state === s.state && (s.known || result !== 'unknown' || bad.unknowns < t.failuresBeforeCritical)) return counted
  return { ...counted, state, known: true, since: state === s.state ? s.since : now }
}

function count(s: Standing, result: CheckState, within: number | undefined): Standing {
  const recent = within === undefined ? {} : { recent: ((s.recent ?? '') + result[0]!).slice(-within) }
  if (result === 'ok') return { ...s, ...recent, failures: 0, criticals: 0, unknowns: 0, successes: s.successes + 1 }
  return {
    ...s,
    ...recent,
    failures: s.failures + 1,
    criticals: result === 'critical' ? s.criticals + 1 : result === 'warning' ? 0 : s.criticals,
    unknowns: result === 'unknown' ? s.unknowns + 1 : 0,
    successes: 0
  }
}

interface Bad {
  readonly failures: number
  readonly criticals: number
  readonly unknowns: number
}

function among(recent: string): Bad {
  const of = (initial: string): number => recent.split(initial).length - 1
  return { failures: recent.length - of('o'), criticals: of('c'), unknowns: of('u') }
}

function stateAfter(before: Standing, successes: number, bad: Bad, result: CheckState, t: Thresholds): CheckState {
  const { state, known } = before
  if (result === 'ok') {
    const calm = t.within === undefined || bad.failures < t.failuresBeforeWarning
    return !known || (calm && successes >= t.successBeforePassing) ? 'ok' : state
  }
  if (result === 'unknown') return bad.unknowns >= t.failuresBeforeCritical ? 'unknown' : state
  if (bad.criticals >= t.failuresBeforeCritical) return 'critical'
  if (result === 'warning' && state === 'critical') return 'warning'
  // A critical result takes nothing back from a state that is as bad already.
  if (result === 'critical' && state === 'critical') return 'critical'
  return bad.failures >= t.failuresBeforeWarning ? 'warning' : state
}

/**
 * `1 of 3 failures`, `2 of 5 successes`: how far results that speak against the state are from changing it; '' when the
 * last one, `result`, says what the state says.
 */
export function progress(s: Standing, result: CheckState, t: Thresholds): string {
  if (result === s.state) return ''
  if (result === 'ok') return s.known ? `${s.successes} of ${t.successBeforePassing} successes` : ''
  const bad = t.within === undefined ? s : among(s.recent ?? '')
  // What is known to be worse already is not on its way to anything.
  if (result === 'warning' && s.state !== 'ok' && s.known) return ''
  const count = result === 'critical' ? bad.criticals : result === 'unknown' ? bad.unknowns : bad.failures
  const of = result === 'warning' ? t.failuresBeforeWarning : t.failuresBeforeCritical
  const frame = t.within === undefined ? '' : ` in ${t.within} runs`
  return count >= of ? '' : `${count} of ${of} failures${frame}`
}

/** What was kept of a check; undefined when it is nothing that this version wrote. */
export function readStanding(kept: unknown): Standing | undefined {
  if (!isMap(kept) || !CHECK_STATES.includes(kept['state'] as CheckState) || typeof kept['known'] !== 'boolean')
    return undefined
  const numbers = ['since', 'failures', 'criticals', 'unknowns', 'successes'].map(name => kept[name])
  const recent = kept['recent']
  if (recent !== undefined && typeof recent !== 'string') return undefined
  return numbers.every(n => Number.isFinite(n)) ? (kept as unknown as Standing) : undefined
}
