// What a health check is, what it finds, and who is told of it.
import type { Clock } from '../clock.ts'
import type { Cursor, Event } from '../event.ts'
import type { MetricReader } from '../instruments.ts'

/** Where a check, or what it watches, stands. */
export const CHECK_STATES = ['ok', 'warning', 'critical', 'unknown'] as const
export type CheckState = (typeof CHECK_STATES)[number]
/** As people are shown it: what is in maintenance is neither well nor ill. Numbered as they stand here. */
export const SHOWN_STATES = [...CHECK_STATES, 'maintenance'] as const
export type ShownState = (typeof SHOWN_STATES)[number]

/** Why a check is not ok: the closed set of a metric's label. What varies stands in the message. */
export type CheckReason =
  | 'ok'
  | 'dns'
  | 'connect'
  | 'tls'
  | 'timeout'
  | 'protocol'
  | 'status'
  | 'body'
  | 'answer'
  | 'exit'
  | 'start'
  | 'missing'
  | 'present'
  | 'inactive'
  | 'restarting'
  | 'redirect'
  | 'header'
  | 'expiry'
  | 'slow'
  | 'space'
  | 'inodes'
  | 'read_only'
  | 'limit'
  | 'count'
  | 'age'
  | 'size'
  | 'mode'
  | 'owner'
  | 'content'
  | 'version'
  | 'permission'
  | 'error'

/** What one look at the target gave. */
export interface CheckResult {
  readonly state: CheckState
  readonly reason: CheckReason
  /** One line for people; never a secret. */
  readonly message: string
  /** Numbers that were seen, in base units. */
  readonly values?: Readonly<Record<string, number>>
  /** The same as a Nagios plugin printed them, an item each, with unit and thresholds. */
  readonly perfdata?: readonly string[]
  /** Only a running agent could tell; who looks once, without one, leaves it out. */
  readonly skipped?: true | undefined
}

/**
 * One look at the target. An unhealthy target is a result; a rejection is a bug. Never called again before it has
 * settled. The caller measures the duration and aborts the signal at the time limit; the check then lets go of all it
 * holds and settles soon, and what it says is no longer heard.
 */
export interface Check {
  (signal: AbortSignal): Promise<CheckResult>
  /** Lets go of what it keeps between looks; called once, after the last of them. */
  close?(): void
}

/** What a check may look at of the agent that runs it. */
export interface AgentView {
  readonly metrics: MetricReader
  /** Shows the records of an input, of all when undefined, as they leave its pipeline. Returns the way to take it back. */
  watch(input: string | undefined, see: (event: Event, cursor: Cursor) => void): () => void
  /** One for all checks of the agent, made when it is first asked for. */
  shared?<T>(kind: SharedKind<T>): T
}

/** What checks share: it may keep what it has read for so long. */
export type SharedKind<T> = new (clock: Clock, maxAgeMs: number) => T

/** That a check has changed its state, for those who are to be told. */
export interface Notification {
  readonly check: string
  readonly type: string
  readonly state: CheckState
  readonly previous: CheckState
  readonly reason: CheckReason
  readonly message: string
  /** Since when, milliseconds since the epoch; and since when it had been in the state before. */
  readonly since: number
  readonly previousSince: number
  readonly owner: string | undefined
}

/** Tells one place of one change. The caller repeats while the rejection's YarderError is retryable. */
export type Notify = (notification: Notification, signal: AbortSignal) => Promise<void>
