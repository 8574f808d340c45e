// Notices that files of the configuration changed, for `agent.watch_config`. A hint: SIGHUP is the sure way.
import { readdirSync, statSync, watch } from 'node:fs'
import type { BigIntStats, FSWatcher } from 'node:fs'
import { dirname, join } from 'node:path'
import { dropInDir, isDropIn } from './load.ts'

/** Editors and package managers write in several steps; only what stands this long is read. */
const SETTLE_MS = 300

/**
 * Calls `onChange` a moment after the main file, a drop-in (also one that is new or gone) or one of `reads` was
 * replaced or written. Directories are watched, not files, since files are mostly replaced. Ends with `signal`.
 */
export function watchConfig(
  main: string,
  reads: readonly string[],
  onChange: () => void,
  signal: AbortSignal,
  settleMs: number = SETTLE_MS
): void {
  const watched = new Map<string, { readonly watcher: FSWatcher; readonly inode: string }>()
  let timer: NodeJS.Timeout | undefined
  let seen = stamp(main, reads)
  const look = (): void => {
    attach()
    const now = stamp(main, reads)
    if (now === seen) return
    seen = now
    onChange()
  }
  const soon = (): void => {
    clearTimeout(timer)
    timer = setTimeout(look, settleMs)
    timer.unref()
  }
  const drop = (dir: string): void => {
    watched.get(dir)?.watcher.close()
    watched.delete(dir)
  }
  /** A directory that is missing or was replaced (conf.d) is found when its parent changes. */
  const attach = (): void => {
    for (const dir of new Set([dirname(main), dropInDir(main), ...reads.map(file => dirname(file))])) {
      const inode = identity(dir)
      if (watched.get(dir)?.inode === inode) continue
      drop(dir)
      if (inode === '') continue
      try {
        const watcher = watch(dir, { persistent: false }, soon)
        watcher.on('error', () => drop(dir))
        watched.set(dir, { watcher, inode })
      } catch {
        // Gone again, or the system has no watches left: SIGHUP does without.
      }
    }
  }
  const stop = (): void => {
    clearTimeout(timer)
    for (const dir of watched.keys()) drop(dir)
  }
  if (signal.aborted) return
  signal.addEventListener('abort', stop, { once: true })
  attach()
}

function stat(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true })
  } catch {
    return undefined
  }
}

function identity(path: string): string {
  const s = stat(path)
  return s === undefined ? '' : `${s.dev}:${s.ino}`
}

/** Differs when a file was written, replaced, added or removed. */
function stamp(main: string, reads: readonly string[]): string {
  const dir = dropInDir(main)
  let names: string[] = []
  try {
    names = readdirSync(dir).filter(isDropIn).sort()
  } catch {
    // No drop-ins.
  }
  const files = [main, ...names.map(name => join(dir, name)), ...reads]
  return files.map(file => [file, identity(file), stat(file)?.size, stat(file)?.mtimeNs].join(' ')).join('\n')
}
