// How long tasks waited for processors, memory and disks: /proc/pressure (Linux' accounting/psi).
import type { Into } from './samples.ts'
import { textOf } from './source.ts'

const MICROSECONDS = 1e6

export const createPsi =
  ({ proc }: { readonly proc: string }) =>
  (into: Into): void => {
    for (const resource of ['cpu', 'memory', 'io']) {
      const text = textOf(proc, 'pressure', resource)
      const seconds = (who: string): number =>
        Number(new RegExp(`^${who} .*total=(\\d+)`, 'm').exec(text ?? '')?.[1] ?? NaN) / MICROSECONDS
      const labels = { resource }
      into.counter(
        'pressure_waiting_seconds_total',
        'Time in which at least one task waited for it.',
        seconds('some'),
        labels
      )
      // Of the processors as a whole it says nothing: something always runs.
      if (resource !== 'cpu')
        into.counter(
          'pressure_stalled_seconds_total',
          'Time in which every task waited for it.',
          seconds('full'),
          labels
        )
    }
  }
