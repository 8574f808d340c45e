// One connection of syslog over TCP or TLS, and the parcels that were written on it and are not known to be read.
import type { Socket } from 'node:net'
import type { Clock } from '../../core/clock.ts'
import { YarderError } from '../../core/errors.ts'
import { socketError } from '../dial.ts'

export interface TrunkOptions {
  /** Milliseconds without any progress. */
  readonly timeout: number
  /** Milliseconds that something written waits at most for the end of its connection; 0 doesn't ask for one. */
  readonly confirm: number
  readonly clock: Clock
}

interface Written {
  resolve(): void
  reject(error: YarderError): void
}

export class Trunk {
  readonly #socket: Socket
  readonly #name: string
  readonly #o: TrunkOptions
  readonly #tell: { due(): void; gone(): void }
  readonly #written: Written[] = []
  readonly #over = new AbortController()
  readonly #end = Promise.withResolvers<void>()
  readonly #endsFrom: number
  #retired = false
  #ending = false
  #deadline = Infinity
  #watched = false
  #failure: YarderError | undefined

  constructor(
    socket: Socket,
    name: string,
    verdictMs: number,
    options: TrunkOptions,
    tell: { due(): void; gone(): void }
  ) {
    this.#socket = socket
    this.#endsFrom = options.clock.elapsed() + verdictMs
    this.#name = name
    this.#o = options
    this.#tell = tell
    this.#end.promise.catch(() => {})
    // Receivers say nothing; if one does, it is nothing to us.
    socket.resume()
    socket.on('error', error => this.destroy(socketError(`sending to ${name}`, error)))
    socket.on('end', () => (this.#ending && socket.writableFinished ? this.#read() : this.#closed()))
    socket.on('close', () => this.#closed())
  }

  get usable(): boolean {
    return !this.#retired && !this.#over.signal.aborted
  }

  /** Written on it and not known to be read. */
  get parcels(): number {
    return this.#written.length
  }

  /** Only while it is usable. */
  send(wire: Buffer, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const mine: Written = { resolve, reject }
    const onAbort = (): void =>
      this.destroy(new YarderError('UNREACHABLE', `sending to ${this.#name}`, { cause: signal.reason }))
    signal.addEventListener('abort', onAbort, { once: true })
    this.#written.push(mine)
    this.#touch()
    this.#socket.write(wire, error => {
      if (error) return
      this.#touch()
      if (this.#o.confirm === 0) this.#settled(mine)
    })
    if (this.#o.confirm > 0 && this.#written.length === 1) void this.#endWhenDue()
    return promise.finally(() => signal.removeEventListener('abort', onAbort))
  }

  /** Ends our side; resolves when the peer has ended its own, and with it all that was written here. */
  async finish(): Promise<void> {
    if (this.usable) {
      this.#retired = true
      await this.#o.clock.wait(Math.max(0, this.#endsFrom - this.#o.clock.elapsed()), this.#over.signal)
      if (!this.#over.signal.aborted) {
        this.#ending = true
        this.#touch()
        this.#socket.end()
      }
    }
    await this.#end.promise
  }

  /** Ends it when nobody waits for what becomes of it; the kernel still sends what it has. */
  bye(): void {
    if (!this.usable) return
    this.#gone()
    this.#end.resolve()
    this.#socket.end(() => this.#socket.destroy())
  }

  /** Rejects when it breaks within `ms`. */
  async standsFor(ms: number): Promise<void> {
    await this.#o.clock.wait(ms, this.#over.signal)
    if (this.#failure !== undefined) throw this.#failure
  }

  destroy(reason: YarderError): void {
    if (this.#over.signal.aborted) return
    this.#failure = reason
    this.#gone()
    this.#end.reject(reason)
    for (const w of this.#written.splice(0)) w.reject(reason)
    this.#socket.destroy()
  }

  #read(): void {
    if (this.#over.signal.aborted) return
    this.#gone()
    this.#socket.destroy()
    this.#end.resolve()
    for (const w of this.#written.splice(0)) w.resolve()
  }

  #closed(): void {
    const cause = new Error('closed by the other side')
    this.destroy(new YarderError('UNREACHABLE', `sending to ${this.#name}`, { cause }))
  }

  #gone(): void {
    this.#over.abort()
    this.#tell.gone()
  }

  #settled(written: Written): void {
    const at = this.#written.indexOf(written)
    if (at === -1) return
    this.#written.splice(at, 1)
    written.resolve()
    if (this.#written.length === 0) this.#deadline = Infinity
  }

  async #endWhenDue(): Promise<void> {
    await this.#o.clock.wait(this.#o.confirm, this.#over.signal)
    if (this.usable) this.#tell.due()
  }

  #touch(): void {
    // What only waits for the end to be asked for makes no progress, and needs none.
    this.#deadline = this.#o.clock.elapsed() + this.#o.timeout + (this.#ending ? 0 : this.#o.confirm)
    if (!this.#watched) void this.#watch()
  }

  async #watch(): Promise<void> {
    this.#watched = true
    for (;;) {
      const left = this.#deadline - this.#o.clock.elapsed()
      if (left <= 0) break
      if (left === Infinity) return void (this.#watched = false)
      await this.#o.clock.wait(left, this.#over.signal)
      if (this.#over.signal.aborted) return
    }
    const { timeout } = this.#o
    const unread = this.#ending && this.#socket.writableFinished
    const cause = new Error(
      unread
        ? `it did not close its side within ${timeout} ms after ours; if it never does, set confirm to 0`
        : `nothing taken for ${timeout} ms`
    )
    this.destroy(new YarderError('TIMEOUT', `sending to ${this.#name}`, { cause }))
  }
}
