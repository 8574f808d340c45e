// What the processes of systemd's units use together, by their control group (Linux' admin-guide/cgroup-v2).
import { join } from 'node:path'
import { Bound } from './samples.ts'
import type { Into } from './samples.ts'
import { matcher, namesIn, numberOf, textOf, valuesOf } from './source.ts'

const MICROSECONDS = 1e6

interface Options {
  readonly sys: string
  readonly units: readonly string[]
  readonly max_series: number
}

interface Unit {
  readonly name: string
  readonly folder: string
}

export function createUnits(o: Options): (into: Into) => Promise<void> {
  const wanted = matcher(o.units)
  const bound = new Bound(o.max_series)

  /** Units are named as their folders; slices hold others. */
  function find(folder: string): Unit[] {
    return namesIn(folder).flatMap(name => {
      if (!/\.(?:service|scope|slice|socket|mount|swap)$/.test(name)) return []
      const own = { name, folder: join(folder, name) }
      return [...(wanted(name) ? [own] : []), ...(name.endsWith('.slice') ? find(own.folder) : [])]
    })
  }

  return async into => {
    if (o.units.length === 0) return
    const root = join(o.sys, 'fs/cgroup')
    if (textOf(root, 'cgroup.controllers') === undefined)
      throw new Error(`${root} holds no control groups of version 2, so units cannot be measured`)
    await bound.walk(
      find(root),
      ({ name }) => ({ unit: name }),
      into,
      ({ folder }, into) => {
        const cpu = valuesOf(textOf(folder, 'cpu.stat') ?? '')
        for (const mode of ['user', 'system'])
          into.counter(
            'unit_cpu_seconds_total',
            'Time of processors that a unit had.',
            cpu(`${mode}_usec`) / MICROSECONDS,
            { mode }
          )
        into.gauge(
          'unit_memory_bytes',
          'Memory that a unit uses, its files in the cache included.',
          numberOf(folder, 'memory.current')
        )
        into.gauge(
          'unit_memory_limit_bytes',
          'Memory that a unit may use (`MemoryMax=`); absent without a limit.',
          numberOf(folder, 'memory.max')
        )
        into.gauge('unit_swap_bytes', 'Swap that a unit uses.', numberOf(folder, 'memory.swap.current'))
        into.gauge('unit_tasks', 'Processes and threads of a unit.', numberOf(folder, 'pids.current'))
        const events = valuesOf(textOf(folder, 'memory.events') ?? '')
        into.counter(
          'unit_oom_kills_total',
          'Processes of a unit that were killed since memory had run out.',
          events('oom_kill')
        )
      }
    )
  }
}
