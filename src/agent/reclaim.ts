// Gives memory back after a flood. V8 compacts its heap when it runs short, not when the work is over: 100,000 files that
// came and went left 390 MB resident of which 67 MB were in use. A full collection takes a few hundred milliseconds, so it is
// done when there is nothing else to do.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock } from '../core/clock.ts'

/** How often it looks, and how long it must have been calm, ms. */
const LOOK_MS = 10_000
const CALM_LOOKS = 3
/** Of one core. */
const CALM_CPU = 0.1
/** Less than this is not worth it, bytes. */
const WORTH = 64 * 1024 * 1024

/** What it looks at and what it does; injected for tests. */
export interface Process {
  /** CPU time so far, milliseconds. */
  cpuMs(): number
  rss(): number
  collect(): void
}

type Collect = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void

/** This process. */
export function thisProcess(): Process {
  let gc: Collect | undefined
  return {
    cpuMs() {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1000
    },
    rss: () => process.memoryUsage.rss(),
    collect() {
      if (gc === undefined) {
        setFlagsFromString('--expose-gc')
        gc = runInNewContext('gc') as Collect
      }
      gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
    }
  }
}

/** Looks now and then until `signal` aborts. */
export async function reclaimWhenCalm(of: Process, clock: Clock, signal: AbortSignal): Promise<void> {
  /** Resident when it was last as small as it gets. */
  let least = of.rss()
  let calm = 0
  let cpu = of.cpuMs()
  let at = clock.elapsed()
  for (;;) {
    await clock.wait(LOOK_MS, signal)
    if (signal.aborted) return
    const [nowCpu, now] = [of.cpuMs(), clock.elapsed()]
    calm = (nowCpu - cpu) / Math.max(1, now - at) < CALM_CPU ? calm + 1 : 0
    cpu = nowCpu
    at = now
    const rss = of.rss()
    least = Math.min(least, rss)
    if (calm < CALM_LOOKS || rss - least < WORTH) continue
    of.collect()
    least = of.rss()
    cpu = of.cpuMs()
    calm = 0
  }
}
