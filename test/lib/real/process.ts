// What every real program that a test starts needs: a free port, a wait for a fact, an end by process id.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** True in continuous integration, where an absent program is a failure and never a reason to skip. */
export function inCi(): boolean {
  return process.env.CI === 'true'
}

/** A TCP port of 127.0.0.1 that was free a moment ago; for programs that can't be given port 0. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return address.port
}

/**
 * Polls until `fact` gives something else than undefined or false, and answers that.
 * Rejects after `timeoutMs` with `what` in the message; an error thrown by `fact` ends the wait at once.
 */
export async function until<T>(
  what: string,
  fact: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 30_000
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await fact()
    if (value !== undefined && value !== false) return value
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`)
    await delay(25)
  }
}

/** A program that runs in a process group of its own, with its output in a file. */
export interface Running {
  readonly child: ChildProcess
  readonly pid: number
  readonly logFile: string
  /** Throws, with the end of the log, when the program has ended although nobody asked it to. */
  check(): void
  /** SIGTERM, then SIGKILL to the group after `graceMs`; settles when the process is gone. May be called twice. */
  stop(graceMs?: number): Promise<void>
}

/** Starts `argv` without a shell. Standard input stays an open pipe, so a program can see that we died. */
export async function start(
  argv: readonly [string, ...string[]],
  options: { logFile: string; cwd?: string; env?: Record<string, string> }
): Promise<Running> {
  const [command, ...args] = argv
  mkdirSync(dirname(options.logFile), { recursive: true })
  const log = openSync(options.logFile, 'a')
  const child = spawn(command, args, {
    detached: true,
    stdio: ['pipe', log, log],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd })
  })
  closeSync(log)
  child.stdin?.on('error', () => undefined) // it may end before we close the pipe
  await once(child, 'spawn')
  const pid = child.pid
  if (pid === undefined) throw new Error(`starting ${command} gave no process id`)
  const ended = once(child, 'exit')
  const alive = (): boolean => child.exitCode === null && child.signalCode === null

  return {
    child,
    pid,
    logFile: options.logFile,
    check() {
      if (alive()) return
      const log = readFileSync(options.logFile, 'utf8')
      throw new Error(`${command} ended with ${child.exitCode ?? child.signalCode}: ${log.slice(-2000)}`)
    },
    async stop(graceMs = 10_000) {
      if (alive()) {
        child.kill('SIGTERM')
        const hard = setTimeout(() => killGroup(pid), graceMs)
        await ended
        clearTimeout(hard)
      }
      killGroup(pid) // what the program itself started and left behind
    }
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Runs `argv` to its end without a shell; rejects with its output when it fails or outlives `timeoutMs`. */
export async function run(
  argv: readonly [string, ...string[]],
  options: { cwd?: string; env?: Record<string, string>; timeoutMs?: number } = {}
): Promise<string> {
  const [command, ...args] = argv
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    timeout: options.timeoutMs ?? 300_000,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd })
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  await once(child, 'close')
  if (child.exitCode === 0) return output
  const ending = child.signalCode ?? `status ${child.exitCode}`
  throw new Error(`running ${argv.join(' ')}: ${ending}: ${output.slice(-2000)}`)
}

/**
 * Runs `task` while no other process of this machine runs one of the same name.
 * The lock is a Linux abstract socket, so it dies with its holder and leaves no file.
 */
export async function exclusively<T>(name: string, task: () => Promise<T>): Promise<T> {
  const lock = createServer()
  await until(`the lock ${name}`, () => take(lock, `\0yarder-test-${name}`), 600_000)
  try {
    return await task()
  } finally {
    lock.close()
  }
}

async function take(lock: ReturnType<typeof createServer>, path: string): Promise<boolean> {
  lock.listen(path)
  try {
    await once(lock, 'listening')
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw error
  }
}
