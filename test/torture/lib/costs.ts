// What a process holds: descriptors and memory, before a fault and after it.
import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { until } from '../../lib/real/process.ts'

export interface Costs {
  readonly fds: number
  /** Descriptors of regular files by path, `… (deleted)` where the file has no name any more. */
  readonly files: readonly string[]
  /** Resident memory, bytes. */
  readonly rss: number
}

/** What the process holds now. */
export function costsOf(pid: number): Costs {
  let fds = 0
  const files: string[] = []
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const target = readlinkSync(`/proc/${pid}/fd/${fd}`)
      fds++
      if (target.startsWith('/') && !target.startsWith('/dev/')) files.push(target)
    } catch {
      // Closed meanwhile.
    }
  }
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return { fds, files: files.toSorted(), rss: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024 }
}

/**
 * Waits until the process holds no more than `before` plus the given slack, and answers what it holds then; rejects with
 * the names of what is still open. A garbage collector gives memory back when it likes, hence the generous default.
 */
export async function backTo(
  pid: number,
  before: Costs,
  slack: { fds?: number; rss?: number; timeoutMs?: number } = {}
): Promise<Costs> {
  const { fds = 2, rss = 64 * 1024 * 1024, timeoutMs = 60_000 } = slack
  let now = costsOf(pid)
  try {
    return await until(
      'descriptors and memory to be back',
      () => {
        now = costsOf(pid)
        return now.fds <= before.fds + fds && now.rss <= before.rss + rss && now
      },
      timeoutMs
    )
  } catch (error) {
    const extra = now.files.filter(file => !before.files.includes(file)).slice(0, 20)
    const sums = `${before.fds} → ${now.fds} descriptors, ${mib(before.rss)} → ${mib(now.rss)} MiB`
    throw new Error(`${sums}; open: ${extra.join(', ')}`, { cause: error })
  }
}

const mib = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1)
