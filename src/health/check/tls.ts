// `tls` check: a certificate is trusted, carries the right name, and holds for a while yet.
import { isIP } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { defineCheck } from '../../core/component.ts'
import { describe } from '../../core/errors.ts'
import { choice, hostPort, optional } from '../../core/field.ts'
import { lintTls, tls as tlsOption, TlsFiles } from '../../core/tls-files.ts'
import { earliestExpiry, expiryFields, judgeExpiry } from '../certificate.ts'
import { chainOf, ConnectionError, dial, secure, shownAddress } from '../connection.ts'
import { worst } from '../range.ts'
import type { Part } from '../range.ts'
import { networkReason } from '../reason.ts'
import { askForTls, STARTTLS } from '../starttls.ts'

export const tls = defineCheck({
  name: 'tls',
  summary: 'Looks at the certificate of a port: its chain, its name, and how long it holds.',
  description:
    'The whole chain counts: an authority that expires first is what is told. With `tls: {insecure_skip_verify: true}` neither chain nor name is judged, only the time.',
  fields: {
    address: hostPort('Where to connect to.', { defaultPort: 443, example: 'shop.example.com:443' }),
    starttls: optional(
      choice(STARTTLS, 'The protocol that is spoken first, where TLS begins only when it is asked for.')
    ),
    ...expiryFields({ warning: '21d', critical: '7d' }),
    tls: tlsOption
  },
  examples: [
    { title: 'A web site', yaml: 'type: tls\naddress: shop.example.com:443\nexpires_warning: 21d' },
    {
      title: 'A mail server, by the name clients use',
      yaml: 'type: tls\naddress: 10.0.0.5:25\nstarttls: smtp\ntls: { server_name: mail.example.com }'
    }
  ],
  *lint(o) {
    yield* lintTls(o.tls)
    if ((o.expires_warning ?? Infinity) < (o.expires_critical ?? 0))
      yield ['expires_warning', 'must not be below expires_critical']
  },
  build(o, context) {
    const { host } = o.address
    const files = new TlsFiles(o.tls, context.configDir, context.log)
    const limits = { warning: o.expires_warning, critical: o.expires_critical }
    const verify = o.tls?.insecure_skip_verify !== true
    const wanted = o.tls?.server_name ?? host
    return async signal => {
      let socket
      try {
        const material = await files.read()
        const started = performance.now()
        socket = await dial(o.address, signal)
        const connected = performance.now()
        if (o.starttls !== undefined) await askForTls(socket, o.starttls)
        const asked = performance.now()
        // What is wrong is looked at here, where it can be said better than by a broken handshake.
        const options = { host, serverName: o.tls?.server_name, context: material.secureContext }
        const peer = await secure(socket, { ...options, rejectUnauthorized: false })
        const chain = chainOf(peer)
        const parts: [Part, ...Part[]] = [judgeExpiry(chain, limits, context.clock.now())]
        if (verify) parts.push(judgeTrust(peer, wanted))
        return {
          ...worst(parts),
          values: {
            connect_seconds: (connected - started) / 1000,
            tls_seconds: (performance.now() - asked) / 1000,
            certificate_expires: earliestExpiry(chain) / 1000
          }
        }
      } catch (error) {
        const reason = error instanceof ConnectionError ? error.reason : networkReason(error)
        return { state: 'critical', reason, message: `${shownAddress(o.address)}: ${describe(error)}` }
      } finally {
        socket?.destroy()
      }
    }
  }
})

/** Chain and name. An end in the past is told by the one who looks at the time. */
function judgeTrust(peer: TLSSocket, wanted: string): Part {
  // By its types an Error, in truth the code of one.
  const fault = peer.authorizationError as unknown as string | null
  const wrongName = checkServerIdentity(wanted, peer.getPeerCertificate(true))
  const parts: string[] = []
  if (fault !== null && fault !== undefined && !/ALTNAME|HAS_EXPIRED/.test(String(fault)))
    parts.push(`the chain is not trusted (${String(fault)})`)
  if (wrongName !== undefined)
    parts.push(`the certificate is not for ${isIP(wanted) === 0 ? wanted : `the address ${wanted}`}`)
  return parts.length === 0
    ? { state: 'ok', reason: 'ok', message: 'trusted' }
    : { state: 'critical', reason: 'tls', message: parts.join('; ') }
}
