// The listener for /metrics and /health as a reload moves it.
import { isDeepStrictEqual } from 'node:util'
import { startAdmin } from './admin.ts'
import type { ListenerSource, Listener } from './admin.ts'
import type { AdminOptions } from './sections.ts'

/** At most one listener; a move that fails leaves it where it was. */
export class AdminPage {
  readonly #source: ListenerSource
  #options: AdminOptions | undefined
  #listener: Listener | undefined

  constructor(source: ListenerSource) {
    this.#source = source
  }

  /** Where it listens, `127.0.0.1:9680`. */
  get address(): string | undefined {
    return this.#listener?.address
  }

  /** Listens as the options say. Rejects when that address can't be had. */
  async apply(options: AdminOptions): Promise<void> {
    const before = this.#options?.enabled === true ? this.#options : undefined
    const next = options.enabled ? options : undefined
    if (isDeepStrictEqual(before, next)) return
    // The new address is taken before the old one is given up; on the same port that cannot be.
    const samePort = before !== undefined && before.listen.port === next?.listen.port
    if (samePort) await this.#listener?.close()
    const listener = next === undefined ? undefined : await this.#start(next, samePort ? before : undefined)
    if (!samePort) await this.#listener?.close()
    this.#listener = listener
    this.#options = options
  }

  async close(): Promise<void> {
    await this.#listener?.close()
  }

  /** Listens there; where that fails, on what was given up for it again. */
  async #start(at: AdminOptions, givenUp: AdminOptions | undefined): Promise<Listener> {
    try {
      return await startAdmin(this.#source, at)
    } catch (error) {
      if (givenUp !== undefined) this.#listener = await startAdmin(this.#source, givenUp).catch(() => undefined)
      throw error
    }
  }
}
