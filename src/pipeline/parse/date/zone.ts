// From the wall clock of a time zone to the epoch, with the zone's present interval kept at hand.

/** Turns local times (milliseconds since the epoch as if the wall clock were UTC) into real ones. */
export interface Zone {
  readonly id: string
  /** `arrival` decides the hour that exists twice in autumn. */
  toEpoch(local: number, arrival: number): number
  /** Local time of an instant, in the same form. */
  toLocal(epoch: number): number
}

export const UTC: Zone = { id: 'UTC', toEpoch: local => local, toLocal: epoch => epoch }

const MINUTE = 60_000
const HOUR = 3_600_000

/** Opens an IANA zone (`Europe/Berlin`, `UTC`); throws a RangeError when there is none of that name. */
export function openZone(id: string): Zone {
  return /^(utc|gmt|z|etc\/utc)$/i.test(id) ? UTC : new IanaZone(id)
}

/**
 * One interval of constant offset is cached: logs stay in one for months. Outside of it, and in the hours that a change
 * of clocks skips or repeats, Temporal is asked, which costs some 10 µs.
 *
 * A skipped time is read with the offset before the change (2:30 becomes 3:30), as java.time and Temporal do. Of a
 * repeated one the earlier instant is taken, unless the line arrived within the hour after the later one: then it
 * was written just now.
 */
class IanaZone implements Zone {
  readonly id: string
  #offset = 0
  // The interval in instants, and the local times that belong to it and to no other.
  #from = NaN
  #to = NaN
  #localFrom = NaN
  #localTo = NaN

  constructor(id: string) {
    this.id = id
    this.#enter(Date.now())
  }

  toEpoch(local: number, arrival: number): number {
    if (local >= this.#localFrom && local < this.#localTo) return local - this.#offset
    this.#enter(local - this.#offset)
    if (local >= this.#localFrom && local < this.#localTo) return local - this.#offset
    return this.#atChange(local, arrival)
  }

  toLocal(epoch: number): number {
    if (!(epoch >= this.#from && epoch < this.#to)) this.#enter(epoch)
    return epoch + this.#offset
  }

  #enter(epoch: number): void {
    const at = Temporal.Instant.fromEpochMilliseconds(Math.floor(epoch)).toZonedDateTimeISO(this.id)
    // A transition at this very instant begins the interval: look for the one at or before it.
    const start = at.add({ nanoseconds: 1 }).getTimeZoneTransition('previous')
    const end = at.getTimeZoneTransition('next')
    const offset = at.offsetNanoseconds / 1e6
    const before = (start?.subtract({ nanoseconds: 1 }).offsetNanoseconds ?? 0) / 1e6
    const after = (end?.offsetNanoseconds ?? 0) / 1e6
    const from = start?.epochMilliseconds ?? -Infinity
    const to = end?.epochMilliseconds ?? Infinity
    // Together and last: the time limit of a batch may interrupt any call.
    this.#offset = offset
    this.#from = from
    this.#to = to
    this.#localFrom = from + Math.max(offset, before)
    this.#localTo = to + Math.min(offset, after)
  }

  #atChange(local: number, arrival: number): number {
    const plain = Temporal.Instant.fromEpochMilliseconds(local).toZonedDateTimeISO('UTC').toPlainDateTime()
    const early = plain.toZonedDateTime(this.id, { disambiguation: 'compatible' })
    const late = plain.toZonedDateTime(this.id, { disambiguation: 'later' }).epochMilliseconds
    const justNow = arrival >= late - MINUTE && arrival < late + HOUR
    return justNow ? late : early.epochMilliseconds
  }
}

// Abbreviations that mean one offset to nearly everybody; minutes east of UTC.
const ABBREVIATIONS: Record<string, number> = {
  Z: 0,
  UT: 0,
  UTC: 0,
  GMT: 0,
  WET: 0,
  WEST: 60,
  BST: 60,
  CET: 60,
  MET: 60,
  CEST: 120,
  MEST: 120,
  EET: 120,
  EEST: 180,
  MSK: 180,
  JST: 540,
  KST: 540,
  AEST: 600,
  AEDT: 660,
  NZST: 720,
  NZDT: 780,
  EST: -300,
  EDT: -240,
  CST: -360,
  CDT: -300,
  MST: -420,
  MDT: -360,
  PST: -480,
  PDT: -420
}

/** Minutes east of UTC of `UTC`, `CEST`, `PDT`, …; undefined when it is no known abbreviation. */
export const abbreviatedOffset = (name: string): number | undefined =>
  Object.hasOwn(ABBREVIATIONS, name) ? ABBREVIATIONS[name] : undefined
