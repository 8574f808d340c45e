// The rhythm of exporters that push: every so often, and once more at the end, for which nobody waits long.
import type { Clock } from '../../../core/clock.ts'

/** How long the last push may take once the agent stops. */
const LAST_PUSH_MS = 1000

/** Calls `push`, one at a time, until the signal aborts, then a last time. `push` must not reject. */
export async function pushEvery(
  everyMs: number,
  clock: Clock,
  signal: AbortSignal,
  push: () => Promise<void>
): Promise<void> {
  const ended = new AbortController()
  const tooLate = async (): Promise<void> => {
    await aborted(signal)
    await clock.wait(LAST_PUSH_MS, ended.signal)
  }
  const work = async (): Promise<void> => {
    for (;;) {
      await clock.wait(everyMs, signal)
      // Asked before the push: what is counted while one runs needs another.
      const last = signal.aborted
      await push()
      if (last) return
    }
  }
  try {
    await Promise.race([work(), tooLate()])
  } finally {
    ended.abort()
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
