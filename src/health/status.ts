// What is told of a check to those who ask.
import type { CheckReason, ShownState } from '../core/component.ts'
import type { Uptime } from './history.ts'

/** For `yarder status` and `/health`. */
export interface CheckStatus {
  readonly name: string
  readonly type: string
  readonly state: ShownState
  /** Of the last run; one that does not count yet begins with how many it takes: `1 of 3 failures: `. */
  readonly message: string
  readonly reason: CheckReason
  /** Since when it is in this state, ISO time. */
  readonly since: string
  /** When it last ran and how long that took; undefined before the first run. */
  readonly lastRun: string | undefined
  readonly seconds: number | undefined
  /** Runs in a row that were not ok. */
  readonly failures: number
  readonly values: Readonly<Record<string, number>>
  readonly owner: string | undefined
  /** Why nobody is told of it now: `maintenance`, `flapping`, or what it depends on. */
  readonly muted: string | undefined
  readonly uptime: Uptime
  /** How much of the last month `uptime` knows of. */
  readonly knownSeconds: number
}
