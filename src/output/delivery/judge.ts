// What a destination's answer means for each record of the request.
import type { Parcel, Rejected, Sent } from '../../core/component.ts'
import { bytesOf } from './queue.ts'
import type { Held, Run } from './queue.ts'

/** What an answer means for the records of the runs that were sent. */
export interface Outcome {
  readonly delivered: ReadonlyArray<readonly [held: Held, records: number]>
  readonly deliveredCount: number
  readonly deliveredBytes: number
  readonly retry: readonly Run[]
  readonly retryCount: number
  readonly rejected: ReadonlyArray<{ readonly held: Held; readonly row: number; readonly why: Rejected }>
}

const DELIVERED = 0
const RETRY = 1
const REJECTED = 2

/** Sorts the records of a parcel by the answer to it. */
export function judge(runs: readonly Run[], parcel: Parcel, sent: Sent): Outcome {
  if (sent.retry.length === 0 && sent.rejected.length === 0) {
    return {
      delivered: runs.map(run => [run.held, run.to - run.from]),
      deliveredCount: parcel.count,
      deliveredBytes: parcel.bytes,
      retry: [],
      retryCount: 0,
      rejected: []
    }
  }
  const marks = new Uint8Array(parcel.count)
  for (const index of sent.retry) marks[index] = RETRY
  const reasons = new Map<number, Rejected>()
  for (const why of sent.rejected) {
    marks[why.index] = REJECTED
    reasons.set(why.index, why)
  }
  const delivered: Array<[Held, number]> = []
  const retry: Run[] = []
  const rejected: Array<{ held: Held; row: number; why: Rejected }> = []
  let base = 0
  let [deliveredCount, deliveredBytes, retryCount] = [0, 0, 0]
  for (const { held, from, to } of runs) {
    let good = 0
    for (let row = from; row < to;) {
      const mark = marks[base + row - from]
      let end = row + 1
      while (end < to && marks[base + end - from] === mark) end++
      const run = { held, from: row, to: end }
      if (mark === DELIVERED) {
        good += end - row
        deliveredBytes += bytesOf(run)
      } else if (mark === RETRY) {
        retry.push(run)
        retryCount += end - row
      } else for (let r = row; r < end; r++) rejected.push({ held, row: r, why: reasons.get(base + r - from)! })
      row = end
    }
    if (good > 0) delivered.push([held, good])
    deliveredCount += good
    base += to - from
  }
  return { delivered, deliveredCount, deliveredBytes, retry, retryCount, rejected }
}
