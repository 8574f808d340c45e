// Syslog over TCP or TLS to one host. The protocol has no answer, so the end of a connection is made one: a peer that has
// closed its side after we closed ours, without a reset, has read all that was written on it.
import { YarderError } from '../../core/errors.ts'
import type { HostPort } from '../../core/field.ts'
import type { TlsFiles, TlsMaterial } from '../../core/tls-files.ts'
import { dial, nameOf } from '../dial.ts'
import type { Destination } from '../hosts.ts'
import { Trunk } from './trunk.ts'
import type { TrunkOptions } from './trunk.ts'

/**
 * No connection is ended earlier: a peer that turns us away (a certificate, too many sessions) closes it right after it
 * came about, and that must not pass for the answer to our end. With TLS 1.3 it judges only after the handshake.
 */
const VERDICT_MS = { tcp: 100, tls: 250 }

export interface StreamOptions extends TrunkOptions {
  readonly address: HostPort
  readonly tls: TlsFiles | undefined
  /** Parcels on a connection after which it is ended at once. */
  readonly most: number
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
