// The way to one host: one connection, made when it is needed and made anew when it is gone, old, or shows an old certificate.
import type { Socket } from 'node:net'
import type { Clock } from '../../core/clock.ts'
import { YarderError } from '../../core/errors.ts'
import type { HostPort } from '../../core/field.ts'
import type { Log } from '../../core/log.ts'
import type { TlsFiles, TlsMaterial } from '../../core/tls-files.ts'
import { Connection } from './connection.ts'
import { examine } from './examine.ts'
import { dial, nameOf } from '../dial.ts'
import type { Proxy } from '../dial.ts'
import type { Destination } from '../hosts.ts'

/** With TLS 1.3 a server refuses our certificate some milliseconds after the handshake. */
const VERDICT_MS = 250

export interface LinkOptions {
  readonly address: HostPort
  readonly proxy: Proxy | undefined
  readonly tls: TlsFiles | undefined
  /** Milliseconds without an answer while one is due. */
  readonly timeout: number
  /** Milliseconds after which a connection is made anew; 0 never. */
  readonly ttl: number
  /** Windows on the wire at a time. */
  readonly pipelining: number
  readonly clock: Clock
  readonly log: Log
}

export class Link implements Destination {
  readonly name: string
  readonly #o: LinkOptions
  readonly #stop = new AbortController()
  /** All that are not gone: the one in use, and those that wait for their last acknowledgement. */
  readonly #connections = new Set<Connection>()
  readonly #waiting: Array<() => void> = []
  #current: Connection | undefined
  #tlsVersion = 0
  #opening: Promise<Connection> | undefined
  #busy = 0

  constructor(options: LinkOptions) {
    this.#o = options
    this.name = nameOf(options.address)
  }

  /** Windows on the wire or waiting for their place on it. */
  get busy(): number {
    return this.#busy + this.#waiting.length
  }

  get connections(): number {
    return this.#connections.size
  }

  /** Resolves when the whole window is acknowledged; rejects with LostWindow once it may have been sent, else YarderError. */
  async send(wire: Buffer, count: number, signal: AbortSignal): Promise<void> {
    await this.#place(signal)
    try {
      const connection = await this.#stoppable(this.#connect(), signal)
      await connection.send(wire, count, signal)
    } finally {
      this.#busy--
      this.#waiting.shift()?.()
    }
  }

  /** Connects, and with TLS 1.3 waits for a moment whether the server has a word against it. */
  async knock(signal: AbortSignal): Promise<void> {
    const connection = await this.#stoppable(this.#connect(), signal)
    if (this.#o.tls === undefined) return
    const gone = await connection.goneWithin(VERDICT_MS)
    if (gone !== undefined) throw gone
  }

  /** Says the first words of the protocol on a connection of its own; rejects when another one is spoken there. */
  async examine(signal: AbortSignal): Promise<void> {
    const { tls, clock } = this.#o
    const socket = await this.#stoppable(this.#socket(await tls?.read()), signal)
    await examine(socket, { name: this.name, secured: tls !== undefined, clock, signal })
  }

  /** A connection that nobody else writes to; the caller destroys it. */
  alone(signal: AbortSignal): Promise<Connection> {
    const connection = this.#o.tls === undefined ? this.#dial() : this.#o.tls.read().then(tls => this.#dial(tls))
    return this.#stoppable(connection, signal)
  }

  /** Breaks off what is under way. Idempotent. */
  close(): void {
    this.#stop.abort(new Error('stopping'))
    for (const wake of this.#waiting.splice(0)) wake()
    for (const connection of this.#connections) {
      if (connection.windows === 0) connection.retire()
      else
        connection.destroy(
          new YarderError('UNREACHABLE', `sending to ${this.name}`, { cause: this.#stop.signal.reason })
        )
    }
  }

  async #place(signal: AbortSignal): Promise<void> {
    while (this.#busy >= this.#o.pipelining) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const wake = (): void => resolve()
      this.#waiting.push(wake)
      signal.addEventListener('abort', wake, { once: true })
      await promise
      signal.removeEventListener('abort', wake)
      const at = this.#waiting.indexOf(wake)
      if (at >= 0) this.#waiting.splice(at, 1)
      // Who was woken and gives up passes the place on.
      if (signal.aborted) this.#waiting.shift()?.()
      this.#checkStop(signal)
    }
    this.#checkStop(signal)
    this.#busy++
  }

  /** What several wait for goes on when one of them gives up. */
  async #stoppable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const stop = (): void => resolve()
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    const first = await Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', stop))
    this.#checkStop(signal)
    return first as T
  }

  #checkStop(signal: AbortSignal): void {
    const stopped = [signal, this.#stop.signal].find(s => s.aborted)
    if (stopped !== undefined)
      throw new YarderError('UNREACHABLE', `sending to ${this.name}`, { cause: stopped.reason })
  }

  /** The connection to use now. What rests on one that is given up still gets its acknowledgements. */
  async #connect(): Promise<Connection> {
    const material = await this.#o.tls?.read()
    const version = material?.version ?? 0
    const current = this.#current
    const { ttl } = this.#o
    if (current?.usable === true) {
      if (this.#tlsVersion === version && (ttl === 0 || current.age < ttl)) return current
      current.retire()
    }
    this.#opening ??= this.#dial(material)
      .then(connection => {
        this.#tlsVersion = version
        this.#current = connection
        return connection
      })
      .finally(() => (this.#opening = undefined))
    return this.#opening
  }

  #socket(tls: TlsMaterial | undefined): Promise<Socket> {
    const { address, proxy, clock, timeout } = this.#o
    return dial({ address, proxy, tls, timeoutMs: Math.min(10_000, timeout), clock, signal: this.#stop.signal })
  }

  async #dial(tls?: TlsMaterial): Promise<Connection> {
    const { clock, log, timeout } = this.#o
    const socket = await this.#socket(tls)
    const connection: Connection = new Connection(socket, {
      name: this.name,
      timeout,
      clock,
      log,
      onGone: () => this.#connections.delete(connection)
    })
    this.#connections.add(connection)
    return connection
  }
}
