// What is mounted where, from /proc/PID/mountinfo (proc_pid_mountinfo(5)).
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Mount {
  /** Where it is mounted. */
  readonly point: string
  /** What of which file system is shown there: its device's numbers, and a path in it. */
  readonly device: string
  readonly root: string
  /** `ext4`, `tmpfs`, … */
  readonly type: string
  /** The device, or what stands for one. */
  readonly source: string
  /** Options of the mount and of its file system; `ro` when either is read-only. */
  readonly options: ReadonlySet<string>
  /** Whether the file system itself is read-only, and not only seen so from here. */
  readonly sealed: boolean
}

/** Blanks and the like stand as `\040` in it. */
const plain = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))

/** In the order they were mounted: of two at one place, the later one is seen. */
export function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap(line => {
    // `36 35 98:0 /root /point rw,noatime master:1 - ext4 /dev/sda1 rw,errors=continue`
    const [before = '', after = ''] = line.split(' - ', 2)
    const [, , device = '', root = '', point, options = ''] = before.split(' ')
    const [type = '', source = '', superOptions = ''] = after.split(' ')
    if (point === undefined) return []
    const all = [...options.split(','), ...superOptions.split(',')]
    const readOnly = all.includes('ro')
    return [
      {
        point: plain(point),
        device,
        root: plain(root),
        type,
        source: plain(source),
        options: new Set(all.filter(o => o !== 'rw' && o !== '').concat(readOnly ? [] : ['rw'])),
        sealed: superOptions.split(',').includes('ro')
      }
    ]
  })
}

/** The mount that a path lies in. */
export function mountOf<M extends Mount>(mounts: readonly M[], path: string): M | undefined {
  let found: M | undefined
  for (const mount of mounts) {
    const below = mount.point === '/' || path === mount.point || path.startsWith(`${mount.point}/`)
    if (below && mount.point.length >= (found?.point.length ?? 0)) found = mount
  }
  return found
}

/** A mount as the host has it. */
export interface HostMount extends Mount {
  readonly readOnly: boolean
}

/**
 * What the host has mounted, as its first process sees it: a service in a sandbox (`ProtectSystem=`) sees everything
 * read-only, and mounts that nobody else has. Where that process is hidden it is what the agent sees itself, and then
 * only the file system can say that it is read-only. `proc` is where the kernel shows its numbers.
 */
export function hostMounts(proc: string): HostMount[] {
  try {
    const mounts = parseMounts(readFileSync(join(proc, '1/mountinfo'), 'utf8'))
    return mounts.map(mount => ({ ...mount, readOnly: mount.options.has('ro') }))
  } catch {
    const mounts = parseMounts(readFileSync(join(proc, 'self/mountinfo'), 'utf8'))
    return mounts.map(mount => ({ ...mount, readOnly: mount.sealed }))
  }
}
