// The writer that lanes read against: numbered lines by the thousand a second, from a process of its own.
//
//   const writer = await startWriter(t, { files: [{ writer: 'w', path }], rate: 5000 })
//   process.kill(writer.pid, 'SIGHUP')            // reopens its files by name, like nginx after logrotate
//   const counts = await writer.stop()            // Map { 'w' => { lines, bytes } }, all of it in the kernel
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

export interface WriterFile {
  /** Name of the line counter, small letters, digits and `-`. */
  readonly writer: string
  readonly path: string
}

/** How lines go into write(2): one each; many in one that may end anywhere; each in two with time between; all of these. */
export type Style = 'lines' | 'chunks' | 'halves' | 'mixed'

export interface WriterOptions {
  readonly files: readonly WriterFile[]
  /** Lines a second, over all files. */
  readonly rate: number
  readonly style?: Style
  /** O_APPEND, as loggers do; false is a shell's `>`: cut when opened, and a later truncation leaves the position behind. */
  readonly append?: boolean
  /** A line beginning with `#` that every file starts with. */
  readonly banner?: string
  readonly seed?: number
  /** Starts without writing; `resume` begins. */
  readonly paused?: boolean
}

/** What one line counter has written: write(2) has returned for all of it. */
export interface Written {
  readonly lines: number
  readonly bytes: number
  /** How often its file was opened. */
  readonly opens: number
}

export interface Writer {
  readonly pid: number
  /** What is written by now. */
  status(): Promise<ReadonlyMap<string, Written>>
  /** Ends the line it is in and rests. */
  pause(): Promise<ReadonlyMap<string, Written>>
  resume(rate?: number): Promise<void>
  /** Reopens its files and answers when they are open; SIGHUP does the same without an answer. */
  reopen(): Promise<void>
  /** Ends the line it is in, closes, and ends the process. May be called twice. */
  stop(): Promise<ReadonlyMap<string, Written>>
}

/** A question to the process. */
export interface Ask {
  readonly id: number
  readonly do: 'status' | 'pause' | 'resume' | 'reopen' | 'stop'
  readonly rate?: number
}

/** Its answer. */
export interface Told {
  readonly id: number
  readonly written: ReadonlyArray<readonly [string, Written]>
}

const PROCESS = fileURLToPath(new URL('writer-process.ts', import.meta.url))

/** Starts a writer; it is killed with the test. */
export async function startWriter(t: Pick<TestContext, 'after'>, options: WriterOptions): Promise<Writer> {
  const child = fork(PROCESS, [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  t.after(() => void child.kill('SIGKILL'))
  await once(child, 'message')
  return new WriterOf(child)
}

class WriterOf implements Writer {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (told: Told) => void>()
  #asked = 0
  #last: ReadonlyMap<string, Written> = new Map()
  #stopped = false

  constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (told: Told) => this.#waiting.get(told.id)?.(told))
  }

  get pid(): number {
    return this.#child.pid!
  }

  status(): Promise<ReadonlyMap<string, Written>> {
    return this.#ask('status')
  }

  pause(): Promise<ReadonlyMap<string, Written>> {
    return this.#ask('pause')
  }

  async resume(rate?: number): Promise<void> {
    await this.#ask('resume', rate)
  }

  async reopen(): Promise<void> {
    await this.#ask('reopen')
  }

  async stop(): Promise<ReadonlyMap<string, Written>> {
    if (this.#stopped) return this.#last
    const ended = once(this.#child, 'exit')
    await this.#ask('stop')
    this.#stopped = true
    await ended
    return this.#last
  }

  async #ask(what: Ask['do'], rate?: number): Promise<ReadonlyMap<string, Written>> {
    if (this.#stopped) return this.#last
    const id = ++this.#asked
    const { promise, resolve, reject } = Promise.withResolvers<Told>()
    const ended = (code: number | null): void => reject(new Error(`the writer ended with ${code}`))
    this.#waiting.set(id, resolve)
    this.#child.once('exit', ended)
    if (!this.#child.connected) throw new Error('the writer has ended')
    this.#child.send({ id, do: what, ...(rate === undefined ? {} : { rate }) } satisfies Ask)
    try {
      this.#last = new Map((await promise).written)
      return this.#last
    } finally {
      this.#waiting.delete(id)
      this.#child.off('exit', ended)
    }
  }
}
