// The ways to a StatsD server: datagrams by UDP or to a Unix socket, or a stream of lines by TCP or over a Unix socket.
import type { Clock } from '../../../core/clock.ts'
import { Connection } from '../push/connection.ts'
import { MTU } from './packets.ts'
import { UdpSender } from './udp.ts'
import { UnixDatagramSender } from './unixgram.ts'

/** Hands over packets of lines. */
export interface Sender {
  /** Not called again before it has answered. Rejects with the first error; the rest is not sent then. */
  send(packets: readonly string[]): Promise<void>
  /** Idempotent. */
  close(): Promise<void>
}

export const TRANSPORTS = ['udp', 'tcp', 'unix', 'unixgram'] as const
export type Transport = (typeof TRANSPORTS)[number]

/** What a packet holds at most, bytes: nothing on the way to the same host has to cut it, and a stream has no packets. */
export const mostBytesOf = (transport: Transport): number => (transport === 'udp' ? MTU : 8192)

export interface SenderOptions {
  readonly transport: Transport
  readonly host: string
  readonly port: number
  /** Of a Unix socket. */
  readonly path: string
  /** How long connecting, and the peer's taking of one packet, may last, milliseconds; where there is a stream. */
  readonly timeout: number
  readonly clock: Clock
  /** For errors that come when no `send` is running. */
  readonly onError: (error: unknown) => void
}

/** Opens nothing before the first packets. */
export function createSender(o: SenderOptions): Sender {
  if (o.transport === 'udp') return new UdpSender(o)
  if (o.transport === 'unixgram') return new UnixDatagramSender(o.path, o.clock)
  const to = o.transport === 'unix' ? { path: o.path } : { host: o.host, port: o.port }
  const connection = new Connection({ to, timeout: o.timeout })
  return {
    send: packets => connection.send(packets.map(packet => `${packet}\n`)),
    close: () => connection.close()
  }
}
