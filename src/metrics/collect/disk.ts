// What disks do, operations apart from bytes: /proc/diskstats (proc_diskstats(5), Linux' admin-guide/iostats).
import { Bound } from './samples.ts'
import type { Into } from './samples.ts'
import { matcher, namesIn, textOf } from './source.ts'

/** Sectors are told in this unit whatever the disk has. */
const SECTOR = 512
const MILLISECONDS = 1000

interface Options {
  readonly proc: string
  readonly sys: string
  readonly exclude_disks: readonly string[]
  readonly max_series: number
}

/** Whole disks: a partition's numbers are in those of its disk. */
export function createDisk(o: Options): (into: Into) => Promise<void> {
  const excluded = matcher(o.exclude_disks)
  const bound = new Bound(o.max_series)
  return async into => {
    // A slash in the name of a device stands as an exclamation mark there.
    const whole = new Set(namesIn(o.sys, 'block').map(name => name.replaceAll('!', '/')))
    const lines = (textOf(o.proc, 'diskstats') ?? '').split('\n').map(line => line.trim().split(/\s+/).slice(2))
    const disks = lines.filter(([name = '']) => whole.has(name) && !excluded(name))
    await bound.walk(
      disks,
      ([device = '']) => ({ device }),
      into,
      ([, ...text], into) => {
        const [reads, , read, readMs, writes, , written, writeMs, inFlight, busyMs, waitMs] = text.map(Number)
        const count = (name: string, help: string, value = NaN): void => into.counter(`disk_${name}_total`, help, value)
        count('reads', 'Reads that a disk has done.', reads)
        count('writes', 'Writes that a disk has done.', writes)
        count('read_bytes', 'Bytes read from a disk.', read! * SECTOR)
        count('written_bytes', 'Bytes written to a disk.', written! * SECTOR)
        count('read_seconds', 'Time that all reads took, added up.', readMs! / MILLISECONDS)
        count('write_seconds', 'Time that all writes took, added up.', writeMs! / MILLISECONDS)
        count('busy_seconds', 'Time in which a disk had something to do.', busyMs! / MILLISECONDS)
        count('waited_seconds', 'Time that all operations together waited and took.', waitMs! / MILLISECONDS)
        into.gauge('disk_in_flight', 'Operations that a disk is asked for now.', inFlight ?? NaN)
      }
    )
  }
}
