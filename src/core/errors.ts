// Every error code of the agent, and the one class that carries them.

/** What each code means, and whether trying again can help. */
const CODES = {
  CONFIG: { retryable: false, means: 'the configuration is wrong' },
  USAGE: { retryable: false, means: 'the command line is wrong' },
  LOCKED: { retryable: false, means: 'another agent uses the same data directory' },
  RUNTIME: { retryable: false, means: 'the environment cannot run the agent' },
  UNREACHABLE: { retryable: true, means: 'the peer could not be reached' },
  TIMEOUT: { retryable: true, means: 'the peer did not answer in time' },
  REFUSED: { retryable: true, means: 'the peer refused the request' },
  PROTOCOL: { retryable: true, means: 'the peer answered something that cannot be right' },
  STORAGE: { retryable: true, means: 'a file of the agent could not be read or written' }
} as const

export type ErrorCode = keyof typeof CODES

export interface YarderErrorOptions extends ErrorOptions {
  /** The peer asked to wait this long before the next try, in milliseconds. */
  retryAfterMs?: number | undefined
  /** The peer said that it has too much to do. */
  overloaded?: boolean
}

/** An error the agent expects and knows how to answer. The message is a lower-case phrase of what was being done. */
export class YarderError extends Error {
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined
  readonly overloaded: boolean

  constructor(code: ErrorCode, message: string, options: YarderErrorOptions = {}) {
    super(message, options)
    this.name = 'YarderError'
    this.code = code
    this.retryable = CODES[code].retryable
    this.retryAfterMs = options.retryAfterMs
    this.overloaded = options.overloaded === true
  }
}

/** A value of a component's own options that only `build` could find wrong; `option` names it, '' for the whole. */
export class OptionError extends Error {
  readonly option: string

  constructor(option: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'OptionError'
    this.option = option
  }
}

/** One line for people: the message, then its causes, each once; with errno, address and port where the system gave them. */
export function describe(error: unknown): string {
  const parts: string[] = []
  let at: unknown = error
  for (let depth = 0; at !== undefined && at !== null && depth < 8; depth++) {
    const text =
      at instanceof AggregateError && at.errors.length > 0
        ? at.errors.map(e => describe(e)).join('; ')
        : at instanceof Error
          ? at.message || at.name
          : String(at)
    if (!parts.some(p => p.includes(text))) parts.push(text)
    at = at instanceof Error ? at.cause : undefined
  }
  return parts.join(': ')
}

/** The errno name (`ECONNREFUSED`, `ENOSPC`, …) of an error or of what caused it; '' when there is none. */
export function errnoOf(error: unknown): string {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    const code = (at as NodeJS.ErrnoException).code
    // The agent's own codes are no errnos, though they look like those of TLS.
    if (typeof code === 'string' && !(at instanceof YarderError) && /^E[A-Z0-9]+$|^ERR_|^[A-Z_]{6,}$/.test(code))
      return code
    if (at instanceof AggregateError && at.errors.length > 0) return errnoOf(at.errors[0])
  }
  return ''
}
