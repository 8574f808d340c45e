// Sends parcels as Lumberjack windows: over several hosts, in as many windows as it takes, around records that can't be sent.
import type { Output, Parcel, Rejected, Sent } from '../../core/component.ts'
import { describe, YarderError } from '../../core/errors.ts'
import { cutParcel, locate, recordId, startOf } from '../../core/parcel.ts'
import { LostWindow } from './connection.ts'
import type { Connection } from './connection.ts'
import { MOST_EVENTS, TOO_LARGE } from './frames.ts'
import type { WindowFrames } from './frames.ts'
import type { Hosts } from '../hosts.ts'
import type { Link } from './link.ts'
import { refusalOf, search, Suspicion } from './search.ts'
import type { Found } from './search.ts'
import type { SlowStart } from './window.ts'

export interface SenderOptions {
  readonly links: readonly Link[]
  readonly hosts: Hosts<Link>
  readonly makeFrames: () => WindowFrames
  readonly slowStart: SlowStart | undefined
  /** Called before the first contact; what it returns is called at the end. Building alone touches nothing. */
  readonly onOpen: () => () => void
}

export class Sender implements Output {
  readonly target: string
  readonly repeats = true
  readonly #o: SenderOptions
  readonly #suspicion = new Suspicion()
  /** Buffers that no window uses now; there are never more than windows at a time. */
  readonly #frames: WindowFrames[] = []
  #forget: (() => void) | undefined

  constructor(options: SenderOptions) {
    this.#o = options
    this.target = options.links.map(link => link.name).join(', ')
  }

  async send(parcel: Parcel, signal: AbortSignal): Promise<Sent> {
    this.#forget ??= this.#o.onOpen()
    const frames = this.#frames.pop() ?? this.#o.makeFrames()
    try {
      return await this.#send(parcel, frames, signal)
    } finally {
      this.#frames.push(frames)
    }
  }

  /** Connects to the first host that lets us; nothing is sent. */
  async probe(signal: AbortSignal): Promise<void> {
    this.#forget ??= this.#o.onOpen()
    await this.#o.hosts.first(link => link.knock(signal), signal)
  }

  /** What the first host that lets us speaks; no record is sent. */
  async examine(signal: AbortSignal): Promise<void> {
    this.#forget ??= this.#o.onOpen()
    await this.#o.hosts.first(link => link.examine(signal), signal)
  }

  close(): Promise<void> {
    this.#o.hosts.close()
    for (const link of this.#o.links) link.close()
    this.#forget?.()
    return Promise.resolve()
  }

  async #send(parcel: Parcel, frames: WindowFrames, signal: AbortSignal): Promise<Sent> {
    const rejected: Rejected[] = tooLarge(parcel)
    const retry: number[] = []
    const ranges = rangesAround(parcel, rejected)
    const giveBack = (from: number, to: number): void => {
      for (let index = from; index < to; index++) retry.push(index)
    }
    let answered = rejected.length
    for (let range = ranges.shift(); range !== undefined; range = ranges.shift()) {
      const [from, to] = range
      try {
        const { records, row } = locate(parcel, from)
        if (this.#suspicion.holds(records, row)) {
          const found = await this.#search(parcel, from, to, frames, signal)
          answered += to - from - found.open.length
          rejected.push(...found.refused.map(index => named(parcel, index, refusalOf(found.broken))))
          retry.push(...found.open)
          if (found.error === undefined) continue
          for (const rest of ranges) giveBack(...rest)
          return { retry, rejected, reason: describe(found.error) }
        }
        const size = Math.min(to - from, this.#o.slowStart?.size ?? Infinity, MOST_EVENTS)
        await this.#window(parcel, from, from + size, frames, signal)
        answered += size
        if (from + size < to) ranges.unshift([from + size, to])
      } catch (error) {
        const acked = error instanceof LostWindow ? error.acked : 0
        answered += acked
        if (answered === 0) throw error
        giveBack(from + acked, to)
        for (const rest of ranges) giveBack(...rest)
        return { retry, rejected, reason: describe(error) }
      }
    }
    return { retry, rejected }
  }

  /** The first host that acknowledges the window; rejects with the last error, at once where part of it was taken. */
  async #window(parcel: Parcel, from: number, to: number, frames: WindowFrames, signal: AbortSignal): Promise<void> {
    const { hosts, slowStart } = this.#o
    const { records, row } = locate(parcel, from)
    const wire = await frames.build(cutParcel(parcel, from, to))
    let last: unknown = new YarderError('UNREACHABLE', `sending to ${this.target}`)
    for (const link of hosts.order()) {
      try {
        await this.#onLink(link, wire, to - from, signal)
        hosts.good(link)
        slowStart?.acknowledged(to - from)
        return
      } catch (error) {
        if (signal.aborted) throw error
        last = error
        hosts.bad(link, error)
        if (!(error instanceof LostWindow)) continue
        slowStart?.failed()
        if (error.blamed) this.#suspicion.note(records, row)
        if (error.acked > 0 || this.#suspicion.holds(records, row)) throw error
      }
    }
    throw last
  }

  /** A connection that the server had closed meanwhile is no failure: once more at once, on a new one. */
  async #onLink(link: Link, wire: Buffer, count: number, signal: AbortSignal): Promise<void> {
    try {
      await link.send(wire, count, signal)
    } catch (error) {
      if (!(error instanceof LostWindow && error.stale) || signal.aborted) throw error
      await link.send(wire, count, signal)
    }
  }

  /** A window that is broken off again and again goes on in pieces, on a connection of its own. */
  async #search(
    parcel: Parcel,
    from: number,
    to: number,
    frames: WindowFrames,
    signal: AbortSignal
  ): Promise<Found & { broken: unknown }> {
    const link = this.#o.hosts.order()[0]!
    let connection: Connection | undefined
    let broken: unknown
    const attempt = async (a: number, b: number): Promise<number> => {
      const wire = await frames.build(cutParcel(parcel, a, b))
      if (connection === undefined || connection.gone) connection = await link.alone(signal)
      try {
        await connection.send(wire, b - a, signal)
        this.#o.hosts.good(link)
        return b - a
      } catch (error) {
        if (!(error instanceof LostWindow)) throw error
        if (error.acked === 0 && !error.blamed && !error.stale) throw error
        broken = error
        return error.acked
      }
    }
    try {
      const found = await search(from, to, attempt)
      if (found !== undefined) return { ...found, broken }
      throw new YarderError(
        'UNREACHABLE',
        `${link.name} breaks off at every record; is it a Beats input, and TLS as here?`,
        {
          cause: broken
        }
      )
    } catch (error) {
      this.#o.hosts.bad(link, error)
      throw error
    } finally {
      connection?.retire()
    }
  }
}

/** Documents that Logstash's JSON reader would break the connection at. */
function tooLarge(parcel: Parcel): Rejected[] {
  if (parcel.bytes < TOO_LARGE) return []
  const rejected: Rejected[] = []
  let index = 0
  for (const { records, from, to } of parcel.parts) {
    for (let row = from; row < to; row++, index++) {
      const bytes = records.ends[row]! - startOf(records, row)
      if (bytes < TOO_LARGE) continue
      rejected.push(named(parcel, index, `larger than Logstash reads: ${bytes} bytes, at most ${TOO_LARGE - 1}`))
    }
  }
  return rejected
}

function rangesAround(parcel: Parcel, rejected: readonly Rejected[]): Array<readonly [from: number, to: number]> {
  const ends = [...rejected.map(r => r.index), parcel.count]
  return ends.map((end, i) => [i === 0 ? 0 : ends[i - 1]! + 1, end] as const).filter(([from, to]) => from < to)
}

function named(parcel: Parcel, index: number, reason: string): Rejected {
  const { records, row } = locate(parcel, index)
  return { index, reason, id: recordId(records, row) }
}
