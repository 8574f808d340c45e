// Asks file systems, of which one that hangs (its server of NFS is gone) must hold up neither the others nor the agent.
import type { Clock } from '../core/clock.ts'
import { hostMounts, mountOf } from '../core/mounts.ts'
import type { Mount } from '../core/mounts.ts'
import { Recent } from './shared.ts'

/** Questions at a time. Each takes one of libuv's four threads, and names, gzip and folders of logs need one too. */
const MAX_BUSY = 3
/** Who has not answered by then hangs, for all that is known. */
const PATIENCE_MS = 1000

/** One for an agent. */
export class FileSystems {
  readonly #clock: Clock
  readonly #mounts: Recent<readonly Mount[]>
  readonly #hanging = new Set<string>()
  readonly #waiting = new Set<() => void>()
  #busy = 0

  constructor(clock: Clock, maxAgeMs: number) {
    this.#clock = clock
    this.#mounts = new Recent(clock, maxAgeMs, async proc => hostMounts(proc))
  }

  /**
   * What `work` answers, which asks for a path as short a question as `stat`. Who asks a file system that hangs waits
   * until it answers others again; rejects when the signal aborts meanwhile.
   */
  async ask<T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const point = mountOf(await this.#mounts.get('/proc').catch(() => []), path)?.point ?? '/'
    while (this.#busy >= MAX_BUSY || this.#hanging.has(point)) await this.#released(signal)
    this.#busy++
    const answered = new AbortController()
    void this.#clock.wait(PATIENCE_MS, answered.signal).then(() => {
      if (!answered.signal.aborted) this.#hanging.add(point)
    })
    try {
      return await work()
    } finally {
      answered.abort('answered')
      this.#busy--
      this.#hanging.delete(point)
      for (const wake of this.#waiting) wake()
    }
  }

  #released(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const stop = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', stop, { once: true })
    this.#waiting.add(resolve)
    return promise.finally(() => {
      signal.removeEventListener('abort', stop)
      this.#waiting.delete(resolve)
    })
  }
}
