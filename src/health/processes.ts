// The processes of this host and what they use, read from /proc (proc_pid_stat(5)).
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../core/clock.ts'
import { Recent } from './shared.ts'

/** Processes looked at before the loop turns. */
const SLICE = 200
/** The kernel keeps so many bytes of a name (TASK_COMM_LEN less its NUL). */
const COMM = 15
/** USER_HZ, in which Linux tells times on every machine that Node runs on. */
const TICKS = 100

/** So much of a file of a process is read: all of its numbers, and of what it was started with a path at least. */
const START_BYTES = 4096

export interface Process {
  readonly pid: number
  /** Of user and kernel together, since its start. */
  readonly cpuSeconds: number
  /** After the boot of the host, seconds. */
  readonly startedAt: number
}

/** What a process is called. */
interface Name {
  readonly pid: string
  /** By the kernel. */
  readonly comm: string
  /** The program as it was started, with its path; '' when it does not say. */
  readonly program: string
}

/** A walk is kept for so many times as long as other readings are: it costs more than all other checks. */
const LASTS = 5

/** The names of all processes, walked through once for all checks of about the same moment. */
export class ProcessTable {
  readonly #walks: Recent<readonly Name[]>
  readonly #fresh: Recent<readonly Name[]>

  constructor(clock: Clock, maxAgeMs: number) {
    this.#walks = new Recent(clock, LASTS * maxAgeMs, walk)
    this.#fresh = new Recent(clock, maxAgeMs, walk)
  }

  /**
   * Those with exactly this name, without the agent and without zombies, as they are now. When they are fewer than
   * `expected`, somebody looks anew: one that has just started may be missing among more, but none is called missing.
   */
  async named(proc: string, name: string, expected: number): Promise<Process[]> {
    const found = alive(proc, name, await this.#walks.get(proc))
    return found.length < expected ? alive(proc, name, await this.#fresh.get(proc)) : found
  }
}

function alive(proc: string, name: string, names: readonly Name[]): Process[] {
  const buffer = Buffer.alloc(START_BYTES)
  return names
    .filter(
      ({ comm, program }) =>
        (comm === name && (Buffer.byteLength(name) < COMM || program === '')) || basename(program) === name
    )
    .map(({ pid, comm }) => ifAlive(proc, pid, comm, buffer))
    .filter(found => found !== undefined)
}

async function walk(proc: string): Promise<readonly Name[]> {
  const buffer = Buffer.alloc(START_BYTES)
  const pids = readdirSync(proc).filter(entry => /^\d+$/.test(entry) && entry !== String(process.pid))
  const found: Name[] = []
  for (let i = 0; i < pids.length; i++) {
    if (i % SLICE === SLICE - 1) await turn()
    const pid = pids[i]!
    try {
      const comm = readStart(`${proc}/${pid}/comm`, buffer).slice(0, -1)
      const program = readStart(`${proc}/${pid}/cmdline`, buffer).split('\0', 1)[0]!
      found.push({ pid, comm, program })
    } catch {
      // It has ended meanwhile.
    }
  }
  return found
}

/** Half the price of readFileSync, which asks for the size of what has none. */
function readStart(path: string, buffer: Buffer): string {
  const file = openSync(path, 'r')
  try {
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, null))
  } finally {
    closeSync(file)
  }
}

/** undefined for one that has ended, and for another that has its number now. */
function ifAlive(proc: string, pid: string, name: string, buffer: Buffer): Process | undefined {
  try {
    // `pid (comm) state …`; a comm may hold blanks and brackets itself.
    const stat = readStart(`${proc}/${pid}/stat`, buffer)
    const end = stat.lastIndexOf(')')
    const fields = stat.slice(end + 2).split(' ')
    const comm = stat.slice(stat.indexOf('(') + 1, end)
    if (/^[ZX]/.test(fields[0]!) || comm !== name) return undefined
    // utime, stime and starttime are fields 14, 15 and 22 of the line, and the state is its third.
    const ticks = (field: number): number => Number(fields[field - 3]) / TICKS
    return { pid: Number(pid), cpuSeconds: ticks(14) + ticks(15), startedAt: ticks(22) }
  } catch {
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
