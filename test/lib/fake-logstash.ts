// A small Logstash for fault tests: a real Lumberjack 2 server with a script of ways to answer and to fail.
//
//   const fake = await startFakeLogstash()
//   fake.next(partly(3, 'reset'), silence())   // what is done with the first two windows …
//   …                                          // … and with later ones as fake.otherwise() says: ack()
//   assert.deepEqual(fake.violations, [])
import { createServer, type Socket } from 'node:net'
import { createServer as createSecure, type TlsOptions } from 'node:tls'
import { Violation, WindowDecoder, type SentWindow } from './fake-logstash/decoder.ts'
import { FakePort, resetOf } from './fake-port.ts'

export { Violation, WindowDecoder, type SentWindow } from './fake-logstash/decoder.ts'

/** Deals with one window. The next one of the connection is looked at when this one is acknowledged to its end. */
export type Behaviour = (window: ReceivedWindow) => void

/** Acknowledges all. */
export const ack = (): Behaviour => window => window.ack()

/** Acknowledges the first `count`, then breaks off or says no more. */
export const partly =
  (count: number, end: 'reset' | 'fin' | 'silence'): Behaviour =>
  window => {
    window.ack(count)
    if (end !== 'silence') window.flushed(() => window[end]())
  }

export const reset = (): Behaviour => window => window.reset()
export const fin = (): Behaviour => window => window.fin()
/** No answer at all. */
export const silence = (): Behaviour => () => {}
/** Says so many times that it is at work, then acknowledges all. */
export const keepAlives =
  (times: number): Behaviour =>
  window => {
    for (let i = 0; i < times; i++) window.ack(0)
    window.ack()
  }
/** Takes the records and forgets to say so: what a Logstash does that is killed. */
export const takeAndReset =
  (count?: number): Behaviour =>
  window => {
    window.take(count)
    window.reset()
  }
/** Whatever bytes. */
export const answer =
  (bytes: Buffer | string): Behaviour =>
  window =>
    window.raw(Buffer.from(bytes))

export interface FakeOptions {
  readonly tls?: TlsOptions
}

/** A window as it came, in the hands of a behaviour or of the test. */
export class ReceivedWindow {
  readonly window: SentWindow
  readonly events: readonly Record<string, unknown>[]
  /** 1 for the first connection of the fake. */
  readonly connection: number
  readonly #fake: FakeLogstash
  readonly #socket: Socket
  readonly #done: () => void
  #taken = 0

  constructor(fake: FakeLogstash, socket: Socket, connection: number, window: SentWindow, done: () => void) {
    this.#fake = fake
    this.#socket = socket
    this.#done = done
    this.connection = connection
    this.window = window
    this.events = window.events.map(e => JSON.parse(e.payload.toString('utf8')) as Record<string, unknown>)
  }

  get count(): number {
    return this.window.count
  }

  /** Acknowledges up to `count`, all when left out; 0 says no more than that it is at work. */
  ack(count: number = this.count): void {
    this.take(Math.min(count, this.count))
    const frame = Buffer.from('2A\0\0\0\0', 'latin1')
    frame.writeUInt32BE(count, 2)
    this.raw(frame)
    if (count >= this.count) this.#done()
  }

  /** Takes records without a word. */
  take(count: number = this.count): void {
    for (; this.#taken < count; this.#taken++) this.#fake.taken.push(this.events[this.#taken]!)
  }

  raw(bytes: Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes)
  }

  /** Calls back when what was answered is on the wire. */
  flushed(then: () => void): void {
    this.#socket.write('', () => setImmediate(then))
  }

  reset(): void {
    resetOf(this.#socket)
  }

  fin(): void {
    this.#socket.end()
  }
}

export async function startFakeLogstash(options: FakeOptions = {}): Promise<FakeLogstash> {
  const fake = new FakeLogstash(options)
  await fake.up()
  return fake
}

export class FakeLogstash {
  /** Every window that came in whole, in the order of their ends. */
  readonly windows: ReceivedWindow[] = []
  /** Events taken, in their order; one that was sent twice is there twice. */
  readonly taken: Record<string, unknown>[] = []
  /** Rules the client broke; the connection is reset then. */
  readonly violations: string[] = []
  /** Connections whose reading side was ended by the client, when all it had sent was answered. */
  goodbyes = 0
  /** Events that it resets the connection at as soon as it reads them. */
  poison: (event: Record<string, unknown>) => boolean = () => false
  /** Resets connections after so many bytes, once each entry. */
  readonly cuts: number[] = []
  readonly #script: Behaviour[] = []
  readonly #sockets = new Set<Socket>()
  readonly #port: FakePort
  #otherwise: Behaviour = ack()
  #connections = 0

  constructor({ tls }: FakeOptions) {
    const take = (socket: Socket): void => this.#connected(socket)
    this.#port = new FakePort(() =>
      tls === undefined ? createServer({ allowHalfOpen: true }, take) : createSecure(tls, take)
    )
  }

  get port(): number {
    return this.#port.number
  }

  get address(): string {
    return this.#port.address
  }

  /** Connections taken since the start, and those open now. */
  get connections(): { total: number; open: number } {
    return { total: this.#connections, open: this.#sockets.size }
  }

  next(...behaviours: Behaviour[]): void {
    this.#script.push(...behaviours)
  }

  otherwise(behaviour: Behaviour): void {
    this.#otherwise = behaviour
  }

  /** Behaviours of next() that no window has met yet. */
  get pending(): number {
    return this.#script.length
  }

  /** What Logstash does with connections that were idle for a minute; also those that are not. */
  resetAll(): void {
    for (const socket of this.#sockets) resetOf(socket)
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
    // Came in while the listener was being closed.
    if (!this.#port.listening) return void socket.destroy()
    const connection = ++this.#connections
    const queue: ReceivedWindow[] = []
    let cut = this.cuts.shift() ?? Infinity
    const next = (): void => {
      queue.shift()
      if (queue.length > 0) this.#deal(queue[0]!)
    }
    const decoder = new WindowDecoder(sent => {
      const window: ReceivedWindow = new ReceivedWindow(this, socket, connection, sent, next)
      this.windows.push(window)
      if (window.events.some(event => this.poison(event))) return window.reset()
      queue.push(window)
      if (queue.length === 1) this.#deal(window)
    })
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => {})
    socket.on('data', chunk => {
      cut -= chunk.length
      if (cut <= 0) return void resetOf(socket)
      try {
        if (!socket.destroyed) decoder.push(chunk as Buffer)
      } catch (error) {
        if (!(error instanceof Violation)) throw error
        this.violations.push(error.message)
        resetOf(socket)
      }
    })
    socket.on('end', () => {
      // Logstash answers nothing after that, and the events are sent again.
      if (queue.length > 0) this.violations.push(`end with ${queue.length} windows unacknowledged`)
      else if (!decoder.between) this.violations.push('end within a window')
      else this.goodbyes++
      socket.end()
    })
  }

  #deal(window: ReceivedWindow): void {
    const behaviour = this.#script.shift() ?? this.#otherwise
    behaviour(window)
  }
}
