// A clock that stands still until the test moves it.
import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../src/core/clock.ts'
import { NOON } from './records.ts'

export interface ManualClock extends Clock {
  /** Moves both clocks; waits that end meanwhile end one after the other, each with the time it was due at. */
  advance(ms: number): Promise<void>
  /** Waits that have not ended. */
  readonly waiting: number
}

interface Wait {
  readonly due: number
  readonly end: () => void
}

export function manualClock(start: number = NOON): ManualClock {
  let elapsed = 0
  const waits = new Set<Wait>()
  return {
    now: () => start + elapsed,
    elapsed: () => elapsed,
    wait: (ms, signal) =>
      new Promise(resolve => {
        if (signal?.aborted === true) return resolve()
        const wait: Wait = {
          due: elapsed + ms,
          end: () => {
            waits.delete(wait)
            signal?.removeEventListener('abort', wait.end)
            resolve()
          }
        }
        waits.add(wait)
        signal?.addEventListener('abort', wait.end, { once: true })
      }),
    async advance(ms) {
      const until = elapsed + ms
      for (;;) {
        // What the last wait woke gets its say before time goes on.
        await turn()
        await turn()
        const next = [...waits].filter(w => w.due <= until).sort((a, b) => a.due - b.due)[0]
        if (next === undefined) break
        elapsed = Math.max(elapsed, next.due)
        next.end()
      }
      elapsed = until
      await turn()
    },
    get waiting() {
      return waits.size
    }
  }
}
