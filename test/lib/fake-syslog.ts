// A small syslog receiver for fault tests: real TCP, TLS or UDP, messages told apart as RFC 6587 has it, ways to fail.
import { createSocket } from 'node:dgram'
import type { Socket as Datagrams } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { createServer as createSecure } from 'node:tls'
import type { TlsOptions } from 'node:tls'
import { FakePort, resetOf } from './fake-port.ts'

export interface FakeSyslogOptions {
  readonly tls?: TlsOptions
  readonly framing?: 'octet_counting' | 'newline'
}

export async function startFakeSyslog(options: FakeSyslogOptions = {}): Promise<FakeSyslog> {
  const fake = new FakeSyslog(options)
  await fake.up()
  return fake
}

export class FakeSyslog {
  /** Every whole message, in the order of their ends; one that was sent twice is there twice. */
  readonly taken: string[] = []
  /** What could not be told apart. */
  readonly violations: string[] = []
  /** After so many bytes a connection is reset, closed, or read no more; asked for at each connection. */
  fault: () => { after: number; how: 'reset' | 'close' | 'silence' } | undefined = () => undefined
  /** Leaves its side open after the other has ended. */
  staysOpen = false
  readonly #options: FakeSyslogOptions
  readonly #sockets = new Set<Socket>()
  readonly #port: FakePort
  #connections = 0

  constructor(options: FakeSyslogOptions) {
    this.#options = options
    const { tls } = options
    const take = (socket: Socket): void => this.#connected(socket)
    this.#port = new FakePort(() =>
      tls === undefined
        ? createServer({ allowHalfOpen: true }, take)
        : createSecure({ ...tls, allowHalfOpen: true } as TlsOptions, take)
    )
  }

  get address(): string {
    return this.#port.address
  }

  get connections(): { total: number; open: number } {
    return { total: this.#connections, open: this.#sockets.size }
  }

  /** Listens, again on the same port after down(). */
  up(): Promise<void> {
    return this.#port.up()
  }

  /** Resets every connection and refuses new ones. May be called twice. */
  down(): Promise<void> {
    return this.#port.down(resetOf)
  }

  #connected(socket: Socket): void {
    if (!this.#port.listening) return void socket.destroy()
    this.#connections++
    socket.on('error', () => {})
    const fault = this.fault()
    let left = fault?.after ?? Infinity
    let rest: Buffer = Buffer.alloc(0)
    if (fault?.after === 0 && fault.how === 'close') return void socket.destroy()
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('data', (chunk: Buffer) => {
      rest = this.#split(Buffer.concat([rest, chunk.subarray(0, left)]))
      left -= chunk.length
      if (left > 0) return
      if (fault!.how === 'silence') socket.pause()
      else if (fault!.how === 'close') socket.destroy()
      else resetOf(socket)
    })
    socket.on('end', () => {
      // Who has not read it all must not end its side, whatever the runtime below has read.
      if (left <= 0) return
      if (rest.length > 0) this.violations.push(`ended within a message: ${rest.toString().slice(0, 60)}`)
      if (!this.staysOpen) socket.end()
    })
  }

  #split(bytes: Buffer): Buffer {
    let at = 0
    for (;;) {
      const found = this.#options.framing === 'newline' ? lineAt(bytes, at) : this.#countedAt(bytes, at)
      if (found === undefined) return bytes.subarray(at)
      this.taken.push(bytes.toString('utf8', found.from, found.to))
      at = found.next
    }
  }

  #countedAt(bytes: Buffer, at: number): { from: number; to: number; next: number } | undefined {
    const blank = bytes.indexOf(32, at)
    if (blank === -1) return undefined
    const count = bytes.toString('latin1', at, blank)
    if (!/^[1-9]\d*$/.test(count)) {
      this.violations.push(`no length: ${count.slice(0, 60)}`)
      return undefined
    }
    const to = blank + 1 + Number(count)
    return to > bytes.length ? undefined : { from: blank + 1, to, next: to }
  }
}

function lineAt(bytes: Buffer, at: number): { from: number; to: number; next: number } | undefined {
  const end = bytes.indexOf(10, at)
  return end === -1 ? undefined : { from: at, to: end, next: end + 1 }
}

/** A UDP receiver. */
export class FakeDatagrams {
  readonly taken: string[] = []
  #socket: Datagrams | undefined
  #port = 0

  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  async up(): Promise<void> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 })
    socket.on('message', message => this.taken.push(message.toString()))
    socket.bind(this.#port, '127.0.0.1')
    await once(socket, 'listening')
    this.#port = socket.address().port
    this.#socket = socket
  }

  async down(): Promise<void> {
    const socket = this.#socket
    if (socket === undefined) return
    this.#socket = undefined
    const closed = once(socket, 'close')
    socket.close()
    await closed
  }
}
