// How full file systems are, in space and inodes, and whether they can be written: mountinfo and statfs(2).
import { statfs as systemStatfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { hostMounts } from '../../core/mounts.ts'
import type { HostMount } from '../../core/mounts.ts'
import { Bound } from './samples.ts'
import type { Into } from './samples.ts'
import { matcher } from './source.ts'

/** One that does not answer in this time is one that hangs. */
const PATIENCE_MS = 1000
/** Node has 4 threads for files; a file system that hangs keeps one of them for as long as it hangs. */
const MAX_HANGING = 2

/** Blocks and inodes as statfs(2) tells them. */
export interface Space {
  readonly bsize: number
  readonly blocks: number
  readonly bfree: number
  readonly bavail: number
  readonly files: number
  readonly ffree: number
}

export type Statfs = (path: string) => Promise<Space>

interface Options {
  readonly proc: string
  readonly rootfs: string
  readonly exclude_filesystems: readonly string[]
  readonly exclude_mounts: readonly string[]
  readonly max_series: number
}

export function createFilesystem(
  o: Options,
  { clock, statfs = systemStatfs }: { readonly clock: Clock; readonly statfs?: Statfs | undefined }
): (into: Into) => Promise<void> {
  const isExcludedType = matcher(o.exclude_filesystems)
  const isExcludedMount = matcher(o.exclude_mounts)
  const bound = new Bound(o.max_series)
  const hanging = new Set<string>()

  /** Undefined when it fails or hangs; one that hangs is asked again once it has answered. */
  async function ask(point: string): Promise<Space | undefined> {
    if (hanging.has(point) || hanging.size >= MAX_HANGING) return undefined
    hanging.add(point)
    const answer = statfs(join(o.rootfs, point))
      .catch(() => undefined)
      .finally(() => hanging.delete(point))
    const patience = new AbortController()
    try {
      return await Promise.race([answer, clock.wait(PATIENCE_MS, patience.signal).then(() => undefined)])
    } finally {
      patience.abort()
    }
  }

  return into =>
    bound.walk(wanted(hostMounts(o.proc)), labelsOf, into, async (mount, into) => {
      const space = await ask(mount.point)
      const gauge = (name: string, help: string, value: number): void => into.gauge(`filesystem_${name}`, help, value)
      gauge('device_error', 'Whether a file system could not be asked, or did not answer.', space === undefined ? 1 : 0)
      gauge('readonly', 'Whether a file system is mounted read-only.', mount.readOnly ? 1 : 0)
      if (space === undefined) return
      const { bsize, blocks, bfree, bavail, files, ffree } = space
      gauge('size_bytes', 'Size of a file system.', blocks * bsize)
      gauge('free_bytes', 'Free space of a file system, also what only root may fill.', bfree * bsize)
      gauge('available_bytes', 'Free space of a file system for all.', bavail * bsize)
      // Without a fixed number of inodes (btrfs, vfat) there is nothing to run out of.
      if (files === 0) return
      gauge('inodes', 'Inodes of a file system: how many files it can hold.', files)
      gauge('inodes_free', 'Inodes of a file system that are free.', ffree)
    })

  /** One a mount point: what was mounted last covers what was there. */
  function wanted(mounts: readonly HostMount[]): HostMount[] {
    const seen = new Map(mounts.map(mount => [mount.point, mount]))
    return [...seen.values()].filter(mount => !isExcludedType(mount.type) && !isExcludedMount(mount.point))
  }
}

const labelsOf = ({ point, source, type }: HostMount): Record<string, string> => ({
  mountpoint: point,
  device: source,
  fstype: type
})
