// What is done about an answer to a request with records, by its status; and whom a refusal is to be believed about.
import type { HttpResponse } from '../../core/http.ts'

/**
 * `taken`; `split`: too large, or a record in it is not liked, so halves may fare better; `hold`: nothing in the records
 * will change it, so wait and send again.
 */
export type Verdict = 'taken' | 'split' | 'hold'

/** About the request and who sends it, never about a record: address, credentials, method, type. */
const ABOUT_THE_REQUEST = new Set([401, 402, 403, 404, 405, 406, 407, 410, 411, 415, 421, 426, 431, 451])

export const STATUS_PATTERN = /^[1-5](?:xx|\d\d)$/i

export function judgeStatus(
  { status }: Pick<HttpResponse, 'status'>,
  success: readonly string[],
  retry: readonly string[]
): Verdict {
  if (isAmong(status, success)) return 'taken'
  if (status === 413) return 'split'
  if (isAmong(status, retry) || ABOUT_THE_REQUEST.has(status) || status < 400 || status >= 500) return 'hold'
  return 'split'
}

export const isAmong = (status: number, patterns: readonly string[]): boolean =>
  patterns.some(p => p.toLowerCase() === String(status) || p.toLowerCase() === `${Math.trunc(status / 100)}xx`)

/** Refusals in a row, with nothing taken in between, after which the records are no longer what is at fault. */
const DOUBT = 100
/** In doubt so many of a parcel are tried alone before it waits. */
const TRIED = 3
/** After so many parcels in which nothing was taken the first record goes, lest it hold up all others for ever. */
const PATIENCE = 5

/**
 * Whether a refused record is at fault. A destination that has taken nothing yet, or nothing for long, may just as well
 * be the wrong one or wrongly set up: its refusals then hold the parcel instead of burying every record of the log.
 */
export class Doubt {
  #refusals = DOUBT
  #parcels = 0
  #givenUp = 0

  taken(): void {
    this.#refusals = 0
    this.#parcels = 0
    this.#givenUp = 0
  }

  refused(): void {
    this.#refusals++
  }

  /** So many refusals of single records in a parcel are enough to hold the rest of it. */
  get most(): number {
    if (!this.present) return DOUBT - this.#refusals
    return this.#parcels === 0 && this.#givenUp < TRIED ? TRIED : 1
  }

  get present(): boolean {
    return this.#refusals >= DOUBT
  }

  /** A parcel was refused and what is in it again: its first record alone is to show whether anything is taken by now. */
  get settled(): boolean {
    return this.present && this.most === 1
  }

  /** Nothing of a parcel was taken: true when its first record is to be given up all the same. */
  givesUp(): boolean {
    if (++this.#parcels < PATIENCE) return false
    this.#parcels = 0
    this.#givenUp++
    return true
  }
}
