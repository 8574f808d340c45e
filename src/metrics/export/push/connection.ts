// One connection, TCP or Unix, to a server that takes lines and never answers; made when it is needed, again when it was lost.
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { YarderError } from '../../../core/errors.ts'

/** Where a server listens. */
export type Place = { readonly host: string; readonly port: number } | { readonly path: string }

/** As logs and errors name it. */
export const placeText = (to: Place): string => ('path' in to ? to.path : `${to.host}:${to.port}`)

export interface ConnectionOptions {
  readonly to: Place
  /** How long connecting, or the peer's taking of one piece, may last, milliseconds. */
  readonly timeout: number
}

/** How long the peer may take nothing of the last lines before they are given up. */
const LAST_WRITE_MS = 1000

/** `send` is not called again before it has answered. */
export class Connection {
  readonly #options: ConnectionOptions
  #socket: Socket | undefined
  /** What ended the connection: a write that waited for it only learns that it is closed. */
  #failure: Error | undefined
  #closed = false

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  /** Writes all pieces, each once the one before is with the system. Rejects when one could not be; the connection is gone then. */
  async send(pieces: readonly string[]): Promise<void> {
    if (this.#closed) return
    const socket = (this.#socket ??= this.#open())
    try {
      for (const piece of pieces) await this.#write(socket, piece)
    } catch (error) {
      this.#drop(socket)
      throw error
    }
  }

  /** Lets what was written go out. */
  async close(): Promise<void> {
    this.#closed = true
    const socket = this.#socket
    if (socket === undefined) return
    // Not by events.once, which rejects when the peer breaks off: by then nobody is left who could do better.
    const gone = new Promise<void>(resolve => socket.once('close', () => resolve()))
    socket.setTimeout(Math.min(this.#options.timeout, LAST_WRITE_MS), () => socket.destroy())
    socket.destroySoon()
    await gone
  }

  #open(): Socket {
    this.#failure = undefined
    const { to } = this.#options
    const socket = 'path' in to ? connect(to.path) : connect({ ...to, keepAlive: true, autoSelectFamily: true })
    // Between writes a lost connection is simply made anew.
    socket.on('error', error => (this.#failure = error)).on('close', () => this.#drop(socket))
    // The server says nothing, but its goodbye is only seen by who reads.
    socket.resume()
    return socket
  }

  #drop(socket: Socket): void {
    socket.destroy()
    if (this.#socket === socket) this.#socket = undefined
  }

  #write(socket: Socket, piece: string): Promise<void> {
    const { to, timeout } = this.#options
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new YarderError('TIMEOUT', `sending metrics to ${placeText(to)}`, { cause: timedOut(timeout) }))
      }, timeout)
      socket.write(piece, 'latin1', error => {
        clearTimeout(timer)
        if (error === null || error === undefined) resolve()
        else reject(this.#failure ?? error)
      })
    })
  }
}

const timedOut = (ms: number): Error =>
  Object.assign(new Error(`the peer took nothing for ${ms} ms`), { code: 'ETIMEDOUT' })
