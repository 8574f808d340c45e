// When a check is due: at a steady beat on the monotonic clock, or as a cron line says. Never twice at once.
import type { Clock } from '../core/clock.ts'
import { compileCron } from './cron.ts'

export type Timing = { readonly every: number } | { readonly cron: string; readonly zone: string }

/** A first look comes within so much of the start, however rare the others are. */
const FIRST_WITHIN_MS = 10_000
/** Beats fall on such moments, a tenth of the way from one to the next at most: to wake up costs more than most checks do. */
const TOGETHER_MS = 1000
/** The wall clock may be set while nobody looks, so a wait for a time of day is done in pieces. */
const LOOK_MS = 10_000

/**
 * Runs the work whenever it is due until the signal aborts, then resolves. A run is over before the next one begins;
 * what falls due meanwhile is left out. The first beat is at a random moment (`random` gives 0 to 1), so that not all
 * checks, nor those of other hosts, beat together; from there the beats stay `every` apart and never drift. Rejects only
 * as `work` does.
 */
export async function runSchedule(
  timing: Timing,
  clock: Clock,
  random: () => number,
  signal: AbortSignal,
  work: () => Promise<void>
): Promise<void> {
  const due = 'every' in timing ? beats(timing.every, clock, random) : times(timing, clock)
  while (!signal.aborted) {
    await due(signal)
    if (signal.aborted) return
    await work()
  }
}

type Due = (signal: AbortSignal) => Promise<void>

function beats(every: number, clock: Clock, random: () => number): Due {
  const together = Math.min(TOGETHER_MS, every / 10)
  let next = Math.ceil((clock.elapsed() + random() * Math.min(every, FIRST_WITHIN_MS)) / together) * together
  return async signal => {
    const now = clock.elapsed()
    if (next < now) next += Math.ceil((now - next) / every) * every
    await clock.wait(next - now, signal)
    next += every
  }
}

function times({ cron, zone }: { cron: string; zone: string }, clock: Clock): Due {
  const nextAfter = compileCron(cron, zone)
  let last = -Infinity
  return async signal => {
    // A clock that was put right by a little must not bring the same moment again.
    const start = clock.now()
    let next = nextAfter(start < last && last - start < 1000 ? last : start)
    let seen = start
    while (!signal.aborted) {
      const now = clock.now()
      if (now < seen - 1000) next = nextAfter(now)
      if (next !== undefined && now >= next) break
      seen = now
      await clock.wait(Math.min(LOOK_MS, Math.max(1, (next ?? Infinity) - now)), signal)
    }
    last = next ?? last
  }
}
