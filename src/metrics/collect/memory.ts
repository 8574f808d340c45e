// Memory and swap: /proc/meminfo and /proc/vmstat (proc_meminfo(5)).
import type { Into } from './samples.ts'
import { textOf, valuesOf } from './source.ts'

const SIZES = [
  ['memory_total_bytes', 'MemTotal', 'Memory of the host.'],
  ['memory_free_bytes', 'MemFree', 'Memory that nothing uses, not even a cache.'],
  ['memory_available_bytes', 'MemAvailable', 'Memory that programs could be given without swapping.'],
  ['memory_buffers_bytes', 'Buffers', 'Memory that holds blocks of disks.'],
  ['memory_cached_bytes', 'Cached', 'Memory that holds content of files.'],
  ['memory_shared_bytes', 'Shmem', 'Memory of tmpfs and of what is shared between programs.'],
  ['memory_reclaimable_bytes', 'SReclaimable', 'Memory of the kernel that it gives back when it is short.'],
  ['memory_dirty_bytes', 'Dirty', 'Memory that waits to be written to a disk.'],
  ['memory_committed_bytes', 'Committed_AS', 'Memory that programs were promised.'],
  ['swap_total_bytes', 'SwapTotal', 'Swap of the host.'],
  ['swap_free_bytes', 'SwapFree', 'Swap that nothing uses.']
] as const

export const createMemory =
  ({ proc }: { readonly proc: string }) =>
  (into: Into): void => {
    const info = new Map((textOf(proc, 'meminfo') ?? '').split('\n').map(line => [line.split(':', 1)[0]!, line]))
    for (const [name, key, help] of SIZES)
      into.gauge(name, help, Number(/(\d+) kB$/.exec(info.get(key) ?? '')?.[1] ?? NaN) * 1024)
    const events = valuesOf(textOf(proc, 'vmstat') ?? '')
    into.counter('swap_in_pages_total', 'Pages of memory read back from swap.', events('pswpin'))
    into.counter('swap_out_pages_total', 'Pages of memory written to swap.', events('pswpout'))
    into.counter('major_page_faults_total', 'Times that a program waited for memory from a disk.', events('pgmajfault'))
    into.counter('oom_kills_total', 'Programs that the kernel killed since memory had run out.', events('oom_kill'))
  }
