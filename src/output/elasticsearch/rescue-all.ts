// Sends what was refused for a field once more without it, and again for the next field that is named.
import type { Parcel, Rejected } from '../../core/component.ts'
import { conflictOf, MAX_FIELDS, moveAside, parcelOf, rescueOf } from './rescue.ts'
import type { Rescue } from './rescue.ts'
import { takeDown } from './result.ts'
import type { Result } from './result.ts'

/**
 * Changes `out` by what becomes of the records that it has as refused; what fares no better stays refused, with its own
 * document. `onTaken` hears how many were stored. Never rejects: what `send` could not bring over is to be sent again.
 */
export async function rescueAll(
  parcel: Parcel,
  out: Result,
  send: (parcel: Parcel) => Promise<Result>,
  onTaken: (records: number) => void
): Promise<void> {
  let open: Rescue[] = []
  const judge = (rejected: Rejected, known?: Rescue): void => {
    const field = conflictOf(rejected.status, rejected.reason)
    const rescue =
      field === undefined ? undefined : (known ?? rescueOf(parcel, rejected.index, rejected.id!, rejected.target!))
    if (rescue !== undefined && moveAside(rescue.document, field!)) open.push(rescue)
    else out.rejected.push(rejected)
  }
  for (const rejected of out.rejected.splice(0)) judge(rejected)
  for (let round = 1; open.length > 0; round++) {
    const sent = open
    open = []
    try {
      const result = await send(parcelOf(sent, parcel.parts[0]!.records.batch))
      for (const index of result.retry) out.retry.push(sent[index]!.index)
      for (const r of result.rejected) {
        const rejected = { ...r, index: sent[r.index]!.index }
        if (round < MAX_FIELDS) judge(rejected, sent[r.index])
        else out.rejected.push(rejected)
      }
      out.duplicates += result.duplicates
      out.overloaded ||= result.overloaded
      out.retryAfterMs ??= result.retryAfterMs
      if (out.reason === '') out.reason = result.reason
      const taken = sent.length - result.retry.length - result.rejected.length
      if (taken > 0) onTaken(taken)
    } catch (error) {
      for (const { index } of sent) out.retry.push(index)
      takeDown(out, error)
      return
    }
  }
}
