// How many tasks run or wait to, as the kernel averages it: /proc/loadavg (proc_loadavg(5)).
import type { Into } from './samples.ts'
import { textOf } from './source.ts'

export const createLoad =
  ({ proc }: { readonly proc: string }) =>
  (into: Into): void => {
    const [one, five, fifteen] = (textOf(proc, 'loadavg') ?? '').split(' ').map(Number)
    into.gauge('load1', 'Load averaged over a minute.', one ?? NaN)
    into.gauge('load5', 'Load averaged over 5 minutes.', five ?? NaN)
    into.gauge('load15', 'Load averaged over 15 minutes.', fifteen ?? NaN)
  }
