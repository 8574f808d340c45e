// The formats that name their fields themselves: JSON and logfmt.
import type { Cursor, Event } from '../../../core/event.ts'
import { isMap } from '../../../core/field.ts'
import { guessEpoch, parseIso } from '../date/iso.ts'
import { UTC } from '../date/zone.ts'
import { decodeJson } from '../json/decode.ts'
import { scanLogfmt } from '../logfmt/scan.ts'
import { putNamed } from '../put.ts'

/** Where applications put the time when they don't call it `@timestamp`. */
const TIME_NAMES = ['time', 'timestamp', 'ts', 'datetime', 't', 'asctime', 'eventTime']

export function takeJson(line: string, field: string, event: Event, cursor: Cursor): string | undefined {
  const object = decodeJson(line)
  if (!isMap(object)) return undefined
  if (Object.hasOwn(event, field)) event[field] = undefined
  for (const key in object) putNamed(event, cursor, key, object[key])
  takeTime(event, cursor)
  return 'json'
}

/** Two pairs at least, and the first word must be one: prose has an `a=b` in it now and then. */
export function takeLogfmt(line: string, event: Event, cursor: Cursor): string | undefined {
  if (!/^[A-Za-z_@][\w.@-]*=/.test(line)) return undefined
  const found = new Map<string, string>()
  if (!scanLogfmt(line, found) || found.size < 2) return undefined
  for (const [key, value] of found) putNamed(event, cursor, key, value)
  takeTime(event, cursor)
  return 'logfmt'
}

function takeTime(event: Event, cursor: Cursor): void {
  for (let i = 0; i < TIME_NAMES.length && cursor.time !== cursor.time; i++) {
    const value = event[TIME_NAMES[i]!]
    if (typeof value === 'string') cursor.time = textTime(value, cursor.arrival)
    // Below, a number is more likely a duration than a time after 2001.
    else if (typeof value === 'number' && value > 1e9) cursor.time = guessEpoch(value)
  }
}

const textTime = (text: string, arrival: number): number =>
  /^\d{10,19}(?:\.\d{1,9})?$/.test(text) ? guessEpoch(Number(text)) : parseIso(text, UTC, arrival)
