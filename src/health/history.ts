// What a check has been through: its changes of state, kept over restarts, and how much of the time it was well.
import { SHOWN_STATES } from '../core/component.ts'
import type { ShownState } from '../core/component.ts'
import type { State } from '../core/state.ts'

const SCOPE = 'check-history'
const DAY_MS = 86_400_000
/** As far back as a month reaches. */
const KEEP_MS = 31 * DAY_MS
/** Of changes; a check that changes more often has a shorter history. */
const MAX_CHANGES = 1000
/** Stands where the agent did not run, after the states. */
const GAP = SHOWN_STATES.length

/** From then on (milliseconds since the epoch) it was in the state of this number. */
type Entry = readonly [at: number, state: number]

export interface PastState {
  readonly at: number
  /** undefined: the agent did not run. */
  readonly state: ShownState | undefined
}

/** Shares of the time known, 0 to 1; undefined when nothing is known. */
export interface Uptime {
  readonly day: number | undefined
  readonly week: number | undefined
  readonly month: number | undefined
}

export class History {
  readonly #state: State
  readonly #check: string
  #entries: readonly Entry[]

  constructor(state: State, check: string) {
    this.#state = state
    this.#check = check
    const kept = state.get(SCOPE, check)
    this.#entries = Array.isArray(kept) && kept.every(isEntry) ? kept : []
  }

  /** Nothing happens when it is in that state already. */
  add(at: number, state: ShownState): void {
    this.#push(at, SHOWN_STATES.indexOf(state))
  }

  /** The agent was not there from then on. */
  gap(at: number): void {
    if (this.#entries.length > 0) this.#push(at, GAP)
  }

  #push(at: number, state: number): void {
    const last = this.#entries.at(-1)
    if (last?.[1] === state) return
    // A clock that was set back must not make a change older than the one before.
    const when = Math.max(at, last?.[0] ?? at)
    const from = this.#entries.findLastIndex(([then]) => then <= when - KEEP_MS)
    this.#entries = [...this.#entries.slice(Math.max(0, from)), [when, state] as const].slice(-MAX_CHANGES)
    this.#state.set(SCOPE, this.#check, this.#entries)
  }

  /** The oldest first. */
  get changes(): readonly PastState[] {
    return this.#entries.map(([at, state]) => ({ at, state: SHOWN_STATES[state] }))
  }

  /** How often the state has changed since; maintenance and pauses of the agent are no change. */
  changesSince(from: number): number {
    let count = 0
    let before: number | undefined
    for (const [at, state] of this.#entries) {
      if (SHOWN_STATES[state] === undefined || SHOWN_STATES[state] === 'maintenance') continue
      if (before !== undefined && before !== state && at >= from) count++
      before = state
    }
    return count
  }

  uptime(now: number): Uptime {
    return { day: this.#share(now, DAY_MS), week: this.#share(now, 7 * DAY_MS), month: this.#share(now, 30 * DAY_MS) }
  }

  /** How much of the last month it knows of, milliseconds. */
  knownMs(now: number): number {
    const { well, ill } = this.#times(now, 30 * DAY_MS)
    return well + ill
  }

  /** Time not critical, of the time in which that was known and meant to be. */
  #share(now: number, over: number): number | undefined {
    const { well, ill } = this.#times(now, over)
    return well + ill > 0 ? well / (well + ill) : undefined
  }

  #times(now: number, over: number): { well: number; ill: number } {
    let well = 0
    let ill = 0
    this.#entries.forEach(([at, state], i) => {
      const until = Math.min(now, this.#entries[i + 1]?.[0] ?? now)
      const ms = Math.max(0, until - Math.max(at, now - over))
      if (SHOWN_STATES[state] === 'critical') ill += ms
      else if (SHOWN_STATES[state] === 'ok' || SHOWN_STATES[state] === 'warning') well += ms
    })
    return { well, ill }
  }
}

/** Forgets a check that is gone from the configuration. */
export const forgetHistory = (state: State, check: string): void => state.delete(SCOPE, check)

const isEntry = (entry: unknown): entry is Entry =>
  Array.isArray(entry) && entry.length === 2 && entry.every(n => Number.isFinite(n))
