// What a check keeps over restarts besides its history: where it stands, and what people were last told of it.
import { CHECK_STATES } from '../core/component.ts'
import type { CheckState } from '../core/component.ts'
import { isMap } from '../core/field.ts'
import type { State } from '../core/state.ts'
import { readStanding } from './state.ts'
import type { Standing } from './state.ts'

const SCOPE = 'checks'

/** What was last said to people. */
export interface Told {
  readonly state: CheckState
  readonly since: number
}

/** `standing` is undefined for a check that is new, `told` for one that nobody was told of. */
export interface Kept {
  readonly standing: Standing | undefined
  readonly told: Told | undefined
  readonly flapping: boolean
}

export function readKept(state: State, check: string): Kept {
  const kept = state.get(SCOPE, check)
  return { standing: readStanding(kept), told: readTold(kept), flapping: isMap(kept) && kept['flapping'] === true }
}

export function keep(state: State, check: string, { standing, told, flapping }: Kept): void {
  const last = told === undefined ? {} : { told: { state: told.state, since: told.since } }
  state.set(SCOPE, check, { ...standing, ...last, ...(flapping ? { flapping } : {}) })
}

/** Names of the checks that something is kept of. */
export const keptChecks = (state: State): string[] => Array.from(state.entries(SCOPE), ([name]) => name)

export const forgetKept = (state: State, check: string): void => state.delete(SCOPE, check)

function readTold(kept: unknown): Told | undefined {
  const told = isMap(kept) ? kept['told'] : undefined
  if (!isMap(told) || typeof told['since'] !== 'number') return undefined
  const state = CHECK_STATES.find(s => s === told['state'])
  return state === undefined ? undefined : { state, since: told['since'] }
}
