// When a check is in maintenance: in a window of the configuration, or because somebody has silenced it.
import { isMap } from '../core/field.ts'
import type { State } from '../core/state.ts'
import { compileCron } from './cron.ts'

const SCOPE = 'silences'

/** Why it is quiet, and until when (milliseconds since the epoch). */
export interface Quiet {
  readonly until: number
  readonly comment: string
}

/** Silences a check, over restarts too. */
export function silence(state: State, check: string, quiet: Quiet): void {
  state.set(SCOPE, check, { until: quiet.until, comment: quiet.comment.slice(0, 500) })
}

/** False when it was not silenced. */
export function unsilence(state: State, check: string): boolean {
  const was = state.get(SCOPE, check) !== undefined
  state.delete(SCOPE, check)
  return was
}

/** The silence of a check; one that is over is forgotten. */
export function silenceOf(state: State, check: string, now: number): Quiet | undefined {
  const kept = state.get(SCOPE, check)
  if (kept === undefined) return undefined
  if (isMap(kept) && typeof kept['until'] === 'number' && kept['until'] > now)
    return { until: kept['until'], comment: typeof kept['comment'] === 'string' ? kept['comment'] : '' }
  state.delete(SCOPE, check)
  return undefined
}

export interface Window {
  /** Cron line of its beginning. */
  readonly schedule: string
  /** Milliseconds. */
  readonly for: number
  /** IANA zone. */
  readonly zone: string
}

/** Tells of the windows that are open at a time. The next opening is looked for only when one may have come. */
export function createWindows(windows: readonly Window[]): (now: number) => Quiet | undefined {
  const open = windows.map(w => {
    const nextAfter = compileCron(w.schedule, w.zone)
    let asked = Infinity
    let opens: number | undefined
    return (now: number): number | undefined => {
      // Asked anew when time went back, and when the window that was known is over.
      if (now < asked || (opens !== undefined && now >= opens + w.for)) opens = nextAfter(now - w.for)
      asked = now
      return opens !== undefined && now >= opens ? opens + w.for : undefined
    }
  })
  return now => {
    const ends = open.map(until => until(now)).filter(until => until !== undefined)
    return ends.length === 0 ? undefined : { until: Math.max(...ends), comment: 'a planned window' }
  }
}
