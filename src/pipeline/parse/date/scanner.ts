// A format of letters as a scanner over the characters of a text.
import { inRange, leap, wallClock } from './calendar.ts'
import { parseFormat } from './format.ts'
import type { Part, Piece } from './format.ts'
import { parseOffset } from './iso.ts'
import type { Assumed, DateParser } from './parser.ts'
import { abbreviatedOffset, openZone } from './zone.ts'
import type { Zone } from './zone.ts'

const DAY = 86_400_000
const HOUR = 3_600_000

// What the scanner does at each place; a part of a date is its place in PARTS.
const PARTS: readonly Part[] = [
  'year',
  'year2',
  'month',
  'monthName',
  'day',
  'dayOfYear',
  'hour',
  'hour12',
  'minute',
  'second',
  'fraction',
  'epoch',
  'half',
  'weekday',
  'offset',
  'zone'
]
const [YEAR, YEAR2, MONTH, MONTH_NAME, DAY_OF_MONTH, DAY_OF_YEAR, HOURS, HOURS12] = [0, 1, 2, 3, 4, 5, 6, 7] as const
const [MINUTES, SECONDS, FRACTION, EPOCH, HALF, WEEKDAY, OFFSET, ZONE] = [8, 9, 10, 11, 12, 13, 14, 15] as const
const CHAR = 16
const BLANKS = 17

const MONTHS = 'january february march april may june july august september october november december'.split(' ')
const WEEKDAYS = 'monday tuesday wednesday thursday friday saturday sunday'.split(' ')

/** Three letters of any case as one number. */
const three = (text: string, at: number): number =>
  ((text.charCodeAt(at) | 32) << 16) | ((text.charCodeAt(at + 1) | 32) << 8) | (text.charCodeAt(at + 2) | 32)
const byThree = (names: string[]): Map<number, number> => new Map(names.map((name, i) => [three(name, 0), i + 1]))
const MONTH_OF = byThree(MONTHS)
const WEEKDAY_OF = byThree(WEEKDAYS)

const isBlank = (c: number): boolean => c === 32 || c === 9 || c === 0xa0 || c === 0x202f

/** Reads texts of one format. Joda's letters and strptime's alike. */
export class Scanner implements DateParser {
  readonly format: string
  readonly assumed: readonly Assumed[]
  readonly #zone: Zone
  readonly #ops: Uint8Array
  readonly #args: Uint16Array
  readonly #exact: Uint8Array
  // What the text at hand said, by part. -1: nothing.
  readonly #said = new Float64Array(PARTS.length)
  readonly #zones = new Map<string, Zone | undefined>()
  #named: Zone | undefined

  constructor(format: string, zone: Zone) {
    this.format = format
    this.#zone = zone
    const pieces = parseFormat(format)
    const ops = pieces.flatMap(opsOf)
    this.#ops = Uint8Array.from(ops, op => op[0])
    this.#args = Uint16Array.from(ops, op => op[1])
    this.#exact = Uint8Array.from(ops, op => op[2])
    const parts = new Set(pieces.flatMap(p => ('part' in p ? [p.part] : [])))
    this.assumed = assumptions(parts, format)
  }

  parse(text: string, arrival: number): number {
    const said = this.#said
    said.fill(-1)
    this.#named = undefined
    if (!this.#scan(text)) return NaN
    const ms = said[FRACTION]! < 0 ? 0 : said[FRACTION]!
    if (said[EPOCH]! >= 0) return inRange(said[EPOCH]! * 1000 + ms)
    const hour = said[HOURS12]! >= 0 ? this.#hour24() : Math.max(0, said[HOURS]!)
    if (hour < 0) return NaN
    const minute = Math.max(0, said[MINUTES]!)
    const second = Math.max(0, said[SECONDS]!)
    const year = this.#year()
    const month = said[MONTH]! >= 0 ? said[MONTH]! : said[MONTH_NAME]!
    const day = said[DAY_OF_MONTH]!
    if (year >= 0) {
      if (said[DAY_OF_YEAR]! >= 0) {
        const days = said[DAY_OF_YEAR]!
        if (days < 1 || days > (leap(year) ? 366 : 365)) return NaN
        return this.#instant(wallClock(year, 1, 1, hour, minute, second, ms) + (days - 1) * DAY, arrival)
      }
      const local = wallClock(year, month < 0 ? 1 : month, day < 0 ? 1 : day, hour, minute, second, ms)
      return this.#instant(local, arrival)
    }
    return month < 0
      ? this.#today(
          ((hour * 60 + minute) * 60 + second) * 1000 + ms,
          minute <= 59 && second <= 60 && hour <= 23,
          arrival
        )
      : this.#thisYear(month, day < 0 ? 1 : day, hour, minute, second, ms, arrival)
  }

  #hour24(): number {
    const hour = this.#said[HOURS12]!
    if (hour > 12) return -1
    return (hour % 12) + (this.#said[HALF]! === 1 ? 12 : 0)
  }

  /** POSIX: 69 to 99 are of the last century, 00 to 68 of this one. */
  #year(): number {
    const short = this.#said[YEAR2]!
    return short < 0 ? this.#said[YEAR]! : short + (short < 69 ? 2000 : 1900)
  }

  #instant(local: number, arrival: number): number {
    if (local !== local) return NaN
    if (this.#named !== undefined) return inRange(this.#named.toEpoch(local, arrival))
    const offset = this.#said[OFFSET]!
    return inRange(offset === -1 ? this.#zone.toEpoch(local, arrival) : local - (offset - 2000) * 60_000)
  }

  /** A year is missing: the latest that isn't more than a day ahead of the arrival; for 29 February the leap year before. */
  #thisYear(
    month: number,
    day: number,
    hour: number,
    minute: number,
    second: number,
    ms: number,
    arrival: number
  ): number {
    const now = new Date((this.#named ?? this.#zone).toLocal(arrival)).getUTCFullYear()
    for (let year = now + 1; year > now - 9; year--) {
      const at = this.#instant(wallClock(year, month, day, hour, minute, second, ms), arrival)
      if (at <= arrival + DAY) return at
    }
    return NaN
  }

  /** The date is missing: the day of the arrival, or the one before when that would be more than an hour ahead. */
  #today(ofDay: number, valid: boolean, arrival: number): number {
    if (!valid) return NaN
    const local = (this.#named ?? this.#zone).toLocal(arrival)
    const at = this.#instant(Math.floor(local / DAY) * DAY + ofDay, arrival)
    return at <= arrival + HOUR ? at : this.#instant(Math.floor(local / DAY) * DAY - DAY + ofDay, arrival)
  }

  #scan(text: string): boolean {
    const ops = this.#ops
    const args = this.#args
    let at = 0
    for (let i = 0; i < ops.length; i++) {
      const op = ops[i]!
      if (op === CHAR) {
        if (text.charCodeAt(at) !== args[i]) return false
        at++
      } else if (op === BLANKS) {
        if (!isBlank(text.charCodeAt(at))) return false
        do at++
        while (isBlank(text.charCodeAt(at)))
      } else if (op < HALF && op !== MONTH_NAME) {
        at = op === FRACTION ? this.#fraction(text, at) : this.#number(op, text, at, args[i]!, this.#exact[i] === 1)
      } else {
        at = this.#word(op, text, at)
      }
      if (at < 0) return false
    }
    return at === text.length
  }

  /** Reads a number and returns where it ends, -1 when there is none of that width. */
  #number(part: number, text: string, from: number, width: number, exact: boolean): number {
    let at = from
    // Days and hours are often padded with a blank (`Apr  3`, `12/ 3`).
    if (!exact && (part === DAY_OF_MONTH || part === HOURS || part === HOURS12) && text.charCodeAt(at) === 32) at++
    const start = at
    const end = at + width
    let n = 0
    for (let d = text.charCodeAt(at) - 48; at < end && d >= 0 && d <= 9; d = text.charCodeAt(++at) - 48) n = n * 10 + d
    if (at === start || (exact && at !== end)) return -1
    this.#said[part] = n
    return at
  }

  #fraction(text: string, from: number): number {
    let at = from
    let ms = 0
    let scale = 100
    for (let d = text.charCodeAt(at) - 48; d >= 0 && d <= 9; d = text.charCodeAt(++at) - 48) {
      ms += d * scale
      scale = scale > 1 ? scale / 10 : 0
    }
    if (at === from || at > from + 9) return -1
    this.#said[FRACTION] = ms
    return at
  }

  #word(part: number, text: string, at: number): number {
    if (part === MONTH_NAME) return this.#name(part, text, at, MONTH_OF, MONTHS)
    if (part === WEEKDAY) return this.#name(part, text, at, WEEKDAY_OF, WEEKDAYS)
    if (part === HALF) {
      const c = text.charCodeAt(at) | 32
      if ((c !== 97 && c !== 112) || (text.charCodeAt(at + 1) | 32) !== 109) return -1
      this.#said[HALF] = c === 112 ? 1 : 0
      return at + 2
    }
    let end = at
    while (isZoneChar(text.charCodeAt(end))) end++
    const minutes = parseOffset(text, at, end)
    const offset = minutes === minutes ? minutes : part === ZONE ? abbreviatedOffset(text.slice(at, end)) : undefined
    // Shifted, so that no offset is the -1 of "nothing said".
    if (offset !== undefined) this.#said[OFFSET] = offset + 2000
    else if (part === OFFSET || end === at) return -1
    else if ((this.#named = this.#zoneOf(text.slice(at, end))) === undefined) return -1
    return end
  }

  /** A month or weekday by its first three letters; of the rest as much as is spelt out. */
  #name(part: number, text: string, from: number, table: Map<number, number>, names: string[]): number {
    const n = table.get(three(text, from))
    if (n === undefined) return -1
    const full = names[n - 1]!
    let length = 3
    while (length < full.length && (text.charCodeAt(from + length) | 32) === full.charCodeAt(length)) length++
    this.#said[part] = n
    return from + length
  }

  #zoneOf(id: string): Zone | undefined {
    if (this.#zones.has(id)) return this.#zones.get(id)
    let zone: Zone | undefined
    try {
      zone = openZone(id)
    } catch {
      zone = undefined
    }
    // The text decides what is asked for: a bound against texts that are no zones.
    if (this.#zones.size < 700) this.#zones.set(id, zone)
    return zone
  }
}

const isZoneChar = (c: number): boolean =>
  (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || (c >= 43 && c <= 58 && c !== 44 && c !== 46) || c === 95

function opsOf(piece: Piece): Array<[op: number, arg: number, exact: number]> {
  if ('part' in piece) return [[PARTS.indexOf(piece.part), piece.width, piece.exact ? 1 : 0]]
  return Array.from({ length: piece.literal.length }, (_, i) => {
    const c = piece.literal.charCodeAt(i)
    return isBlank(c) ? [BLANKS, 0, 0] : [CHAR, c, 0]
  })
}

function assumptions(parts: ReadonlySet<Part>, format: string): Assumed[] {
  if (parts.has('epoch')) return []
  const dated = parts.has('month') || parts.has('monthName')
  const year = parts.has('year') || parts.has('year2')
  if (!dated && !year && !parts.has('hour') && !parts.has('hour12')) {
    throw new TypeError(`the date format "${format}" holds neither a date nor an hour`)
  }
  const out: Assumed[] = dated || year ? (year ? [] : ['year']) : ['date']
  if (!parts.has('offset') && !parts.has('zone')) out.push('timezone')
  return out
}
