// One run of a check: measured, held to its time limit, and turned into a result whatever happens.
import type { Clock } from '../core/clock.ts'
import type { Check, CheckResult } from '../core/component.ts'
import { describe, YarderError } from '../core/errors.ts'

/** A result with how long it took. */
export interface CheckRun extends CheckResult {
  readonly seconds: number
  /** A rejection of the check, or that its time was up; its stack goes to the log. */
  readonly error?: Error
}

export interface Runner {
  /** Never rejects. While a run that had timed out has still not let go, the next ones fail without a new one. */
  run(signal: AbortSignal): Promise<CheckRun>
}

/** A wait that ends so much too late was that of a process that was stopped, or a host that swaps. */
const STALL_MS = 500
const HEARING_MS = 250
/** Given to abort(), which otherwise makes an error with a stack for every run. */
const OVER = 'over'

/** `timeoutMs` is the longest that a run may take. */
export function createRunner(check: Check, timeoutMs: number, clock: Clock): Runner {
  let lingering = false

  async function look(limit: AbortController): Promise<CheckResult & { error?: Error }> {
    try {
      return await check(limit.signal)
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause))
      return { state: 'unknown', reason: 'error', message: `the check itself failed: ${describe(error)}`, error }
    }
  }

  /** `over` aborts when nobody waits any more: the run has ended, or the agent stops. */
  async function expire(over: AbortSignal): Promise<CheckResult & { error?: Error }> {
    const began = clock.elapsed()
    await clock.wait(timeoutMs, over)
    // The agent itself stood still: an answer that has come meanwhile is heard first.
    if (clock.elapsed() - began > timeoutMs + STALL_MS) await clock.wait(HEARING_MS, over)
    if (over.aborted) return { state: 'unknown', reason: 'error', message: 'stopped' }
    const message = `timed out after ${inSeconds(timeoutMs)}`
    return { state: 'critical', reason: 'timeout', message, error: new YarderError('TIMEOUT', message) }
  }

  return {
    async run(signal) {
      const started = clock.elapsed()
      const seconds = (): number => (clock.elapsed() - started) / 1000
      if (lingering)
        return { state: 'critical', reason: 'timeout', message: 'the run before has not ended yet', seconds: 0 }
      const limit = new AbortController()
      const over = new AbortController()
      const stop = (): void => {
        limit.abort(signal.reason)
        over.abort(OVER)
      }
      signal.addEventListener('abort', stop, { once: true })
      if (signal.aborted) stop()
      lingering = true
      const looked = look(limit).finally(() => {
        lingering = false
      })
      try {
        const result = await Promise.race([looked, expire(over.signal)])
        if (result.reason === 'timeout') limit.abort(result.error)
        return { ...result, seconds: seconds() }
      } finally {
        over.abort(OVER)
        signal.removeEventListener('abort', stop)
      }
    }
  }
}

/** `1 second`, `0.5 seconds`. */
function inSeconds(ms: number): string {
  const n = ms / 1000
  return `${n} second${n === 1 ? '' : 's'}`
}
