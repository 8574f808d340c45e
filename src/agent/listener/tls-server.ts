// TLS for the listener, in the words of Prometheus' web config; files are read again when they change.
//   https://prometheus.io/docs/prometheus/latest/configuration/https/
import { readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:https'
import type { Server, ServerOptions } from 'node:https'
import { resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import type { SecureContextOptions, TLSSocket } from 'node:tls'
import { describe, YarderError } from '../../core/errors.ts'
import * as f from '../../core/field.ts'
import type { Log } from '../../core/log.ts'

const CLIENT_AUTH = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert'
] as const

export const tlsServerFields = {
  cert_file: f.string('PEM file with the certificate, chain included.', { example: '/etc/yarder/web.pem' }),
  key_file: f.string('PEM file with its key.', { example: '/etc/yarder/web.key' }),
  client_ca_file: f.optional(f.string('PEM file with the authorities that certificates of clients are checked by.')),
  client_auth_type: f.choice(CLIENT_AUTH, 'Whether clients must show a certificate, and whether it is checked.', {
    default: 'NoClientCert'
  }),
  min_version: f.choice(['TLS12', 'TLS13'], 'The oldest version that is spoken.', { default: 'TLS12' })
}
export type TlsServerOptions = f.Values<typeof tlsServerFields>

/** Files are looked at so often. */
const LOOK_EVERY_MS = 10_000

/** What of these options does not go together. */
export function* lintTlsServer(o: TlsServerOptions | undefined): Iterable<readonly [option: string, message: string]> {
  const verifies =
    o?.client_auth_type === 'VerifyClientCertIfGiven' || o?.client_auth_type === 'RequireAndVerifyClientCert'
  if (verifies && o?.client_ca_file === undefined)
    yield ['client_ca_file', `is required with client_auth_type ${o?.client_auth_type}`]
  if (!verifies && o?.client_ca_file !== undefined)
    yield [
      'client_ca_file',
      `has no effect with client_auth_type ${o.client_auth_type}; RequireAndVerifyClientCert uses it`
    ]
}

/** A server that speaks TLS. Throws STORAGE when the files can't be used; later a bad replacement is told and the former stays. */
export function createTlsServer(tls: TlsServerOptions, http: ServerOptions, configDir: string, log: Log): Server {
  const paths = [tls.cert_file, tls.key_file, tls.client_ca_file].map(p =>
    p === undefined ? p : resolve(configDir, p)
  )
  const files = paths.filter(path => path !== undefined)
  const read = (): SecureContextOptions => {
    const [cert, key, ca] = paths.map(path => (path === undefined ? path : readFileSync(path)))
    const material = {
      minVersion: tls.min_version === 'TLS13' ? ('TLSv1.3' as const) : ('TLSv1.2' as const),
      cert: cert!,
      key: key!,
      ...(ca === undefined ? {} : { ca })
    }
    createSecureContext(material)
    return material
  }
  const fingerprint = (): string =>
    files
      .map(file => statSync(file, { throwIfNoEntry: false }))
      .map(s => `${s?.ino}:${s?.size}:${s?.mtimeMs}`)
      .join(' ')

  const type = tls.client_auth_type
  let seen = fingerprint()
  let server: Server
  try {
    server = createServer({
      ...http,
      ...read(),
      requestCert: type !== 'NoClientCert',
      rejectUnauthorized: type === 'RequireAndVerifyClientCert'
    })
  } catch (error) {
    throw new YarderError('STORAGE', `reading the TLS files ${files.join(', ')} of the listener`, { cause: error })
  }
  server.on('secureConnection', socket => {
    if (!isWelcome(socket, type)) socket.destroy()
  })
  const timer = setInterval(() => {
    const now = fingerprint()
    if (now === seen) return
    seen = now
    try {
      server.setSecureContext(read())
      log.info({ files }, 'TLS files of the listener read again.')
    } catch (error) {
      log.warn({ files, reason: describe(error) }, 'Changed TLS files of the listener are unusable; the former stay.')
    }
  }, LOOK_EVERY_MS)
  timer.unref()
  server.on('close', () => clearInterval(timer))
  return server
}

/** Node itself knows only "none is asked for" and "a good one is required". */
function isWelcome(socket: TLSSocket, type: (typeof CLIENT_AUTH)[number]): boolean {
  const shown = Object.keys(socket.getPeerCertificate()).length > 0
  if (type === 'RequireAnyClientCert') return shown
  return type !== 'VerifyClientCertIfGiven' || !shown || socket.authorized
}
