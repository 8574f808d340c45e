// Opens a connection for a check, stage by stage, so that a failure is named by its stage.
import { connect, isIP } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { DetailedPeerCertificate, SecureContext, TLSSocket } from 'node:tls'
import type { CheckReason } from '../core/component.ts'
import type { HostPort } from '../core/field.ts'
import { networkReason } from './reason.ts'

/** That a connection did not come about; its cause says the rest. */
export class ConnectionError extends Error {
  readonly reason: CheckReason

  constructor(reason: CheckReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

export const shownAddress = ({ host, port }: HostPort): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

/** A connection that stands. It is the caller's to destroy; rejects with ConnectionError. */
export async function dial(at: HostPort, signal: AbortSignal): Promise<Socket> {
  const { host, port } = at
  const socket = connect({ host, port, signal })
  try {
    await settled(socket, 'connect')
    return socket
  } catch (cause) {
    throw new ConnectionError(networkReason(cause), `connecting to ${shownAddress(at)}`, { cause })
  }
}

export interface Handshake {
  readonly host: string
  /** Name that the certificate must carry, when it is not `host`. */
  readonly serverName: string | undefined
  readonly context: SecureContext
  readonly rejectUnauthorized: boolean
}

/** Makes a connection that stands one of TLS. Rejects with ConnectionError. */
export async function secure(socket: Socket, { host, serverName, ...h }: Handshake): Promise<TLSSocket> {
  const name = serverName ?? (isIP(host) === 0 ? host : undefined)
  const upgraded = connectTls({
    socket,
    host: serverName ?? host,
    // An address is no name that could be asked for (RFC 6066, section 3).
    ...(name === undefined ? {} : { servername: name }),
    secureContext: h.context,
    rejectUnauthorized: h.rejectUnauthorized
  })
  try {
    await settled(upgraded, 'secureConnect')
    return upgraded
  } catch (cause) {
    upgraded.destroy()
    throw new ConnectionError('tls', `speaking TLS with ${host}`, { cause })
  }
}

/** Resolves at the event; rejects when the connection ends before it. */
function settled(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    // The listener stays for the socket's life: an error may follow the end.
    socket.on('error', reject)
    socket.once('close', () => reject(new Error('the peer closed the connection')))
    socket.once(event, () => resolve())
  })
}

/** The certificates that a peer has shown, its own first. */
export function chainOf(socket: TLSSocket): DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = []
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  while (next?.valid_to !== undefined && !chain.some(c => c.fingerprint256 === next?.fingerprint256)) {
    chain.push(next)
    next = next.issuerCertificate as DetailedPeerCertificate | undefined
  }
  return chain
}
