// How much counters grew over a time, out of a few readings of them.

/** Readings kept; when there are more, every second one goes, so that they still span the whole time. */
const MAX_READINGS = 240

export interface Growth {
  readonly grown: readonly number[]
  /** Seconds that it grew over. */
  readonly seconds: number
  /** The whole time was seen. */
  readonly whole: boolean
}

/**
 * Takes readings of counters that only grow, all at one moment, and says how much they grew over the last `overMs`. A
 * counter that went back was started anew, and counts from nothing. `at` in milliseconds on the monotonic clock.
 */
export function createGrowth(overMs: number): (at: number, counters: readonly number[]) => Growth {
  let readings: { readonly at: number; readonly sums: readonly number[] }[] = []
  let last: readonly number[] | undefined
  return (at, counters) => {
    const before = readings.at(-1)
    const sums = counters.map((n, i) => {
      if (last === undefined || before === undefined) return 0
      const was = last[i] ?? 0
      return before.sums[i]! + (n >= was ? n - was : n)
    })
    last = counters
    readings.push({ at, sums })
    // The last reading that is as old as the time asked for is where it begins.
    const from = readings.findLastIndex(r => r.at <= at - overMs)
    if (from > 0) readings.splice(0, from)
    const first = readings[0]!
    if (readings.length > MAX_READINGS)
      readings = readings.filter((_, i) => i === 0 || i % 2 === (readings.length - 1) % 2)
    return {
      grown: sums.map((n, i) => n - first.sums[i]!),
      seconds: (at - first.at) / 1000,
      whole: first.at <= at - overMs
    }
  }
}
