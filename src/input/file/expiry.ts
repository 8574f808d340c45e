// When unread data will be rotated away, judged by what rotation did before. Without evidence there is no figure.

/** A rotation that was seen. */
export interface Rotation {
  /** Wall clock. */
  readonly at: number
  /** Bytes the file had. */
  readonly size: number
  /** How many rotated files there were in its folder some time afterwards; undefined when nobody looked. */
  readonly kept: number | undefined
}

export interface Evidence {
  /** Wall clock. */
  readonly now: number
  /** The latest ones, ascending. */
  readonly rotations: readonly Rotation[]
  /** Of the unread file: 0 is the one that is written to, 1 the one that was rotated last, and so on. */
  readonly place: number
  /** Of the file that is written to: bytes, and how fast it grows, bytes a second. */
  readonly size: number
  readonly growth: number
}

export interface Expiry {
  /** Milliseconds until the file is removed. */
  readonly ms: number
  /** What the rotation goes by. */
  readonly by: 'time' | 'size'
  /** How long a file is kept altogether, milliseconds. */
  readonly retention: number
}

/** Rotations that are compared; what was longer ago may have been configured otherwise. */
const COMPARED = 4
/** What differs by no more counts as the same: logrotate's timer comes up to an hour late in a day. */
const ALIKE = 1.3

/**
 * Undefined when it can't be known: fewer than three rotations were seen, they follow neither the clock nor the size, or
 * nobody knows how many files are kept, since so far there was one more after each rotation.
 */
export function expiryOf(evidence: Evidence): Expiry | undefined {
  const kept = limitOf(evidence.rotations)
  if (kept === undefined) return undefined
  // Under a steady load both are alike; what it goes by varies less.
  const [cycle] = [byTime(evidence), bySize(evidence)]
    .filter(c => c !== undefined)
    .toSorted((a, b) => a.spread - b.spread || a.next - b.next)
  if (cycle === undefined) return undefined
  const { next, every, by } = cycle
  const ms = evidence.place > kept ? 0 : next + (kept - evidence.place) * every
  return { ms, by, retention: (kept + 1) * every }
}

/** When the next rotation is due, and how long after each other they come; milliseconds. */
interface Cycle {
  readonly next: number
  readonly every: number
  /** How much they differed: the largest to the smallest. */
  readonly spread: number
  readonly by: Expiry['by']
}

/** How many rotated files there are at most: their number has stayed the same over a rotation. */
function limitOf(rotations: readonly Rotation[]): number | undefined {
  const [before, last] = rotations.filter(r => r.kept !== undefined).slice(-2)
  return last !== undefined && before!.kept === last.kept ? last.kept : undefined
}

function byTime({ now, rotations }: Evidence): Cycle | undefined {
  const times = rotations.slice(-COMPARED).map(r => r.at)
  const intervals = alike(times.slice(1).map((at, i) => at - times[i]!))
  if (intervals === undefined) return undefined
  const { mean: every, spread } = intervals
  const next = times.at(-1)! + every - now
  // One that is long overdue will not come by the clock any more.
  return next < -every / 2 ? undefined : { next: Math.max(0, next), every, spread, by: 'time' }
}

function bySize({ rotations, size, growth }: Evidence): Cycle | undefined {
  const sizes = alike(rotations.slice(-COMPARED).map(r => r.size))
  if (sizes === undefined || rotations.length < 3 || growth <= 0) return undefined
  const { mean: limit, spread } = sizes
  // A file that is larger by now shows that it was not the size.
  if (size > limit * ALIKE) return undefined
  const next = (Math.max(0, limit - size) / growth) * 1000
  return { next, every: (limit / growth) * 1000, spread, by: 'size' }
}

/** At least two numbers that are about the same. */
function alike(numbers: readonly number[]): { mean: number; spread: number } | undefined {
  const least = Math.min(...numbers)
  const most = Math.max(...numbers)
  if (numbers.length < 2 || least <= 0 || most > least * ALIKE) return undefined
  return { mean: numbers.reduce((sum, n) => sum + n, 0) / numbers.length, spread: most / least }
}
