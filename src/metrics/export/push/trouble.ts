// What an exporter says when it can't send: each error is counted, and each kind told once until the trouble ends.
import type { Context } from '../../../core/component.ts'
import { describe, errnoOf } from '../../../core/errors.ts'

export interface Trouble {
  /** For every error. */
  add(error: unknown): void
  /** After each push. A push without an error since the last call ends the trouble. */
  pushed(): void
}

/** `target` is where it sends to, for the log. */
export function createTrouble({ name, log, instruments }: Context, target: string): Trouble {
  const errors = instruments.counter(
    'yarder_exporter_errors_total',
    'Errors of an exporter that sends metrics, by errno.',
    ['exporter', 'errno']
  )
  const told = new Set<string>()
  let quiet = true
  return {
    add(error) {
      const errno = errnoOf(error) || 'unknown'
      errors.add(1, name, errno)
      quiet = false
      if (told.has(errno)) return
      told.add(errno)
      log.warn(
        { target, errno, reason: describe(error) },
        'Metrics could not be sent; the next ones are tried as usual.'
      )
    },
    pushed() {
      if (quiet && told.size > 0) {
        told.clear()
        log.info({ target }, 'Metrics are sent again.')
      }
      quiet = true
    }
  }
}
