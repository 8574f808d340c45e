// Has a SOCKS5 proxy (RFC 1928, 1929) connect an open socket to where it should lead.
import { lookup } from 'node:dns/promises'
import type { Socket } from 'node:net'
import { SocksClient } from 'socks'
import { YarderError } from '../core/errors.ts'
import type { HostPort } from '../core/field.ts'
import type { Proxy } from './dial.ts'

/**
 * Resolves when the socket leads to the address. Rejects with REFUSED when the proxy does not let us or cannot get there,
 * with what the lookup says when names are looked up here; whoever opened the socket closes it.
 */
export async function tunnel(socket: Socket, proxy: Proxy, address: HostPort, timeout: number): Promise<void> {
  const host = proxy.localResolver ? (await lookup(address.host)).address : address.host
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const client = new SocksClient({
    command: 'connect',
    proxy: {
      host: proxy.address.host,
      port: proxy.address.port,
      type: 5,
      ...(proxy.user === undefined ? {} : { userId: proxy.user, password: proxy.password ?? '' })
    },
    destination: { host, port: address.port },
    timeout
  })
  client.once('established', () => resolve())
  client.once('error', ({ message }: Error) => reject(new YarderError('REFUSED', `proxy refused: ${wordsOf(message)}`)))
  client.connect(socket)
  await promise
}

/** `ConnectionRefused` of the library is one word. */
const wordsOf = (message: string): string => message.replace(/[a-z](?=[A-Z])/g, '$& ').toLowerCase()
