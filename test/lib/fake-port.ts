// What every fake server stands on: a port of 127.0.0.1 that goes away and comes back, with all that is connected to it.
import { once } from 'node:events'
import type { Server, Socket } from 'node:net'

export class FakePort {
  /** Whatever is connected; under TLS the sockets below, those that are still shaking hands among them. */
  readonly sockets = new Set<Socket>()
  readonly #make: () => Server
  #server: Server | undefined
  #number = 0

  /** `make` gives a new server for each time that it listens. */
  constructor(make: () => Server) {
    this.#make = make
  }

  get number(): number {
    return this.#number
  }

  get address(): string {
    return `127.0.0.1:${this.#number}`
  }

  /** False as well while it is being closed, when a connection may still come in. */
  get listening(): boolean {
    return this.#server?.listening === true
  }

  /** Listens; the first time on any free port, later on the same. */
  async up(): Promise<void> {
    const server = this.#make()
    // A client that breaks off is part of the play.
    server.on('tlsClientError', () => {})
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => this.sockets.delete(socket))
    })
    server.listen(this.#number, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port was given')
    this.#number = address.port
    this.#server = server
  }

  /** Ends every connection in the way given and refuses new ones. May be called twice. */
  async down(end: (socket: Socket) => void = socket => void socket.destroy()): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const closed = once(server, 'close')
    server.close()
    for (const socket of this.sockets) end(socket)
    await closed
  }
}

/** Under TLS there is no reset to be had; the peer then sees an end without the goodbye of TLS. */
export function resetOf(socket: Socket): void {
  if ('encrypted' in socket) socket.destroy()
  else socket.resetAndDestroy()
}
