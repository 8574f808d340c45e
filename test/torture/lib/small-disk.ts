// Disks that fail: a tmpfs of a few kilobytes that can be filled and made read-only, and system calls that strace breaks.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from '../../../src/core/errors.ts'
import { run, until } from '../../lib/real/process.ts'

export interface SmallDisk {
  /** Takes all room there is. */
  fill(): void
  /** Gives it back. */
  free(): void
  /** Only possible while nobody has a file on it open for writing. */
  readOnly(): Promise<void>
  writable(): Promise<void>
}

/** Mounts a disk of so many KiB at `path` while `body` runs. Needs root. */
export async function onSmallDisk(path: string, kib: number, body: (disk: SmallDisk) => Promise<void>): Promise<void> {
  mkdirSync(path, { recursive: true })
  await run(['mount', '-t', 'tmpfs', '-o', `size=${kib}k,mode=755`, 'yarder-test', path])
  const filler = join(path, 'filler')
  try {
    await body({
      fill: () => fill(filler),
      free: () => rmSync(filler, { force: true }),
      readOnly: async () => void (await run(['mount', '-o', 'remount,ro', path])),
      writable: async () => void (await run(['mount', '-o', 'remount,rw', path]))
    })
  } finally {
    // Lazily: a test that failed leaves an agent that still has files open.
    await run(['umount', '-l', path])
  }
}

function fill(path: string): void {
  const fd = openSync(path, 'a')
  try {
    for (const size of [65_536, 4096, 1]) {
      const zeros = Buffer.alloc(size)
      try {
        for (;;) writeSync(fd, zeros)
      } catch (error) {
        if (errnoOf(error) !== 'ENOSPC') throw error
      }
    }
  } finally {
    closeSync(fd)
  }
}

export interface Broken {
  /** Such as `pwrite64,fsync`; sockets and the loop itself are hit as well unless `path` is given. */
  readonly calls: string
  readonly errno: string
  /** Only calls on this file. */
  readonly path?: string
}

let logs = 0

/** Makes system calls of a process fail until the answer is called. Needs strace and the right to trace. */
export async function breakCalls(
  pid: number,
  folder: string,
  { calls, errno, path }: Broken
): Promise<() => Promise<void>> {
  const log = join(folder, `strace-${++logs}`)
  const only = path === undefined ? [] : ['-P', path]
  const what = ['-e', `trace=${calls}`, '-e', `inject=${calls}:error=${errno}`, ...only]
  const child = spawn('strace', ['-f', '-qq', '-o', log, ...what, '-p', `${pid}`], { stdio: 'ignore' })
  await once(child, 'spawn')
  const ended = once(child, 'exit')
  await until('strace to attach', () => existsSync(log))
  return async () => {
    // It lets go of the process, which runs on.
    child.kill('SIGINT')
    await ended
  }
}

/** For `needs`: strace may trace here. */
export async function mayTrace(): Promise<string | undefined> {
  return run(['strace', '-qq', '-o', '/dev/null', 'true']).then(
    () => undefined,
    (error: unknown) => `needs strace and the right to trace: ${String(error)}`
  )
}

/** For `needs`: small disks may be mounted here. */
export async function mayMount(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs root'
  return run(['unshare', '-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).then(
    () => undefined,
    (error: unknown) => `needs the right to mount: ${String(error)}`
  )
}
