// Opens a TCP connection, plain or TLS, within a deadline.
import { connect as connectTcp, isIP } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Clock } from '../core/clock.ts'
import { YarderError } from '../core/errors.ts'
import type { HostPort } from '../core/field.ts'
import type { TlsMaterial } from '../core/tls-files.ts'

/** TCP keep-alive, for peers that vanish while nothing is on its way. */
const KEEP_ALIVE_MS = 30_000

/** `host:port`, an IPv6 address in brackets. */
export const nameOf = ({ host, port }: HostPort): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

export interface DialOptions {
  readonly address: HostPort
  /** Undefined speaks plain TCP. */
  readonly tls: TlsMaterial | undefined
  /** For everything, the TLS handshake included. */
  readonly timeoutMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * A socket that is ready to be written to. Rejects with UNREACHABLE, TIMEOUT, or REFUSED when a certificate was not
 * taken. With TLS 1.3 the server judges ours only afterwards: its refusal comes as an error of the first read.
 */
export async function dial(o: DialOptions): Promise<Socket> {
  const doing = `connecting to ${nameOf(o.address)}`
  if (o.signal.aborted) throw new YarderError('UNREACHABLE', doing, { cause: o.signal.reason })
  const socket = open(o)
  const settled = new AbortController()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onAbort = (): void => reject(new YarderError('UNREACHABLE', doing, { cause: o.signal.reason }))
  socket.once(o.tls === undefined ? 'connect' : 'secureConnect', resolve)
  // It stays: an error after the deadline has nobody else to hear it.
  socket.on('error', error => reject(socketError(doing, error)))
  socket.once('close', () => reject(socketError(doing, new Error('closed by the other side'))))
  o.signal.addEventListener('abort', onAbort, { once: true })
  void o.clock.wait(o.timeoutMs, settled.signal).then(() => {
    const cause = new Error(`no connection within ${o.timeoutMs} ms`)
    if (!settled.signal.aborted) reject(new YarderError('TIMEOUT', doing, { cause }))
  })
  try {
    await promise
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    settled.abort()
    o.signal.removeEventListener('abort', onAbort)
  }
}

function open({ address, tls }: DialOptions): Socket {
  const { host, port } = address
  const common = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }
  if (tls === undefined) return connectTcp(common)
  const servername = tls.servername ?? (isIP(host) === 0 ? host : undefined)
  return connectTls({
    ...common,
    secureContext: tls.secureContext,
    rejectUnauthorized: tls.rejectUnauthorized,
    ...(servername === undefined ? {} : { servername })
  })
}

/** What went wrong with a socket, with its errno; what the server has against our certificate or TLS is a refusal, and said as one. */
export function socketError(doing: string, error: Error): YarderError {
  const { code, reason } = error as NodeJS.ErrnoException & { reason?: unknown }
  // OpenSSL's message is a line of its source; its reason is the words.
  const cause =
    typeof reason === 'string' && code?.startsWith('ERR_SSL_') === true
      ? Object.assign(new Error(reason), { code })
      : error
  const refusal = /ALERT_.*CERT|ALERT_UNKNOWN_CA|ALERT_ACCESS_DENIED/.test(code ?? '')
    ? 'certificate refused'
    : code?.endsWith('ALERT_HANDSHAKE_FAILURE') === true
      ? 'handshake refused'
      : undefined
  if (refusal !== undefined) return new YarderError('REFUSED', `${refusal}: ${doing}`, { cause })
  return new YarderError('UNREACHABLE', doing, { cause })
}
