// What an output is, what it answers, and what `yarder setup` asks of it.
import type { Template } from '../template.ts'
import type { Parcel } from './records.ts'

/** A record the destination will never take as it is. */
export interface Rejected {
  readonly index: number
  /** The destination's own words. */
  readonly reason: string
  readonly status?: number
  /** Where it would have gone (an index name) and under which identity, for its dead letter. */
  readonly target?: string
  readonly id?: string
}

/** Indexes into the parcel; what is in neither list was delivered. */
export interface Sent {
  readonly retry: readonly number[]
  readonly rejected: readonly Rejected[]
  /** How many of the delivered the destination had already. */
  readonly duplicates?: number
  /** Wait at least this long before the retry, milliseconds. */
  readonly retryAfterMs?: number | undefined
  /** Why there is something to retry, for the log and the status. */
  readonly reason?: string
  /** Nothing was taken, and the destination itself is in doubt: a failure, though the rejected are given up. */
  readonly doubtful?: boolean
  /** The destination said that it has too much to do, so that fewer requests at a time may do better. */
  readonly overloaded?: boolean
}

/** What `yarder setup` asks of an output. */
export interface SetupOptions {
  /** Look, and change nothing. */
  readonly dry: boolean
  /** Replace what an earlier setup made and is of another version or configuration. */
  readonly force: boolean
  /** Days after which the destination may delete records; undefined: never. */
  readonly retentionDays: number | undefined
}

/** What became of one thing that the destination should have. */
export interface SetupStep {
  /** `index template yarder-logstash` */
  readonly what: string
  /** `missing`: it would have been made. `refused`: it is not as it should be. `unsupported`: nobody could make it there. */
  readonly outcome: 'made' | 'replaced' | 'kept' | 'missing' | 'refused' | 'unsupported'
  readonly detail?: string
}

/**
 * Sends parcels. Batching, order, retries with back-off, dead letters, counting and the states are the caller's
 * (output/delivery.ts). `send` may be called again before it has answered, up to `in_flight` times. A rejected promise
 * means: retry all; throw a YarderError with what was being done and to which URL.
 */
export interface Output {
  send(parcel: Parcel, signal: AbortSignal): Promise<Sent>
  /**
   * Contacts the destination without sending, so that its state is known before the first record. Called at the start,
   * until it or a `send` has succeeded; rejects as `send` does.
   */
  probe?(signal: AbortSignal): Promise<void>
  /** For `yarder doctor`, where more can be learnt than by `probe` without sending a record; rejects as `send` does. */
  examine?(signal: AbortSignal): Promise<void>
  /** The delivery is being emptied: what rests on a wait of the output's own is better answered at once from now on. */
  hurry?(): void
  /** Makes what the destination should have before records come. Only when a person asks; rejects as `send` does. */
  setup?(options: SetupOptions, signal: AbortSignal): Promise<readonly SetupStep[]>
  /** The same as text, without contacting anybody. */
  printSetup?(options: SetupOptions): string
  /** Idempotent, and works half-started. */
  close(): Promise<void>
  /** Templates over a record's fields that `send` needs (an index name): rendered in the pipeline's pass into `Records.keys`. */
  readonly keys?: readonly Template[]
  /** Where it sends to at the moment, for status and messages, without credentials. */
  readonly target?: string
  /** What it gets a second time it keeps a second time: positions are written after each answer, so that a crash repeats little. */
  readonly repeats?: true
}
