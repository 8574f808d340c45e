// Sends parcels as syslog: each record a message, framed for a stream or as a datagram, to the first host that takes it.
import type { Output, Parcel, Rejected, Sent } from '../../core/component.ts'
import { locate, recordId } from '../../core/parcel.ts'
import type { Hosts } from '../hosts.ts'
import type { DatagramLink } from './datagram.ts'
import type { LineMaker } from './line.ts'
import type { StreamLink } from './stream.ts'

export type Framing = 'octet_counting' | 'newline'
export type SyslogLink = StreamLink | DatagramLink

export interface SenderOptions {
  readonly lines: LineMaker
  readonly framing: Framing
  readonly links: readonly SyslogLink[]
  readonly hosts: Hosts<SyslogLink>
  /** Called before the first contact; what it returns is called at the end. Building alone touches nothing. */
  readonly onOpen: () => () => void
  /** Told of messages that were cut. */
  readonly onCut: (count: number) => void
}

export class Sender implements Output {
  readonly repeats = true
  readonly #o: SenderOptions
  #forget: (() => void) | undefined

  constructor(options: SenderOptions) {
    this.#o = options
  }

  get target(): string {
    return this.#o.hosts.order()[0]!.name
  }

  async send(parcel: Parcel, signal: AbortSignal): Promise<Sent> {
    this.#forget ??= this.#o.onOpen()
    const messages = this.#messages(parcel)
    let wire: Buffer | undefined
    const tooLarge = await this.#o.hosts.first(async link => {
      if (!('hurry' in link)) return link.send(messages, signal)
      wire ??= frame(messages, this.#o.framing)
      await link.send(wire, signal)
      return []
    }, signal)
    return { retry: [], rejected: tooLarge.map(index => refused(parcel, index, messages[index]!.length)) }
  }

  /** Contacts the first host that can be. */
  async probe(signal: AbortSignal): Promise<void> {
    this.#forget ??= this.#o.onOpen()
    await this.#o.hosts.first(link => link.knock(signal), signal)
  }

  hurry(): void {
    for (const link of this.#o.links) if ('hurry' in link) link.hurry()
  }

  close(): Promise<void> {
    this.#o.hosts.close()
    for (const link of this.#o.links) link.close()
    this.#forget?.()
    this.#forget = undefined
    return Promise.resolve()
  }

  #messages(parcel: Parcel): Buffer[] {
    const { lines } = this.#o
    const before = lines.cut
    const messages: Buffer[] = []
    for (const { records, from, to } of parcel.parts)
      for (let row = from; row < to; row++) messages.push(lines.make(records, row))
    if (lines.cut > before) this.#o.onCut(lines.cut - before)
    return messages
  }
}

/** Messages one after the other on a stream: RFC 6587, 3.4.1 with their lengths in front, 3.4.2 with a line feed behind. */
export function frame(messages: readonly Buffer[], framing: Framing): Buffer {
  const parts: Buffer[] = []
  for (const message of messages)
    if (framing === 'octet_counting') parts.push(Buffer.from(`${message.length} `), message)
    else parts.push(message, LINE_FEED)
  return Buffer.concat(parts)
}

const LINE_FEED = Buffer.from('\n')

function refused(parcel: Parcel, index: number, bytes: number): Rejected {
  const { records, row } = locate(parcel, index)
  return { index, reason: `larger than a datagram can be here: ${bytes} bytes`, id: recordId(records, row) }
}
