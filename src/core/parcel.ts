// Walking through and cutting parcels: their parts lie one after the other, numbered through from 0.
import type { Parcel, Part, Records } from './component.ts'

/** Where a document starts in its `bytes`. */
export const startOf = (records: Records, i: number): number => (i === 0 ? 0 : records.ends[i - 1]!)

/** Bytes of the documents of a part. */
export const partBytes = (part: Part): number => startOf(part.records, part.to) - startOf(part.records, part.from)

/** The documents of a part as they lie in memory, NDJSON. */
export const partDocuments = (part: Part): Buffer =>
  part.records.bytes.subarray(startOf(part.records, part.from), startOf(part.records, part.to))

export function makeParcel(parts: readonly Part[]): Parcel {
  let count = 0
  let bytes = 0
  for (const part of parts) {
    count += part.to - part.from
    bytes += partBytes(part)
  }
  return { parts, count, bytes }
}

/** Records `from` up to (not including) `to` of a parcel, without copying them. */
export function cutParcel(parcel: Parcel, from: number, to: number): Parcel {
  const parts: Part[] = []
  let base = 0
  for (const part of parcel.parts) {
    const count = part.to - part.from
    const first = Math.max(from - base, 0)
    const last = Math.min(to - base, count)
    if (first < last) parts.push({ records: part.records, from: part.from + first, to: part.from + last })
    base += count
  }
  return makeParcel(parts)
}

/** The part and the row in its records of record `index`. */
export function locate(parcel: Parcel, index: number): { records: Records; row: number } {
  let base = 0
  for (const part of parcel.parts) {
    const count = part.to - part.from
    if (index < base + count) return { records: part.records, row: part.from + index - base }
    base += count
  }
  throw new RangeError(`record ${index} of a parcel of ${base}`)
}

/** How many records before `row` share its offset: the last component of a record's identity. */
export function indexWithin(records: Records, row: number): number {
  const { offsets, within } = records
  if (within !== undefined) return within[row]!
  let n = 0
  while (n < row && offsets[row - n - 1] === offsets[row]) n++
  return n
}

/** `id-offset`, or `id-offset.k` for the records after the first of one offset; '' when the source has no identity. */
export function recordId(records: Records, row: number): string {
  if (records.given !== undefined) return records.given[row]!.id
  const { id } = records.batch.source
  if (id === '') return ''
  const within = indexWithin(records, row)
  return `${id}-${records.offsets[row]}${within === 0 ? '' : `.${within}`}`
}
