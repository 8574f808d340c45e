// What stands in the way of reading the journal: told once, counted, waited out for longer and longer.
import type { Context } from '../../core/component.ts'
import { describe, errnoOf } from '../../core/errors.ts'
import { errorCounter } from '../errors.ts'

const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 60_000
/** What holds for less is no end of the trouble: a journal that breaks at every entry must not fill the log. */
const CALM_MS = 10_000

export class Trouble {
  readonly #context: Context
  readonly #count: (errno: string) => void
  #reason: string | undefined
  #failures = 0
  #last = 0

  constructor(context: Context) {
    this.#context = context
    this.#count = errorCounter(context)
  }

  /** Why it can't be read now. */
  get reason(): string | undefined {
    return this.#reason
  }

  /** So many times in a row it came to nothing. */
  get failures(): number {
    return this.#failures
  }

  /** Resolves when it is time to try again. */
  async wait(error: unknown, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#context
    const reason = describe(error)
    if (this.#reason === undefined) {
      this.#count(errnoOf(error) || 'EXIT')
      log.error({ reason, ...remedyFor(reason) }, 'The journal cannot be read; it is tried again.')
    } else log.debug({ reason }, 'The journal still cannot be read.')
    this.#reason = reason
    this.#last = clock.elapsed()
    await clock.wait(Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures++), signal)
  }

  /** An entry came. */
  over(): void {
    this.#failures = Math.min(this.#failures, 2)
    if (this.#reason === undefined || this.#context.clock.elapsed() - this.#last < CALM_MS) return
    this.#context.log.info({}, 'The journal can be read again.')
    this.#reason = undefined
    this.#failures = 0
  }
}

/** The command that most probably mends it. */
function remedyFor(reason: string): { remedy?: string } {
  if (/ENOENT/.test(reason)) return { remedy: 'apt-get install systemd' }
  if (/insufficient permissions/.test(reason)) return { remedy: REMEDY }
  return {}
}

/** Lets this user see the entries of others. */
export const REMEDY = 'usermod -aG systemd-journal yarder && systemctl restart yarder'
