// What a check has brought over some days: how often it stopped being ok, on which days, and how often that passed by itself.
import type { PastState } from './history.ts'

const DAY_MS = 86_400_000

export interface Report {
  /** Share of the time known that it was not critical, 0 to 1; undefined when nothing is known. */
  readonly uptime: number | undefined
  /** Of state, maintenance and pauses of the agent aside. */
  readonly changes: number
  /** Times it stopped being ok; one that gets worse is still the same. */
  readonly incidents: number
  /** On an average day, of those that are known. */
  readonly perDay: number
  /** Incidents that are over, and those of them that ended while nobody had silenced it and the agent ran on. */
  readonly over: number
  readonly byThemselves: number
  /** Incidents that began on a day of the host's zone, such as `2026-11-22`; days without are absent. */
  readonly days: Readonly<Record<string, number>>
}

/** `changes` are the check's, the oldest first; what was before `from` is left out. Times are milliseconds since the epoch. */
export function reportOf(changes: readonly PastState[], from: number, now: number): Report {
  const days: Record<string, number> = {}
  const count = { changes: 0, incidents: 0, over: 0, byThemselves: 0 }
  let open: { helped: boolean; counts: boolean } | undefined
  let before: PastState['state']
  let well = 0
  let ill = 0
  changes.forEach(({ at, state }, i) => {
    const inside = at >= from
    const ms = Math.max(0, Math.min(now, changes[i + 1]?.at ?? now) - Math.max(at, from))
    if (state === 'critical') ill += ms
    else if (state === 'ok' || state === 'warning') well += ms
    if (state === undefined || state === 'maintenance') {
      if (open !== undefined) open.helped = true
      return
    }
    if (before !== undefined && before !== state && inside) count.changes++
    before = state
    if (state === 'ok') {
      if (open?.counts === true) {
        count.over++
        if (!open.helped) count.byThemselves++
      }
      open = undefined
    } else if (open === undefined) {
      open = { helped: false, counts: inside }
      if (!inside) return
      count.incidents++
      days[dayOf(at)] = (days[dayOf(at)] ?? 0) + 1
    }
  })
  const known = Math.max(DAY_MS, now - Math.max(from, changes[0]?.at ?? now))
  return {
    uptime: well + ill > 0 ? well / (well + ill) : undefined,
    ...count,
    perDay: count.incidents / (known / DAY_MS),
    days
  }
}

function dayOf(at: number): string {
  const date = new Date(at)
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}
