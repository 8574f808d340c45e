// Signs of life that others give: kept over restarts, so that a beat before one still counts.
import { isMap } from '../core/field.ts'
import type { State } from '../core/state.ts'

const SCOPE = 'heartbeats'
const MAX_MESSAGE = 500

export interface Beat {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly ok: boolean
  readonly message: string
}

/** A sign of life for a check, now. */
export function beat(state: State, check: string, b: Beat): void {
  state.set(SCOPE, check, { at: b.at, ok: b.ok, message: b.message.slice(0, MAX_MESSAGE) })
}

/** The last one; undefined when there was none. */
export function lastBeat(state: State, check: string): Beat | undefined {
  const kept = state.get(SCOPE, check)
  if (!isMap(kept) || typeof kept['at'] !== 'number' || typeof kept['ok'] !== 'boolean') return undefined
  return { at: kept['at'], ok: kept['ok'], message: typeof kept['message'] === 'string' ? kept['message'] : '' }
}

/** Forgets a check that is gone from the configuration. */
export function forgetBeats(state: State, check: string): void {
  for (const key of [check, awaitedKey(check)]) state.delete(SCOPE, key)
}

const awaitedKey = (check: string): string => `${check}\nawaited`

/** Since when a check has waited for its first beat; the first call is the beginning. */
export function awaitedSince(state: State, check: string, now: number): number {
  const key = awaitedKey(check)
  const kept = state.get(SCOPE, key)
  if (typeof kept === 'number' && kept <= now) return kept
  state.set(SCOPE, key, now)
  return now
}
