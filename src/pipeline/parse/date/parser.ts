// The formats that a date can be given in, each as a parser of texts.
import { inRange } from './calendar.ts'
import { parseIso } from './iso.ts'
import { Scanner } from './scanner.ts'
import type { Zone } from './zone.ts'

/** What a text of the format doesn't say, so that it is taken from the arrival or the configuration. */
export type Assumed = 'date' | 'year' | 'timezone'

export interface DateParser {
  readonly format: string
  /** Of the text that was parsed last. */
  readonly assumed: readonly Assumed[]
  /** Milliseconds since the epoch, fractions cut; NaN when the text is not of the format. The whole text must be. */
  parse(text: string, arrival: number): number
}

// Units of an epoch in a millisecond.
const EPOCHS: ReadonlyMap<string, number> = new Map([
  ['UNIX', 1e-3],
  ['UNIX_MS', 1],
  ['UNIX_US', 1e3],
  ['UNIX_NS', 1e6]
])
const NOTHING: readonly Assumed[] = []
const TIMEZONE: readonly Assumed[] = ['timezone']

/** Compiles a format: Joda letters, strptime, ISO8601, UNIX, UNIX_MS, UNIX_US or UNIX_NS. Throws a TypeError. */
export function compileDate(format: string, zone: Zone): DateParser {
  if (format === 'ISO8601') return new Iso(zone)
  const perMs = EPOCHS.get(format)
  if (perMs !== undefined) return { format, assumed: NOTHING, parse: text => parseEpoch(text, perMs) }
  return new Scanner(format, zone)
}

class Iso implements DateParser {
  readonly format = 'ISO8601'
  assumed = NOTHING
  readonly #zone: Zone

  constructor(zone: Zone) {
    this.#zone = zone
  }

  parse(text: string, arrival: number): number {
    this.assumed = namesZone(text) ? NOTHING : TIMEZONE
    return parseIso(text, this.#zone, arrival)
  }
}

/** Whether an ISO timestamp ends in a letter (`Z`, `UTC`) or an offset. */
const namesZone = (text: string): boolean =>
  text.charCodeAt(text.length - 1) > 57 || text.indexOf('+', 16) > 0 || text.indexOf('-', 16) > 0

function parseEpoch(text: string, perMs: number): number {
  if (!/^[+-]?\d{1,20}(?:\.\d{1,12})?$/.test(text)) return NaN
  // 1.001 s is 1000.9999… ms in floats: round away what is no digit of the text before cutting.
  return inRange(Math.floor(Math.round((Number(text) / perMs) * 1e3) / 1e3))
}
