// What an agent that did not end in order may send again, said at the next start.
import type { Log } from '../../core/log.ts'
import { statOf } from './identity.ts'
import type { Row } from './registry.ts'

/** Sums up the rows of one input as they are loaded. */
export class Resend {
  #files = 0
  #bytes = 0

  /** Handed out up to `high` at most, acknowledged up to the position: what lies between may have arrived already. */
  add(row: Row): void {
    // What is sent again because somebody asked for it was told then.
    if (row.moved === true) return
    const least = Math.min(row.high, ...Object.values(row.pos))
    if (least >= row.high) return
    // `high` is noted ahead of the reading; a file that is no longer there under its name is as large as it was.
    const now = statOf(row.at ?? row.path)
    const size = now?.ino === row.ino ? Math.max(row.size, now.size) : row.size
    const bytes = Math.min(row.high, size) - least
    if (bytes <= 0) return
    this.#files++
    this.#bytes += bytes
  }

  tell(log: Log, input: string): void {
    if (this.#bytes === 0) return
    log.warn(
      { input, bytes_at_most: this.#bytes, files: this.#files },
      'What was on its way when the agent ended may be sent again; Elasticsearch takes it once.'
    )
  }
}
