// What an exporter says when it can't send: each error is counted, and told once until it changes or ends.
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
  let told = ''
  let quiet = true
  return {
    add(error) {
      const errno = errnoOf(error) || 'unknown'
      errors.add(1, name, errno)
      quiet = false
      if (errno === told) return
      told = errno
      log.warn(
        { target, errno, reason: describe(error) },
        'Metrics could not be sent; the next ones are tried as usual.'
      )
    },
    pushed() {
      if (quiet && told !== '') {
        told = ''
        log.info({ target }, 'Metrics are sent again.')
      }
      quiet = true
    }
  }
}
