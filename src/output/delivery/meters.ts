// The numbers of one output.
import type { Instruments } from '../../core/instruments.ts'
import type { HealthState } from './health.ts'

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 90]

export interface Meters {
  sent(records: number, bytes: number, duplicates: number): void
  retried(records: number, reason: string): void
  /** `status` as the destination gave it; only the classes of HTTP become labels. */
  rejected(status: number | undefined): void
  /** Left out on purpose, since the queue was full. */
  dropped(records: number): void
  /** Not for this output, by `when` or `level`. */
  filtered(records: number): void
  took(ms: number): void
  state(state: HealthState, all: readonly HealthState[]): void
  success(nowMs: number): void
  /** A request, or an attempt to connect, that brought nothing: why. */
  failed(reason: string): void
  /** Takes its series out again. */
  close(): void
}

export function outputMeters(
  i: Instruments,
  name: string,
  read: () => { inFlight: number; limit: number; queueBytes: number; unacknowledged: number; oldestAgeMs: number }
): Meters {
  const own = ['output']
  const why = ['output', 'reason']
  const sent = i.counter('yarder_output_sent_total', 'Records the destination has acknowledged.', own)
  const bytes = i.counter('yarder_output_sent_bytes_total', 'Bytes of the documents it has acknowledged.', own)
  const duplicates = i.counter('yarder_output_duplicates_total', 'Acknowledged records it had already.', own)
  const retried = i.counter('yarder_output_retried_total', 'Records to be sent again, by reason.', why)
  const rejected = i.counter('yarder_output_rejected_total', 'Records refused for good, by status.', why)
  const dropped = i.counter(
    'yarder_output_dropped_total',
    'Records left out since the queue was full (`when_full`).',
    own
  )
  const filtered = i.counter(
    'yarder_output_filtered_total',
    'Records that are not for this output (`when`, `level`).',
    own
  )
  const failures = i.counter(
    'yarder_output_failures_total',
    'Requests and attempts to connect that brought nothing, by errno or kind.',
    why
  )
  const unacknowledged = i.gauge('yarder_output_unacknowledged', 'Records taken over and not acknowledged.', own)
  const oldest = i.gauge('yarder_output_oldest_age_seconds', 'Age of the oldest record that is not acknowledged.', own)
  const inFlight = i.gauge('yarder_output_in_flight', 'Requests under way.', own)
  const limit = i.gauge(
    'yarder_output_in_flight_limit',
    'Requests that may be under way: `in_flight`, and fewer while the destination has too much to do or is down.',
    own
  )
  const queue = i.gauge('yarder_output_queue_bytes', 'Bytes of records taken over and not acknowledged.', own)
  const success = i.gauge('yarder_output_last_success_timestamp_seconds', 'When it last acknowledged something.', own)
  const states = i.gauge('yarder_output_state', 'The state of the output: 1 for the one it is in.', ['output', 'state'])
  const seconds = i.histogram('yarder_output_send_seconds', 'Duration of a request.', own, SECONDS)
  const known = new Set<string>()
  sent.add(0, name)
  const forget = i.beforeScrape(() => {
    const now = read()
    inFlight.set(now.inFlight, name)
    limit.set(now.limit, name)
    queue.set(now.queueBytes, name)
    unacknowledged.set(now.unacknowledged, name)
    oldest.set(now.oldestAgeMs / 1000, name)
  })
  return {
    sent(records, size, again) {
      sent.add(records, name)
      bytes.add(size, name)
      if (again > 0) duplicates.add(again, name)
    },
    retried: (records, reason) => retried.add(records, name, reason),
    rejected: status =>
      rejected.add(1, name, status !== undefined && status >= 400 && status < 600 ? `${status}` : 'other'),
    dropped: records => dropped.add(records, name),
    filtered: records => filtered.add(records, name),
    took: ms => seconds.observe(ms / 1000, name),
    state(state, all) {
      for (const s of all) {
        known.add(s)
        states.set(s === state ? 1 : 0, name, s)
      }
    },
    failed: reason => failures.add(1, name, reason),
    success: nowMs => success.set(nowMs / 1000, name),
    close() {
      forget()
      for (const gauge of [inFlight, limit, queue, unacknowledged, oldest, success]) gauge.remove(name)
      for (const s of known) states.remove(name, s)
    }
  }
}
