// Runs a program for a check: an argument list and never a shell, output bounded, ended with all its descendants.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'

export interface Ended {
  /** undefined when a signal ended it. */
  readonly code: number | undefined
  readonly signal: string | undefined
  readonly stdout: string
  readonly stderr: string
}

export interface ProgramOptions {
  readonly cwd?: string | undefined
  readonly env?: Readonly<Record<string, string>>
  /** Of each stream; the rest is read and thrown away, so that the program can end. */
  readonly maxBytes?: number
}

/** What a program gets of the agent's environment; the rest may be secret. */
const PASSED = ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'TZ']
/** How long after its end a descendant may hold the program's output open. */
const LINGER_MS = 250

/** Rejects when it cannot be started. When the signal aborts, its whole process group is killed. */
export function runProgram(argv: readonly string[], signal: AbortSignal, o: ProgramOptions = {}): Promise<Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended>()
  signal.throwIfAborted()
  const [program = '', ...args] = argv
  const inherited = Object.fromEntries(PASSED.flatMap(k => (process.env[k] === undefined ? [] : [[k, process.env[k]]])))
  const child = spawn(program, args, {
    // A session of its own makes it the leader of a group of its own.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...inherited, ...o.env },
    ...(o.cwd === undefined ? {} : { cwd: o.cwd })
  })
  const stdout = gather(child.stdout, o.maxBytes ?? 64 * 1024)
  const stderr = gather(child.stderr, o.maxBytes ?? 64 * 1024)
  const kill = (): void => killGroup(child)
  signal.addEventListener('abort', kill, { once: true })
  let linger: NodeJS.Timeout | undefined
  child.on('exit', () => {
    linger = setTimeout(() => {
      kill()
      child.stdout.destroy()
      child.stderr.destroy()
    }, LINGER_MS)
  })
  child.on('error', reject)
  child.on('close', (code, by) =>
    resolve({ code: code ?? undefined, signal: by ?? undefined, stdout: stdout(), stderr: stderr() })
  )
  return promise.finally(() => {
    clearTimeout(linger)
    signal.removeEventListener('abort', kill)
  })
}

function gather(stream: NodeJS.ReadableStream, limit: number): () => string {
  const chunks: Buffer[] = []
  let length = 0
  stream.on('data', (chunk: Buffer) => {
    if (length < limit) chunks.push(chunk.subarray(0, limit - length))
    length += chunk.length
  })
  return () => Buffer.concat(chunks).toString()
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // Nobody of it lives any more.
  }
}
