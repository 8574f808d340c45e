// What has become of a parcel so far, over all the requests that it takes.
import type { Rejected, Sent } from '../../core/component.ts'
import { describe, YarderError } from '../../core/errors.ts'

export interface Result extends Sent {
  readonly retry: number[]
  readonly rejected: Rejected[]
  duplicates: number
  reason: string
  retryAfterMs: number | undefined
  overloaded: boolean
}

export const nothingYet = (): Result => ({
  retry: [],
  rejected: [],
  duplicates: 0,
  reason: '',
  retryAfterMs: undefined,
  overloaded: false
})

/** Takes down why the rest of a parcel is to be sent again. */
export function takeDown(out: Result, error: unknown): void {
  const known = error instanceof YarderError ? error : undefined
  out.reason = describe(error)
  out.retryAfterMs = known?.retryAfterMs
  out.overloaded ||= known?.overloaded === true
}
