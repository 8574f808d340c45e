// Datagrams to one host: its name is looked up for each flush, and the socket is connected so that a closed port is heard of.
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import type { Clock } from '../../../core/clock.ts'
import { errnoOf } from '../../../core/errors.ts'
import type { Sender } from './sender.ts'

export interface UdpOptions {
  readonly host: string
  readonly port: number
  readonly clock: Clock
  /** For errors that come when no `send` is running: the answer of a closed port. */
  readonly onError: (error: unknown) => void
}

/** A receiver's buffer (208 KiB by default on Linux) takes about 90 full datagrams: then it needs its turn. */
const BURST = 16
const PAUSE_MS = 2

/** `send` is not called again before it has answered. */
export class UdpSender implements Sender {
  readonly #options: UdpOptions
  #socket: Socket | undefined
  #address = ''
  #closed = false

  constructor(options: UdpOptions) {
    this.#options = options
  }

  /** Hands all to the system; nobody learns whether it arrives. Rejects with the first error, the rest is not sent then. */
  async send(packets: readonly string[]): Promise<void> {
    const socket = await this.#connected()
    if (socket === undefined) return
    for (const [i, packet] of packets.entries()) {
      if (this.#closed) return
      if (i > 0 && i % BURST === 0) await this.#options.clock.wait(PAUSE_MS)
      await sendOnce(socket, packet).catch((error: unknown) => {
        // The system reports here that an earlier datagram met a closed port, and has not sent this one.
        if (errnoOf(error) !== 'ECONNREFUSED') throw error
        this.#options.onError(error)
        return sendOnce(socket, packet)
      })
    }
  }

  close(): Promise<void> {
    this.#closed = true
    this.#drop()
    return Promise.resolve()
  }

  /** Nothing once it is closed. */
  async #connected(): Promise<Socket | undefined> {
    const { host, port } = this.#options
    const found = await lookup(host).catch((error: unknown) => {
      // The server is most likely where it was.
      if (this.#socket === undefined) throw error
      this.#options.onError(error)
    })
    if (found === undefined) return this.#socket
    const { address, family } = found
    if (this.#socket !== undefined && address === this.#address) return this.#socket
    this.#drop()
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
    try {
      await connect(socket, port, address)
    } catch (error) {
      socket.close()
      throw error
    }
    if (this.#closed) {
      socket.close()
      return undefined
    }
    socket.on('error', error => this.#options.onError(error))
    socket.unref()
    this.#socket = socket
    this.#address = address
    return socket
  }

  #drop(): void {
    this.#socket?.close()
    this.#socket = undefined
  }
}

function connect(socket: Socket, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    // The callback gets the error where there is one, though its type does not say so.
    socket.connect(port, address, (error?: Error) => {
      socket.off('error', reject)
      if (error === undefined) resolve()
      else reject(error)
    })
  })
}

function sendOnce(socket: Socket, packet: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(packet, error => {
      if (error === null) resolve()
      else reject(error)
    })
  })
}
