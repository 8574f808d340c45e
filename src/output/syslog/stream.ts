// Syslog over TCP or TLS to one host. The protocol has no answer, so the end of a connection is made one: a peer that has
// closed its side after we closed ours, without a reset, has read all that was written on it.
import type { Socket } from 'node:net'
import type { Clock } from '../../core/clock.ts'
import { YarderError } from '../../core/errors.ts'
import type { HostPort } from '../../core/field.ts'
import type { TlsFiles, TlsMaterial } from '../../core/tls-files.ts'
import { dial, nameOf, socketError } from '../dial.ts'
import type { Destination } from '../hosts.ts'

/**
 * No connection is ended earlier: a peer that turns us away (a certificate, too many sessions) closes it right after it
 * came about, and that must not pass for the answer to our end. With TLS 1.3 it judges only after the handshake.
 */
const VERDICT_MS = { tcp: 100, tls: 250 }

export interface StreamOptions {
  readonly address: HostPort
  readonly tls: TlsFiles | undefined
  /** Milliseconds without any progress. */
  readonly timeout: number
  /** Milliseconds that something written waits at most for the end of its connection; 0 doesn't ask for one. */
  readonly confirm: number
  /** Parcels on a connection after which it is ended at once. */
  readonly most: number
  readonly clock: Clock
}

interface Written {
  resolve(): void
  reject(error: YarderError): void
}

export class StreamLink implements Destination {
  readonly name: string
  readonly #o: StreamOptions
  readonly #stop = new AbortController()
  readonly #trunks = new Set<Trunk>()
  #current: Trunk | undefined
  #opening: Promise<Trunk> | undefined
  #tlsVersion = 0
  #busy = 0
  /** The last connection was read to its end: from then on several parcels may share one. */
  #proven = false
  #hurried = false

  constructor(options: StreamOptions) {
    this.#o = options
    this.name = nameOf(options.address)
  }

  get busy(): number {
    return this.#busy
  }

  get connections(): number {
    return this.#trunks.size
  }

  /** Resolves when the peer has read it all; with `confirm` 0 when the kernel has taken it. */
  async send(wire: Buffer, signal: AbortSignal): Promise<void> {
    this.#busy++
    try {
      let trunk = await this.#connect(signal)
      // Who shared the wait for it may have ended it meanwhile.
      while (!trunk.usable) trunk = await this.#connect(signal)
      const sent = trunk.send(wire, signal)
      if (this.#o.confirm > 0 && (!this.#proven || this.#hurried || trunk.parcels >= this.#o.most)) this.#finish(trunk)
      await sent
      this.#proven = true
    } catch (error) {
      this.#proven = false
      throw error
    } finally {
      this.#busy--
    }
  }

  /** Connects, and waits for what the peer has to say against it. */
  async knock(signal: AbortSignal): Promise<void> {
    const trunk = await this.#dial(await this.#o.tls?.read(), signal)
    try {
      if (this.#o.confirm > 0) return await trunk.finish()
      if (this.#o.tls !== undefined) await trunk.standsFor(VERDICT_MS.tls)
    } finally {
      trunk.destroy(new YarderError('UNREACHABLE', `closed the connection to ${this.name}`))
    }
  }

  /** The agent stops: what waits for the end of its connection gets it now. */
  hurry(): void {
    this.#hurried = true
    if (this.#o.confirm > 0 && this.#current !== undefined) this.#finish(this.#current)
  }

  /** Breaks off what is under way. Idempotent. */
  close(): void {
    this.#stop.abort(new Error('stopping'))
    for (const trunk of this.#trunks) {
      if (trunk.parcels === 0) trunk.bye()
      else trunk.destroy(new YarderError('UNREACHABLE', `sending to ${this.name}`, { cause: this.#stop.signal.reason }))
    }
  }

  #finish(trunk: Trunk): void {
    if (this.#current === trunk) this.#current = undefined
    // Its parcels hear how it ended.
    void trunk.finish().catch(() => {})
  }

  async #connect(signal: AbortSignal): Promise<Trunk> {
    const material = await this.#o.tls?.read()
    const version = material?.version ?? 0
    const current = this.#current
    if (current?.usable === true) {
      if (version === this.#tlsVersion) return current
      this.#finish(current)
    }
    this.#opening ??= this.#dial(material, this.#stop.signal)
      .then(trunk => {
        this.#tlsVersion = version
        this.#current = trunk
        return trunk
      })
      .finally(() => (this.#opening = undefined))
    const trunk = await this.#opening
    if (signal.aborted) throw new YarderError('UNREACHABLE', `sending to ${this.name}`, { cause: signal.reason })
    return trunk
  }

  async #dial(tls: TlsMaterial | undefined, signal: AbortSignal): Promise<Trunk> {
    const { address, clock, timeout } = this.#o
    const both = AbortSignal.any([signal, this.#stop.signal])
    const started = clock.elapsed()
    const socket = await dial({ address, tls, timeoutMs: Math.min(10_000, timeout), clock, signal: both })
    // On a long way its word takes longer.
    const verdict = Math.max(VERDICT_MS[tls === undefined ? 'tcp' : 'tls'], 2 * (clock.elapsed() - started))
    const trunk: Trunk = new Trunk(socket, this.name, verdict, this.#o, {
      due: () => this.#finish(trunk),
      gone: () => {
        this.#trunks.delete(trunk)
        if (this.#current === trunk) this.#current = undefined
      }
    })
    this.#trunks.add(trunk)
    return trunk
  }
}

/** One connection, and the parcels that were written on it and are not known to be read. */
class Trunk {
  readonly #socket: Socket
  readonly #name: string
  readonly #o: StreamOptions
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
    options: StreamOptions,
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
