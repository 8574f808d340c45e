// ISO 8601 timestamps as logs have them, and epochs whose unit only their size tells.
import { inRange, wallClock } from './calendar.ts'
import type { Zone } from './zone.ts'

const digits = (text: string, from: number, count: number): number => {
  let n = 0
  for (let i = from; i < from + count; i++) {
    const d = text.charCodeAt(i) - 48
    if (!(d >= 0 && d <= 9)) return NaN
    n = n * 10 + d
  }
  return n
}

/**
 * Milliseconds since the epoch of `2019-07-08T08:31:08.493+02:00` and its relatives: a blank for the T, a comma in the
 * seconds, no seconds, no time, no zone (then `zone` counts). Fractions are cut to milliseconds. NaN when it is none.
 */
export function parseIso(text: string, zone: Zone, arrival: number): number {
  const year = digits(text, 0, 4)
  const month = digits(text, 5, 2)
  const day = digits(text, 8, 2)
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return NaN
  if (text.length === 10) return inRange(zone.toEpoch(wallClock(year, month, day, 0, 0, 0, 0), arrival))
  const t = text.charCodeAt(10)
  if ((t !== 84 && t !== 32 && t !== 116) || text.charCodeAt(13) !== 58) return NaN
  const hour = digits(text, 11, 2)
  const minute = digits(text, 14, 2)
  let at = 16
  let second = 0
  let ms = 0
  if (text.charCodeAt(16) === 58) {
    second = digits(text, 17, 2)
    at = 19
    const point = text.charCodeAt(19)
    if (point === 46 || point === 44) {
      let scale = 100
      let d = text.charCodeAt(++at) - 48
      if (!(d >= 0 && d <= 9)) return NaN
      for (; d >= 0 && d <= 9; d = text.charCodeAt(++at) - 48) {
        ms += d * scale
        scale = scale > 1 ? scale / 10 : 0
      }
    }
  }
  const local = wallClock(year, month, day, hour, minute, second, ms)
  if (local !== local) return NaN
  if (at === text.length) return inRange(zone.toEpoch(local, arrival))
  const offset = parseOffset(text, text.charCodeAt(at) === 32 ? at + 1 : at, text.length)
  return inRange(local - offset * 60_000)
}

/** Minutes east of UTC of `Z`, `UTC`, `+02`, `+0200` or `-05:30`, which must end at `end`; NaN when it is none. */
export function parseOffset(text: string, from: number, end: number): number {
  const first = text.charCodeAt(from)
  const size = end - from
  if (size === 1 && (first === 90 || first === 122)) return 0
  if (size === 3 && (text.startsWith('UTC', from) || text.startsWith('GMT', from))) return 0
  if (first !== 43 && first !== 45) return NaN
  const hours = digits(text, from + 1, 2)
  const colon = text.charCodeAt(from + 3) === 58 ? 1 : 0
  const minutes = size === 3 ? 0 : size === 5 + colon ? digits(text, from + 3 + colon, 2) : NaN
  return hours <= 18 && minutes <= 59 ? (first === 45 ? -1 : 1) * (hours * 60 + minutes) : NaN
}

/** Milliseconds of an epoch in s, ms, µs or ns; each unit covers the years 1973 to 5138 (a second's) without overlap. */
export function guessEpoch(value: number): number {
  const size = Math.abs(value)
  const ms = size < 1e11 ? value * 1000 : size < 1e14 ? value : size < 1e17 ? value / 1000 : value / 1e6
  return inRange(Math.floor(ms))
}
