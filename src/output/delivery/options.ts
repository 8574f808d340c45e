// What a delivery needs to know of an output's options, with defaults for outputs that lack them (stdout, a file).

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
}

const MIB = 1024 * 1024

/** Picks them from any output's checked options. */
export function deliveryOptions(values: Readonly<Record<string, unknown>>): DeliveryOptions {
  const given = values as Partial<DeliveryOptions>
  const backoff = given.backoff ?? { init: 1000, max: 60_000 }
  // Without a `batch` option the destination is on this host: what came in during one write goes into the next.
  const batch = given.batch ?? { max_events: 5000, max_bytes: 4 * MIB, timeout: 0 }
  const in_flight = given.in_flight ?? 1
  // Each request under way, and one being gathered.
  const queue_bytes = given.queue_bytes ?? (in_flight + 1) * batch.max_bytes
  const queue_events = given.queue_events ?? (in_flight + 1) * batch.max_events
  return { backoff, batch, in_flight, queue_bytes, queue_events }
}
