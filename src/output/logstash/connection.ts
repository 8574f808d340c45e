// One connection to a Lumberjack server: windows out, acknowledgements in, and what is known of each window when it breaks.
import type { Socket } from 'node:net'
import type { Clock } from '../../core/clock.ts'
import { errnoOf, YarderError } from '../../core/errors.ts'
import type { ErrorCode, YarderErrorOptions } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { socketError } from '../dial.ts'
import { AckReader } from './frames.ts'

/** Nothing but "still at it" for so long, and it is told: a blocked pipeline, or a Logstash that hangs. */
const BLOCKED_MS = 300_000
/** Written in such pieces, so that a slow line is seen to move. */
const SLICE = 256 * 1024
/** A connection that is older when it is used may have been closed by the server meanwhile. */
const FRESH_MS = 1000

/** A window that was not acknowledged to its end. */
export class LostWindow extends YarderError {
  /** Records from its start that were. */
  readonly acked: number
  /** The server broke off when it read this window: it was the first of those open, and nothing at all was answered. */
  readonly blamed: boolean
  /** The connection had been there before and nothing came back: most likely it was closed while it was idle. */
  readonly stale: boolean

  constructor(
    code: ErrorCode,
    message: string,
    what: { acked: number; blamed: boolean; stale: boolean },
    options: YarderErrorOptions
  ) {
    super(code, message, options)
    this.acked = what.acked
    this.blamed = what.blamed
    this.stale = what.stale
  }
}

interface Open {
  readonly count: number
  /** Answers that had come when it was written. */
  readonly answersBefore: number
  readonly fresh: boolean
  acked: number
  resolve(): void
  reject(error: LostWindow): void
}

export interface ConnectionOptions {
  readonly name: string
  /** Longest silence while something is unacknowledged, milliseconds. */
  readonly timeout: number
  readonly clock: Clock
  readonly log: Log
  readonly onGone: () => void
}

export class Connection {
  readonly #socket: Socket
  readonly #o: ConnectionOptions
  readonly #born: number
  readonly #windows: Open[] = []
  readonly #outbox: Buffer[] = []
  #writing = false
  #written = false
  #answers = 0
  /** Answers that had come when the first of the open windows became the first. */
  #answersAtHead = 0
  #deadline = 0
  #progressAt = 0
  #blockedTold = false
  #watch: AbortController | undefined
  readonly #gone = Promise.withResolvers<YarderError>()
  #retiring = false
  #dead = false

  /** Takes the socket over. */
  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket
    this.#o = options
    this.#born = options.clock.elapsed()
    const reader = new AckReader(sequence => this.#answered(sequence))
    socket.on('data', (chunk: Buffer) => {
      try {
        if (!this.#dead) reader.push(chunk)
      } catch (error) {
        this.#break(new YarderError('PROTOCOL', `sending to ${options.name}: ${(error as Error).message}`))
      }
    })
    socket.on('error', error => this.#break(socketError(`sending to ${options.name}`, error), isBreakOff(error)))
    socket.on('end', () => this.#closed())
    socket.on('close', () => this.#closed())
  }

  /** Takes further windows. */
  get usable(): boolean {
    return !this.#dead && !this.#retiring
  }

  get gone(): boolean {
    return this.#dead
  }

  /** Windows that are not acknowledged. */
  get windows(): number {
    return this.#windows.length
  }

  /** Milliseconds since it was made. */
  get age(): number {
    return this.#o.clock.elapsed() - this.#born
  }

  /** Why it ended, if it does within `ms`. */
  goneWithin(ms: number): Promise<YarderError | undefined> {
    const over = new AbortController()
    const inTime = this.#o.clock.wait(ms, over.signal).then(() => undefined)
    return Promise.race([this.#gone.promise, inTime]).finally(() => over.abort())
  }

  /**
   * Puts a whole window on the wire; resolves when its last record is acknowledged, rejects with LostWindow. `wire` may
   * be changed again once the promise has settled. A window can't be taken back from the wire: `signal` ends the connection.
   */
  async send(wire: Buffer, count: number, signal: AbortSignal): Promise<void> {
    const onAbort = (): void =>
      this.destroy(new YarderError('UNREACHABLE', `sending to ${this.#o.name}`, { cause: signal.reason }))
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await this.#send(wire, count)
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  #send(wire: Buffer, count: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const fresh = !this.#written && this.age < FRESH_MS
    const open = { count, answersBefore: this.#answers, fresh, acked: 0, resolve, reject }
    if (this.#dead) {
      const what = { acked: 0, blamed: false, stale: true }
      return Promise.reject(new LostWindow('UNREACHABLE', `sending to ${this.#o.name}`, what, {}))
    }
    this.#windows.push(open)
    this.#written = true
    if (this.#windows.length === 1) {
      this.#becomesFirst()
      this.#touch()
      void this.#watchSilence()
    }
    for (let at = 0; at < wire.length; at += SLICE) this.#outbox.push(wire.subarray(at, at + SLICE))
    if (!this.#writing) this.#write()
    return promise
  }

  /** Takes no more windows and closes once the last is acknowledged: a FIN before that makes Logstash forget to answer. */
  retire(): void {
    this.#retiring = true
    if (this.#windows.length === 0) this.#bye()
  }

  /** Breaks off at once. */
  destroy(reason: YarderError): void {
    this.#break(reason)
  }

  #write(): void {
    const next = this.#outbox.shift()
    this.#writing = next !== undefined && !this.#dead
    if (!this.#writing) return
    this.#socket.write(next!, error => {
      if (error) return
      this.#touch()
      this.#write()
    })
  }

  #answered(sequence: number): void {
    this.#answers++
    this.#touch()
    const first = this.#windows[0]
    if (sequence === 0) return this.#stillAtIt(first)
    if (first === undefined) throw new Error(`acknowledged ${sequence} when nothing was open`)
    if (sequence > first.count) throw new Error(`acknowledged ${sequence} of ${first.count}`)
    if (sequence <= first.acked) return
    first.acked = sequence
    if (sequence < first.count) return this.#progressed()
    this.#windows.shift()
    this.#becomesFirst()
    first.resolve()
    if (this.#windows.length > 0) return
    this.#watch?.abort()
    if (this.#retiring) this.#bye()
  }

  #becomesFirst(): void {
    this.#answersAtHead = this.#answers
    this.#progressed()
  }

  #progressed(): void {
    this.#progressAt = this.#o.clock.elapsed()
    if (!this.#blockedTold) return
    this.#blockedTold = false
    this.#o.log.info({ host: this.#o.name }, 'Logstash takes records again.')
  }

  #stillAtIt(first: Open | undefined): void {
    const ms = this.#o.clock.elapsed() - this.#progressAt
    if (first === undefined || this.#blockedTold || ms < BLOCKED_MS) return
    this.#blockedTold = true
    this.#o.log.warn(
      { host: this.#o.name, seconds: Math.round(ms / 1000), records: first.count - first.acked },
      'Logstash is alive and takes nothing; its pipeline may be blocked.'
    )
  }

  #touch(): void {
    this.#deadline = this.#o.clock.elapsed() + this.#o.timeout
  }

  async #watchSilence(): Promise<void> {
    const watch = new AbortController()
    this.#watch = watch
    for (;;) {
      const left = this.#deadline - this.#o.clock.elapsed()
      if (left <= 0) break
      await this.#o.clock.wait(left, watch.signal)
      if (watch.signal.aborted) return
    }
    const cause = new Error(`no answer for ${this.#o.timeout} ms`)
    this.#break(new YarderError('TIMEOUT', `sending to ${this.#o.name}`, { cause }))
  }

  #closed(): void {
    const cause = new Error('closed by the other side before its answer')
    this.#break(new YarderError('UNREACHABLE', `sending to ${this.#o.name}`, { cause }), true)
  }

  /** The end, with every acknowledgement in. What the peer says to that has no meaning any more (a reset, with Logstash). */
  #bye(): void {
    if (this.#dead) return
    this.#dead = true
    this.#o.onGone()
    this.#gone.resolve(new YarderError('UNREACHABLE', `closed the connection to ${this.#o.name}`))
    this.#socket.end(() => this.#socket.destroy())
  }

  /** `brokeOff`: the peer did it, without a word. */
  #break(reason: YarderError, brokeOff = false): void {
    if (this.#dead) return
    this.#dead = true
    this.#watch?.abort()
    this.#outbox.length = 0
    // An orderly end would be a claim that all is said.
    if (this.#windows.length > 0 && !('encrypted' in this.#socket)) this.#socket.resetAndDestroy()
    else this.#socket.destroy()
    const silent = this.#answers === this.#answersAtHead
    this.#windows.splice(0).forEach((open, i) => {
      const what = {
        acked: open.acked,
        blamed: brokeOff && i === 0 && silent,
        stale: brokeOff && !open.fresh && open.answersBefore === this.#answers
      }
      open.reject(new LostWindow(reason.code, reason.message, what, { cause: reason.cause }))
    })
    this.#o.onGone()
    this.#gone.resolve(reason)
  }
}

/** A reset, as servers answer what they can't read; no refusal and no trouble of the network. */
function isBreakOff(error: Error): boolean {
  return ['ECONNRESET', 'EPIPE', 'ECONNABORTED'].includes(errnoOf(error))
}
