// What a delivery needs to know of an output's options, with defaults for outputs that lack them (stdout, a file).
import { choice, optional, rate } from '../../core/field.ts'
import type { Values } from '../../core/field.ts'
import type { Rate } from '../../core/rate.ts'
import { deadLetterField } from '../dead-letter/options.ts'
import type { DeadLetterOptions } from '../dead-letter/options.ts'
import { selectionFields } from './selection.ts'

/** Options that every output takes besides its own. */
export const outputCommonFields = {
  when_full: choice(
    ['detach', 'block', 'drop_oldest', 'drop_newest'],
    'When records wait for an output that is slow or down: `detach` lets the other outputs go on and reads the files ' +
      'again for this one later; `block` makes the inputs wait for it; `drop_oldest` and `drop_newest` leave records ' +
      'out, counted. With one output, or where nothing can be read again (standard input), `detach` waits too.',
    { default: 'detach' }
  ),
  rate_limit: optional(
    rate(
      'The output gets no more than this: records or bytes in a second, minute or hour; what a second gives may go at once after a pause. The rest waits in the files.',
      {
        example: '5000/s'
      }
    )
  ),
  dead_letter: deadLetterField,
  ...selectionFields
}
export type OutputCommon = Values<typeof outputCommonFields>
export type WhenFull = OutputCommon['when_full']

export interface DeliveryOptions {
  /** Waits between tries, milliseconds: the first, and the longest. */
  readonly backoff: { readonly init: number; readonly max: number }
  /** Bounds of one parcel; `timeout` is how long a record waits for others, milliseconds. */
  readonly batch: { readonly max_events: number; readonly max_bytes: number; readonly timeout: number }
  /** Sends at the same time. */
  readonly in_flight: number
  /** Bytes of records taken over and not yet acknowledged; past it, `offer` waits. */
  readonly queue_bytes: number
  /** The same in records. */
  readonly queue_events?: number
  readonly when_full?: WhenFull
  readonly rate_limit?: Rate | undefined
  readonly dead_letter?: DeadLetterOptions | undefined
}

const MIB = 1024 * 1024

/** Picks them from any output's checked options. */
export function deliveryOptions(
  values: Readonly<Record<string, unknown>>,
  common?: Readonly<OutputCommon>
): DeliveryOptions {
  const given = values as Partial<DeliveryOptions>
  const backoff = given.backoff ?? { init: 1000, max: 60_000 }
  // Without a `batch` option the destination is on this host: what came in during one write goes into the next.
  const batch = given.batch ?? { max_events: 5000, max_bytes: 4 * MIB, timeout: 0 }
  const in_flight = given.in_flight ?? 1
  // Each request under way, and one being gathered.
  const queue_bytes = given.queue_bytes ?? (in_flight + 1) * batch.max_bytes
  const queue_events = given.queue_events ?? (in_flight + 1) * batch.max_events
  const { when_full = 'block', rate_limit, dead_letter } = common ?? {}
  return { backoff, batch, in_flight, queue_bytes, queue_events, when_full, rate_limit, dead_letter }
}
