// Records that the mapping of their index has no room for: the field that is in the way goes aside as text.
import type { Given, Parcel, Records } from '../../core/component.ts'
import { addTag } from '../../core/event.ts'
import type { Event } from '../../core/event.ts'
import { isMap } from '../../core/field.ts'
import { locate, makeParcel, startOf } from '../../core/parcel.ts'
import { textOf } from '../../core/template.ts'

/** What was moved aside: `field=value`, always texts, so that it never is a conflict of its own. */
export const ASIDE = '_conflict'
export const CONFLICT_TAG = '_mappingconflict'
/** So many fields of one record are moved aside, one a request; a record with more is not what the index is for. */
export const MAX_FIELDS = 4

/** How Elasticsearch 7 to 9 and OpenSearch 1 to 3 say which field it is, before they quote anything of the record. */
const WAYS = [
  /^[a-z_]*pars(?:e|ing)_exception: [^'"]*?failed to parse field \[([^\]]+)\]/,
  /^[a-z_]*pars(?:e|ing)_exception: [^'"]*?object mapping for \[([^\]]+)\]/,
  /^illegal_argument_exception: can't merge a non.object mapping \[([^\]]+)\]/,
  /^illegal_argument_exception: mapper \[([^\]]+)\] cannot be changed from type/
]
/** Without its time no record has a place in a data stream; what is aside is text already. */
const FIXED = new Set(['@timestamp', ASIDE])

/** The field that a refusal is about; undefined when moving one aside would not help. */
export function conflictOf(status: number | undefined, reason: string): string | undefined {
  if (status !== 400) return undefined
  for (const way of WAYS) {
    const field = way.exec(reason)?.[1]
    if (field !== undefined) return FIXED.has(field) ? undefined : field
  }
  return undefined
}

/** One record on its way around a conflict. */
export interface Rescue {
  /** In the parcel that was refused. */
  readonly index: number
  readonly given: Given
  readonly document: Event
}

/** Parses a record of the parcel anew; `target` is the index it goes to. */
export function rescueOf(parcel: Parcel, index: number, id: string, target: string): Rescue {
  const { records, row } = locate(parcel, index)
  const json = records.bytes.utf8Slice(startOf(records, row), records.ends[row])
  return { index, given: { id, target }, document: JSON.parse(json) as Event }
}

/** Moves the field aside; false when the record has none of that name. */
export function moveAside(document: Event, field: string): boolean {
  const values: unknown[] = []
  take(document, field.split('.'), values)
  if (values.length === 0) return false
  const texts = values.map(value => `${field}=${textOf(value, 'null')}`)
  const before = document[ASIDE]
  document[ASIDE] = Array.isArray(before) ? [...(before as unknown[]), ...texts] : texts
  if (field !== 'tags') addTag(document, CONFLICT_TAG)
  return true
}

/** Takes the values out, from within lists too, and whether the names on the way stand apart or joined by dots. */
function take(holder: unknown, keys: readonly string[], values: unknown[]): void {
  if (Array.isArray(holder)) for (const item of holder) take(item, keys, values)
  if (!isMap(holder)) return
  for (let n = 1; n <= keys.length; n++) {
    const key = keys.slice(0, n).join('.')
    if (!Object.hasOwn(holder, key)) continue
    if (n < keys.length) take(holder[key], keys.slice(n), values)
    else {
      values.push(holder[key])
      delete holder[key]
    }
  }
}

/** The documents as they are now, each with the identity and the index that it had. */
export function parcelOf(rescues: readonly Rescue[], batch: Records['batch']): Parcel {
  const texts = rescues.map(r => `${JSON.stringify(r.document)}\n`)
  const ends = new Uint32Array(texts.length)
  let end = 0
  texts.forEach((text, i) => (ends[i] = end += Buffer.byteLength(text)))
  const records: Records = {
    batch,
    count: texts.length,
    bytes: Buffer.from(texts.join('')),
    ends,
    times: new Float64Array(texts.length),
    offsets: new Float64Array(texts.length),
    keys: new Map(),
    given: rescues.map(r => r.given)
  }
  return makeParcel([{ records, from: 0, to: texts.length }])
}
