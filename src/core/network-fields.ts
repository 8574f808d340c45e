// The options that every network output has, under the same names and with the same defaults.
import { duration, integer, object, size } from './field.ts'
import { tls } from './tls-files.ts'

export const backoff = object(
  {
    init: duration('The wait after the first failure, before jitter.', { default: '1s', min: '10ms', max: '1h' }),
    max: duration('Waits double up to this.', { default: '60s', min: '10ms', max: '1h' })
  },
  'How long to wait between tries: doubling, with full jitter, for ever.',
  { default: {} }
)

export const batch = object(
  {
    max_events: integer('A request carries at most this many records.', { default: 2000, min: 1, max: 100_000 }),
    max_bytes: size('A request carries at most this many bytes of documents; one record always fits.', {
      default: '5MiB',
      min: '1KiB',
      max: '95MiB'
    }),
    timeout: duration('A record waits at most this long for others.', { default: '1s', max: '1m' })
  },
  'How records are gathered into requests.',
  { default: {} }
)

export const networkFields = {
  timeout: duration('A request without a whole answer by then has failed.', {
    default: '90s',
    min: '100ms',
    max: '1h'
  }),
  tls,
  backoff,
  batch,
  in_flight: integer(
    'At most this many requests, and connections to each host, at the same time. While the destination says that it has too much to do (429), fewer: half at each time, one more again after some good answers.',
    {
      default: 2,
      min: 1,
      max: 16
    }
  )
}
