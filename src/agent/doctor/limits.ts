// Limits of the kernel against what the configuration needs: descriptors, and places to be told of changes.
import { mkdtempSync, readFileSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errnoOf } from '../../core/errors.ts'
import { dropIn, findingsOf } from './finding.ts'
import type { Finding } from './finding.ts'

const { ok, warning, problem } = findingsOf('limits')

/** Descriptors besides those of log files: state, sockets, the runtime's own. */
const OTHERS = 100

export interface Needs {
  /** Sum of `max_open_files`, and how many files there are now. */
  readonly mayOpen: number
  readonly files: number
  /** Folders that are watched. */
  readonly folders: number
}

/** `installed` is the service's LimitNOFILE; undefined takes the limit of this process. */
export function limitFindings(needs: Needs, installed: string | undefined, proc = '/proc'): Finding[] {
  return [descriptors(needs, installed, proc), watches(needs, proc), instances(proc)]
}

function descriptors({ mayOpen, files }: Needs, installed: string | undefined, proc: string): Finding {
  const limit = Number(
    installed ?? /^Max open files\s+(\d+)/m.exec(readFileSync(join(proc, 'self/limits'), 'utf8'))?.[1]
  )
  const now = Math.min(files, mayOpen) + OTHERS
  const mend = dropIn('files', `LimitNOFILE=${2 ** Math.ceil(Math.log2(mayOpen + OTHERS))}`)
  // systemd says `infinity` in words.
  if (!Number.isFinite(limit) || mayOpen + OTHERS <= limit)
    return ok(
      `${Number.isFinite(limit) ? limit : 'any number of'} files may be open, ${mayOpen + OTHERS} at most are needed`
    )
  const text = `only ${limit} files may be open, and the inputs would open up to ${mayOpen} (${files} are there now)`
  return now > limit ? problem(text, mend) : warning(text, mend)
}

function watches({ folders }: Needs, proc: string): Finding {
  const most = kernelNumber(proc, 'fs/inotify/max_user_watches')
  // Others of the same user watch, too.
  if (most === undefined || folders * 2 <= most)
    return ok(`${most ?? 'an unknown number of'} folders can be watched, ${folders} are`)
  return warning(
    `only ${most} folders can be watched, and ${folders} are to be; changes in others are found by the poll alone`,
    setting('fs.inotify.max_user_watches', Math.max(most * 2, folders * 4))
  )
}

/** Whether one more inotify instance is to be had: the limit counts all processes of the user. */
function instances(proc: string): Finding {
  const most = kernelNumber(proc, 'fs/inotify/max_user_instances')
  const folder = mkdtempSync(join(tmpdir(), 'yarder-doctor-'))
  try {
    watch(folder).close()
    return ok('the kernel tells of changes (inotify)')
  } catch (error) {
    return warning(
      `the kernel tells this user of no changes (${errnoOf(error)}, inotify); files are found and followed by the poll alone`,
      setting('fs.inotify.max_user_instances', Math.max(512, (most ?? 128) * 2))
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const setting = (name: string, value: number): string =>
  `echo '${name} = ${value}' > /etc/sysctl.d/60-yarder-${name.split('_').at(-1)}.conf && sysctl --system`

function kernelNumber(proc: string, name: string): number | undefined {
  try {
    return Number(readFileSync(join(proc, 'sys', name), 'utf8'))
  } catch {
    return undefined
  }
}
