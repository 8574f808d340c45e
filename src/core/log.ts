// The agent's own log as components see it. service/journal writes it, agent/ sets its levels.

/**
 * A message is a constant sentence with a capital and a period; what varies goes into `data`.
 * error: data was lost or a person is needed. warn: odd but handled. info: life-cycle. debug: per batch at most.
 */
export interface Log {
  error(data: LogData, message: string): void
  warn(data: LogData, message: string): void
  info(data: LogData, message: string): void
  debug(data: LogData, message: string): void
  /** True when a debug line would be written; ask before gathering costly data. */
  readonly debugs: boolean
  /** A logger of a part, with data that goes on each of its lines. */
  child(subsystem: string, data?: LogData): Log
}

/** `err` is an Error (its stack and causes are written); everything else is plain data. Never a secret. */
export interface LogData {
  err?: unknown
  [key: string]: unknown
}

/** Says nothing: for commands whose output is their result, and for tests that look elsewhere. */
export const silentLog: Log = {
  error() {},
  warn() {},
  info() {},
  debug() {},
  debugs: false,
  child: () => silentLog
}
