// Work that is wanted after each answer, and done as soon as it does not take the CPU from everything else.
import type { Clock } from '../core/clock.ts'

/** Work that costs no more CPU (ms) is done each time: a few positions take a tenth of that. */
const CHEAP_MS = 2
/** Dearer work, such as ten thousand series that changed, waits for nine times what the last took. */
const REST = 9

export interface PacedOptions {
  readonly clock: Clock
  /** From its abort on nothing waits any more. */
  readonly stopping: AbortSignal
  /** CPU that this thread has used, ms. Time by the clock would count what others on the machine take. */
  readonly cpuMs?: () => number
}

/** Returns the way to ask for `work`, which takes a tenth of the CPU at most. */
export function paced(work: () => void, { clock, stopping, cpuMs = threadCpuMs }: PacedOptions): () => void {
  let due = 0
  let waiting = false

  function go(): void {
    const before = cpuMs()
    work()
    const cost = cpuMs() - before
    due = cost > CHEAP_MS ? clock.elapsed() + cost * REST : 0
  }

  return () => {
    const rest = due - clock.elapsed()
    if (rest <= 0 || stopping.aborted) return go()
    if (waiting) return
    waiting = true
    void clock.wait(rest, stopping).then(() => {
      waiting = false
      if (!stopping.aborted) go()
    })
  }
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
