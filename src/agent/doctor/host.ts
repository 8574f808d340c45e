// The host itself: its clock, the disk under data_dir, the journal, and what the kernel is.
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync, statfsSync } from 'node:fs'
import { release } from 'node:os'
import { dirname, join } from 'node:path'
import { runProgram } from '../../health/program.ts'
import { mountOf, parseMounts } from '../../core/mounts.ts'
import { findingsOf, word } from './finding.ts'
import type { Finding } from './finding.ts'

const MIB = 1024 * 1024
/** Below, positions and dead letters may find no room. */
const LITTLE_BYTES = 64 * MIB
const SCARCE_BYTES = 512 * MIB
/** Before it the clock is surely wrong: this program is younger. */
const BORN = Date.parse('2026-01-01T00:00:00Z')
/** File systems of other machines: SQLite's locks are not to be relied on there, and the kernel tells of no changes. */
const REMOTE = /^(?:nfs|cifs|smb|9p|ceph|glusterfs|fuse\.sshfs|fuse\.s3fs)/

/** Whether records get the right time. */
export async function clockFindings(now: number, signal: AbortSignal): Promise<Finding[]> {
  const { ok, warning, problem } = findingsOf('clock')
  if (now < BORN)
    return [problem(`the clock says ${new Date(now).toISOString()}, which cannot be`, 'timedatectl set-ntp true')]
  const synchronized = await askClock(signal)
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const shown = `${new Date(now).toISOString()}, zone ${zone}`
  if (synchronized === true) return [ok(`${shown}; kept by a time server`)]
  if (synchronized === undefined) return [ok(`${shown}; nobody here could say whether a time server keeps it`)]
  return [
    warning(`${shown}; no time server keeps it, so that records may carry wrong times`, 'timedatectl set-ntp true')
  ]
}

/** timedatectl tells what the kernel knows, whoever keeps the clock; chronyc is asked where there is no systemd. */
async function askClock(signal: AbortSignal): Promise<boolean | undefined> {
  const env = { LC_ALL: 'C' }
  const systemd = await runProgram(['timedatectl', 'show', '-p', 'NTPSynchronized', '--value'], signal, { env }).catch(
    () => undefined
  )
  if (systemd?.code === 0 && /^(?:yes|no)$/m.test(systemd.stdout)) return systemd.stdout.startsWith('yes')
  const chrony = await runProgram(['chronyc', '-n', 'tracking'], signal, { env }).catch(() => undefined)
  if (chrony?.code === 0) return /^Leap status\s*:\s*Normal/m.test(chrony.stdout)
  return undefined
}

/** Room and rights where positions are kept. `service`: the user is that of the installed service. */
export function diskFindings(dataDir: string, user: string, service: boolean, proc = '/proc'): Finding[] {
  const { ok, warning, problem } = findingsOf('disk')
  const there = nearest(dataDir)
  const found: Finding[] = []
  try {
    const { bavail, bsize, files, ffree } = statfsSync(there)
    const free = bavail * bsize
    const text = `${Math.floor(free / MIB)} MiB are free under ${dataDir}`
    const mend = `df -h ${word(there)}`
    found.push(free < LITTLE_BYTES ? problem(text, mend) : free < SCARCE_BYTES ? warning(text, mend) : ok(text))
    if (files > 0 && ffree < 1000)
      found.push(problem(`only ${ffree} inodes are free under ${dataDir}`, `df -i ${word(there)}`))
  } catch (error) {
    found.push(problem(`${there} cannot be looked at: ${(error as Error).message}`, `stat ${word(there)}`))
  }
  const mount = mountOf(parseMounts(read(join(proc, 'self/mountinfo'))), there)
  if (mount?.options.has('ro') === true)
    found.push(
      problem(`${mount.point}, which ${dataDir} lies on, is read-only`, `mount -o remount,rw ${word(mount.point)}`)
    )
  if (mount !== undefined && REMOTE.test(mount.type))
    found.push(
      warning(
        `${dataDir} lies on ${mount.type}, whose locks cannot be relied on; set agent.data_dir to a local disk`,
        `findmnt -T ${word(there)}`
      )
    )
  if (!mayWrite(there)) {
    const owner = statSync(there).uid
    const text = `${user} may not write in ${there} (owner ${owner})`
    if (there !== dataDir) found.push(problem(text, `install -d -m 700 -o ${word(user)} ${word(dataDir)}`))
    else if (service || owner === 0) found.push(problem(text, `chown -R ${word(user)}: ${word(dataDir)}`))
    // To take it from another user would stop an agent of theirs.
    else
      found.push(
        problem(`${text}; it is another user's: set agent.data_dir to a folder of your own`, `ls -ld ${word(dataDir)}`)
      )
  }
  return found
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | (statSync(path).isDirectory() ? constants.X_OK : 0))
    return true
  } catch {
    return false
  }
}

/** Whether an output's file can be written, made if need be. */
export function outputFileFindings(name: string, path: string, user: string): Finding[] {
  const { ok, problem } = findingsOf('outputs')
  const folder = nearest(dirname(path))
  const at = existsSync(path) ? path : folder
  if (mayWrite(at)) return [ok(`${name}: ${path} can be written`)]
  return [
    problem(
      `${name}: ${user} may not write ${at === path ? path : `in ${at}`}`,
      `setfacl -m u:${word(user)}:${at === path ? 'rw' : 'rwx'} ${word(at)}`
    )
  ]
}

/** The folder itself, else the next above it that is there. */
function nearest(path: string): string {
  for (let at = path; ; at = dirname(at)) {
    try {
      if (statSync(at).isDirectory() || at === '/') return at
    } catch (error) {
      // One that can't be entered is there; what is wrong with it is told by who asks for its rights.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || at === '/') return dirname(at) === at ? at : dirname(at)
    }
  }
}

/** Whether the journal can be read; `needed` by an input. */
export function journalFindings(
  user: string,
  needed: boolean,
  folders = ['/var/log/journal', '/run/log/journal']
): Finding[] {
  const { ok, problem } = findingsOf('journal')
  const files = folders.flatMap(folder => journalFiles(folder))
  const readable = files.filter(file => {
    try {
      accessSync(file, constants.R_OK)
      return true
    } catch {
      return false
    }
  })
  if (readable.length > 0) return [ok(`${user} can read the journal of the system`)]
  if (!needed)
    return [
      ok(
        files.length === 0
          ? `no input needs the journal of the system, and none is seen by ${user}`
          : `no input needs the journal of the system, which ${user} may not read`
      )
    ]
  const why = files.length === 0 ? 'there is no journal on this host that could be seen' : 'the journal cannot be read'
  return [problem(`${why} by ${user}`, `usermod -aG systemd-journal ${word(user)} && systemctl restart yarder`)]
}

function journalFiles(folder: string): string[] {
  try {
    return readdirSync(folder).flatMap(machine => {
      try {
        return readdirSync(join(folder, machine))
          .filter(name => /^system.*\.journal$/.test(name))
          .map(name => join(folder, machine, name))
      } catch {
        return []
      }
    })
  } catch {
    return []
  }
}

/** What runs underneath. */
export function kernelFindings(folders: readonly string[], proc = '/proc'): Finding[] {
  const { ok, warning } = findingsOf('kernel')
  const found = [ok(`Linux ${release()}, ${process.arch}, Node ${process.versions.node}`)]
  const mounts = parseMounts(read(join(proc, 'self/mountinfo')))
  const remote = new Map(
    folders.flatMap(folder => {
      const mount = mountOf(mounts, folder)
      return mount !== undefined && REMOTE.test(mount.type) ? [[mount.point, mount.type]] : []
    })
  )
  for (const [point, type] of remote)
    found.push(
      warning(
        `${point} is ${type}: the kernel tells of no changes there, files are followed by the poll`,
        `findmnt ${word(point)}`
      )
    )
  if (read('/sys/fs/selinux/enforce').trim() === '1')
    found.push(
      warning(
        'SELinux is enforcing; when files cannot be read for no visible reason, it has said why',
        'ausearch -m AVC -c node -ts recent'
      )
    )
  return found
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
