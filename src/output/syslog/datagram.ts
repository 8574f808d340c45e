// Syslog over UDP to one host: a datagram a message, and nothing is known of it but that nobody listened.
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { lookup } from 'node:dns/promises'
import type { Clock } from '../../core/clock.ts'
import { errnoOf, YarderError } from '../../core/errors.ts'
import type { HostPort } from '../../core/field.ts'
import { nameOf } from '../dial.ts'
import type { Destination } from '../hosts.ts'

/** So many at a time, and then a pause: what a receiver's buffer can't hold is lost, and Linux gives one some 250 messages. */
const BURST = 32
const PAUSE_MS = 2
/** A host without a listener says so within a round trip. */
const VERDICT_MS = 20
/** A name may have moved to another address by then. */
const MAX_AGE_MS = 300_000

export interface DatagramOptions {
  readonly address: HostPort
  readonly clock: Clock
}

interface Open {
  readonly socket: Socket
  readonly born: number
  /** What came back: nobody listens there. */
  error: Error | undefined
}

export class DatagramLink implements Destination {
  readonly name: string
  readonly #o: DatagramOptions
  #open: Open | undefined
  #opening: Promise<Open> | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #busy = 0
  #closed = false

  constructor(options: DatagramOptions) {
    this.#o = options
    this.name = nameOf(options.address)
  }

  get busy(): number {
    return this.#busy
  }

  /** UDP has none. */
  get connections(): number {
    return 0
  }

  /** Resolves with the indexes of those that no datagram can hold here; rejects when the host says that nobody listens. */
  send(messages: readonly Buffer[], signal: AbortSignal): Promise<number[]> {
    const mine = this.#turn.then(() => this.#send(messages, signal))
    this.#turn = mine.catch(() => {})
    return mine
  }

  async #send(messages: readonly Buffer[], signal: AbortSignal): Promise<number[]> {
    const { clock } = this.#o
    this.#busy++
    const tooLarge: number[] = []
    try {
      const open = await this.#usable()
      for (let from = 0; from < messages.length; from += BURST) {
        this.#check(open, signal)
        const burst = messages.slice(from, from + BURST)
        const errors = await Promise.all(burst.map(message => sendOne(open.socket, message)))
        errors.forEach((error, i) => {
          if (error !== null && errnoOf(error) === 'EMSGSIZE') tooLarge.push(from + i)
          else if (error !== null) open.error ??= error
        })
        await clock.wait(PAUSE_MS, signal)
      }
      await clock.wait(VERDICT_MS, signal)
      this.#check(open, signal)
      return tooLarge
    } finally {
      this.#busy--
    }
  }

  /** Nothing can be learnt without sending but whether its name is known. */
  async knock(): Promise<void> {
    await this.#usable()
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true
    this.#drop()
  }

  #check(open: Open, signal: AbortSignal): void {
    const cause: unknown = signal.aborted ? signal.reason : this.#closed ? new Error('stopping') : open.error
    if (cause === undefined) return
    this.#drop()
    throw new YarderError('UNREACHABLE', `sending to ${this.name}`, { cause })
  }

  #drop(): void {
    const open = this.#open
    this.#open = undefined
    open?.socket.close()
  }

  async #usable(): Promise<Open> {
    const { clock } = this.#o
    if (this.#open !== undefined && clock.elapsed() - this.#open.born < MAX_AGE_MS) return this.#open
    this.#opening ??= this.#make().finally(() => (this.#opening = undefined))
    return this.#opening
  }

  async #make(): Promise<Open> {
    const { address, clock } = this.#o
    const doing = `sending to ${this.name}`
    try {
      const { address: ip, family } = await lookup(address.host)
      if (this.#closed) throw new Error('stopping')
      const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
      const open: Open = { socket, born: clock.elapsed(), error: undefined }
      // Connected, so that the kernel tells of answers that nobody listens.
      socket.connect(address.port, ip)
      await once(socket, 'connect')
      socket.on('error', error => (open.error ??= error))
      // What an older parcel still sends on the old one goes on.
      const old = this.#open
      if (old !== undefined) setTimeout(() => old.socket.close(), 1000).unref()
      return (this.#open = open)
    } catch (error) {
      throw new YarderError('UNREACHABLE', doing, { cause: error })
    }
  }
}

const sendOne = (socket: Socket, message: Buffer): Promise<Error | null> =>
  new Promise(resolve => {
    try {
      socket.send(message, error => resolve(error))
    } catch (error) {
      // Closed meanwhile.
      resolve(error as Error)
    }
  })
