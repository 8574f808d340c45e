// Datagrams to the Unix socket of a server on the same host, which is waited for a little when its queue is full.
import type { Clock } from '../../../core/clock.ts'
import { unixDatagrams } from '../../../core/unix-datagrams.ts'
import type { SendDatagram } from '../../../core/unix-datagrams.ts'
import type { Sender } from './sender.ts'

/** Linux lets ten datagrams wait at such a socket; a receiver that is alive takes them within a moment. */
const PAUSE_MS = 2
/** So often a packet is tried before the flush is given up. */
const TRIES = 50

export class UnixDatagramSender implements Sender {
  readonly #path: string
  readonly #clock: Clock
  #datagram: SendDatagram | undefined
  #closed = false

  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
  }

  async send(packets: readonly string[]): Promise<void> {
    const datagram = (this.#datagram ??= unixDatagrams(this.#path))
    for (const packet of packets) {
      const bytes = Buffer.from(packet)
      for (let tries = 1; !this.#closed; tries++) {
        const errno = datagram(bytes)
        if (errno === '') break
        if (errno !== 'EAGAIN' || tries === TRIES) throw refused(errno, this.#path)
        await this.#clock.wait(PAUSE_MS)
      }
    }
  }

  close(): Promise<void> {
    this.#closed = true
    return Promise.resolve()
  }
}

const WHY: Record<string, string> = {
  EAGAIN: 'its server takes nothing any more',
  ENOENT: 'there is no socket there',
  ECONNREFUSED: 'nobody listens there',
  EPROTOTYPE: 'it is a socket for streams: use transport unix',
  EACCES: 'this user may not write to it'
}

const refused = (code: string, path: string): Error =>
  Object.assign(new Error(`${code} on ${path}${WHY[code] === undefined ? '' : `: ${WHY[code]}`}`), { code })
