// The processes of this host and what they use, read from /proc (proc_pid_stat(5)).
import { readdirSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'

/** Processes looked at before the loop turns. */
const SLICE = 200
/** The kernel keeps so many bytes of a name (TASK_COMM_LEN less its NUL). */
const COMM = 15
/** USER_HZ, in which Linux tells times on every machine that Node runs on. */
const TICKS = 100

export interface Process {
  readonly pid: number
  /** Of user and kernel together, since its start. */
  readonly cpuSeconds: number
  /** After the boot of the host, seconds. */
  readonly startedAt: number
}

/** Those with exactly this name, without the agent and without zombies. */
export async function processesNamed(proc: string, name: string, signal: AbortSignal): Promise<Process[]> {
  const pids = readdirSync(proc).filter(entry => /^\d+$/.test(entry) && entry !== String(process.pid))
  const found: Process[] = []
  for (let i = 0; i < pids.length; i++) {
    if (i % SLICE === SLICE - 1) await turn()
    signal.throwIfAborted()
    const one = ifNamed(proc, pids[i]!, name)
    if (one !== undefined) found.push(one)
  }
  return found
}

function ifNamed(proc: string, pid: string, name: string): Process | undefined {
  try {
    // `pid (comm) state …`; a comm may hold blanks and brackets itself.
    const stat = readFileSync(join(proc, pid, 'stat'), 'latin1')
    const end = stat.lastIndexOf(')')
    const fields = stat.slice(end + 2).split(' ')
    if (/^[ZX]/.test(fields[0]!)) return undefined
    const comm = Buffer.from(stat.slice(stat.indexOf('(') + 1, end), 'latin1').toString()
    if (!(comm === name && Buffer.byteLength(name) < COMM)) {
      const started = readFileSync(join(proc, pid, 'cmdline'), 'utf8').split('\0', 1)[0]!
      if (basename(started) !== name && !(comm === name && started === '')) return undefined
    }
    // utime, stime and starttime are fields 14, 15 and 22 of the line, and the state is its third.
    const ticks = (field: number): number => Number(fields[field - 3]) / TICKS
    return { pid: Number(pid), cpuSeconds: ticks(14) + ticks(15), startedAt: ticks(22) }
  } catch {
    // It has ended meanwhile.
    return undefined
  }
}

/** Bytes that it holds in memory; 0 for one that has ended. */
export function residentBytes(proc: string, pid: number): number {
  try {
    const status = readFileSync(join(proc, String(pid), 'status'), 'latin1')
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

/** Files and sockets that it holds open; undefined when the agent may not see them, 0 for one that has ended. */
export async function openDescriptors(proc: string, pid: number): Promise<number | undefined> {
  try {
    return (await readdir(join(proc, String(pid), 'fd'))).length
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? undefined : 0
  }
}

/** Seconds since the boot of the host. */
export const uptimeSeconds = (proc: string): number =>
  Number(readFileSync(join(proc, 'uptime'), 'latin1').split(' ')[0])
