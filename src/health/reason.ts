// Names what kept a check from its target in one word of the closed set.
import type { CheckReason } from '../core/component.ts'
import { errnoOf } from '../core/errors.ts'

const DNS = /^(ENOTFOUND|EAI_\w+|ENODATA|ESERVFAIL|EREFUSED|ETIMEOUT|EBADNAME)$/
const CONNECT = /^(ECONNREFUSED|ECONNRESET|EPIPE|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EADDRNOTAVAIL|EACCES|ENOENT)$/
// Errors of the handshake (EPROTO, ERR_SSL_…) and of OpenSSL's verification (CERT_…, UNABLE_TO_…, …_SELF_SIGNED_…).
const TLS = /^(EPROTO|ERR_TLS_\w+|ERR_SSL_\w+|CERT_\w+|UNABLE_TO_\w+|\w*SELF_SIGNED\w*|HOSTNAME_MISMATCH|INVALID_\w+)$/

/** The stage at which a connection failed. */
export function networkReason(error: unknown): CheckReason {
  const errno = errnoOf(error)
  if (DNS.test(errno)) return 'dns'
  if (TLS.test(errno)) return 'tls'
  if (errno.startsWith('HPE_')) return 'protocol'
  return CONNECT.test(errno) ? 'connect' : 'error'
}
