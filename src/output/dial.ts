// Opens a TCP connection, plain or TLS, straight or through a SOCKS5 proxy, within a deadline.
import { connect as connectTcp, isIP } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Clock } from '../core/clock.ts'
import { inWords, objectionIn } from '../core/connection-words.ts'
import { YarderError } from '../core/errors.ts'
import type { HostPort } from '../core/field.ts'
import type { TlsMaterial } from '../core/tls-files.ts'

/** TCP keep-alive, for peers that vanish while nothing is on its way. */
const KEEP_ALIVE_MS = 30_000

/** `host:port`, an IPv6 address in brackets. */
export const nameOf = ({ host, port }: HostPort): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

/** A SOCKS5 proxy. */
export interface Proxy {
  readonly address: HostPort
  readonly user: string | undefined
  readonly password: string | undefined
  /** Names are looked up here, and not by the proxy. */
  readonly localResolver: boolean
}

export interface DialOptions {
  readonly address: HostPort
  readonly proxy?: Proxy | undefined
  /** Undefined speaks plain TCP. */
  readonly tls: TlsMaterial | undefined
  /** For everything, the TLS handshake included. */
  readonly timeoutMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * A socket that is ready to be written to. Rejects with UNREACHABLE, TIMEOUT, or REFUSED when a certificate was not
 * taken or a proxy lets nobody through. With TLS 1.3 the server judges ours only afterwards: its refusal comes as an
 * error of the first read.
 */
export async function dial(o: DialOptions): Promise<Socket> {
  const by = o.proxy === undefined ? '' : ` by the proxy ${nameOf(o.proxy.address)}`
  const doing = `connecting to ${nameOf(o.address)}${by}`
  if (o.signal.aborted) throw new YarderError('UNREACHABLE', doing, { cause: o.signal.reason })
  const sockets: Socket[] = []
  const settled = new AbortController()
  const { promise: failed, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(new YarderError('UNREACHABLE', doing, { cause: o.signal.reason }))
  const heard = <S extends Socket>(socket: S): S => {
    sockets.push(socket)
    // It stays: an error after the deadline has nobody else to hear it.
    socket.on('error', error => reject(socketError(doing, error)))
    socket.once('close', () => reject(socketError(doing, new Error('closed by the other side'))))
    return socket
  }
  o.signal.addEventListener('abort', onAbort, { once: true })
  void o.clock.wait(o.timeoutMs, settled.signal).then(() => {
    const cause = new Error(`no connection within ${o.timeoutMs} ms`)
    if (!settled.signal.aborted) reject(new YarderError('TIMEOUT', doing, { cause }))
  })
  try {
    return await Promise.race([open(o, doing, heard), failed])
  } catch (error) {
    for (const socket of sockets) socket.destroy()
    throw error
  } finally {
    settled.abort()
    o.signal.removeEventListener('abort', onAbort)
  }
}

/** Never settles when a socket fails on the way: `heard` tells of that. */
async function open(o: DialOptions, doing: string, heard: <S extends Socket>(socket: S) => S): Promise<Socket> {
  const { address, proxy, tls } = o
  const to = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS, ...(proxy?.address ?? address) }
  const way = heard(connectTcp(to))
  await event(way, 'connect')
  if (proxy !== undefined) {
    // Few need it, and its import is not free.
    const { tunnel } = await import('./socks.ts')
    await tunnel(way, proxy, address, o.timeoutMs).catch((error: unknown) => {
      throw error instanceof YarderError
        ? new YarderError(error.code, `${error.message}: ${doing}`)
        : new YarderError('UNREACHABLE', doing, { cause: error })
    })
  }
  if (tls === undefined) return way
  const servername = tls.servername ?? (isIP(address.host) === 0 ? address.host : undefined)
  const secured = heard(
    connectTls({
      socket: way,
      host: address.host,
      secureContext: tls.secureContext,
      rejectUnauthorized: tls.rejectUnauthorized,
      ...(servername === undefined ? {} : { servername })
    })
  )
  await event(secured, 'secureConnect')
  return secured
}

const event = (socket: Socket, name: string): Promise<void> => new Promise(resolve => socket.once(name, resolve))

/** What went wrong with a socket, with its errno; what the server has against our certificate or TLS is a refusal, and said as one. */
export function socketError(doing: string, error: Error): YarderError {
  const objection = objectionIn(error)
  const cause = inWords(error)
  if (objection !== undefined) return new YarderError('REFUSED', `${objection}: ${doing}`, { cause })
  return new YarderError('UNREACHABLE', doing, { cause })
}
