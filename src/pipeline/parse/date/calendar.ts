// The arithmetic of the Gregorian calendar that every date format ends in.

const DAY = 86_400_000
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Years 0000 to 9999: what an ISO timestamp of four year digits can hold, and Elasticsearch takes. */
export const EARLIEST = -62_167_219_200_000
export const LATEST = 253_402_300_799_999

export const leap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)

/** Days in a month (1 to 12) of a year; 0 when there is no such month. */
export const daysIn = (year: number, month: number): number => (month === 2 && leap(year) ? 29 : (DAYS[month - 1] ?? 0))

/** Days from 1970-01-01 to a date. The years count from March, so that the leap day comes last (Howard Hinnant's algorithm). */
export function epochDay(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const ofEra = y - era * 400
  const ofYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468
}

/** Milliseconds of a wall clock as if it stood in UTC; NaN when there is no such time. A leap second (60) is the next second. */
export function wallClock(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  ms: number
): number {
  if (day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 60) return NaN
  return epochDay(year, month, day) * DAY + ((hour * 60 + minute) * 60 + second) * 1000 + ms
}

/** The time itself when a timestamp can show it, else NaN. */
export const inRange = (ms: number): number => (ms >= EARLIEST && ms <= LATEST ? ms : NaN)
