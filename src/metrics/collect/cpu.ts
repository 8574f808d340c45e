// Where the time of the processors went, and what the scheduler does: /proc/stat (proc_stat(5)).
import type { Into } from './samples.ts'
import { textOf } from './source.ts'

/** USER_HZ, in which Linux tells times on every machine that Node runs on. */
const TICKS = 100
/** Guests are in `user` and `nice` already. */
const MODES = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal']
/** Further back than this it is a new count (a processor was taken away), and less is the kernel's own inexactness. */
const SLACK_SECONDS = 3

export function createCpu({ proc }: { readonly proc: string }): (into: Into) => void {
  const last = new Map<string, number>()

  /** `idle` and `iowait` of Linux fall a little now and then, which readers of a counter take for a restart. */
  function neverBack(mode: string, seconds: number): number {
    const before = last.get(mode) ?? 0
    const shown = seconds < before && before - seconds < SLACK_SECONDS ? before : seconds
    last.set(mode, shown)
    return shown
  }

  return into => {
    const lines = (textOf(proc, 'stat') ?? '').split('\n')
    const numbersOf = (name: string): number[] =>
      (lines.find(line => line.startsWith(`${name} `)) ?? '')
        .split(/\s+/)
        .slice(1, MODES.length + 1)
        .map(Number)
    for (const [i, ticks] of numbersOf('cpu').entries())
      into.counter(
        'cpu_seconds_total',
        'Time of all processors together, by what they did.',
        neverBack(MODES[i]!, ticks / TICKS),
        {
          mode: MODES[i]!
        }
      )
    into.gauge('cpus', 'Processors that are in use.', lines.filter(line => /^cpu\d/.test(line)).length)
    const one = (name: string): number => numbersOf(name)[0] ?? NaN
    into.counter('context_switches_total', 'Times that a processor went to another task.', one('ctxt'))
    into.counter('forks_total', 'Processes and threads that were started.', one('processes'))
    into.gauge('tasks_running', 'Tasks that run or could.', one('procs_running'))
    into.gauge('tasks_blocked', 'Tasks that wait for a disk.', one('procs_blocked'))
    into.gauge('boot_time_seconds', 'When the host was started, seconds since the epoch.', one('btime'))
  }
}
