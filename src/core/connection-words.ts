// What the errors of sockets and of TLS mean, in words that say what to do about them.
import { describe } from './errors.ts'

const AUTHORITY = 'name the authority of its certificate in tls.ca_file'
const OWN_CERTIFICATE = 'give one that it knows in tls.cert_file and tls.key_file'

/** What to do, by the code of the system, of Node or of OpenSSL. */
const ADVICE: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such name; is it spelt right?',
  ECONNREFUSED: 'is it running, is the port right, does a firewall refuse?',
  EAI_AGAIN: 'the name servers of this host do not answer',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: AUTHORITY,
  DEPTH_ZERO_SELF_SIGNED_CERT: AUTHORITY,
  ERR_TLS_CERT_ALTNAME_INVALID: 'use a name that it has, or give one in tls.server_name',
  CERT_HAS_EXPIRED: 'that of the server has to be renewed',
  CERT_NOT_YET_VALID: 'is the clock of this host right?',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server speaks no TLS there'
}

/** What to do when a server that was spoken to without TLS may want it. */
const WRITE_HTTPS = 'if the server speaks TLS, write https://'

/** Whether a server's own words about a plain request are that it wants TLS: those of nginx, Go and Apache. */
export const wantsTls = (words: string): boolean =>
  /plain HTTP request was sent to HTTPS port|HTTP request to an HTTPS server|speaking plain HTTP to an SSL/i.test(words)

/** The same error, when it is of a connection that ended before the first answer to a plain request came. */
export function endedPlain(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const code = codeOf(error)
  const { rawPacket } = error as { rawPacket?: unknown }
  // An alert of TLS, RFC 8446, 5.1: its type, and a version that begins with 3.
  if (rawPacket instanceof Uint8Array && rawPacket[0] === 0x15 && rawPacket[1] === 3)
    return Object.assign(new Error('it answered in TLS; write https://'), { code })
  if (code !== 'ECONNRESET' && code !== 'EPIPE') return error
  const said = error.message === 'socket hang up' ? `closed without an answer (${code})` : error.message
  return Object.assign(new Error(`${said}; ${WRITE_HTTPS}`), { code })
}

/** The server's objection, when it is one to our certificate or to all our ways to speak TLS. */
export function objectionIn(error: unknown): 'certificate refused' | 'handshake refused' | undefined {
  const code = codeOf(error)
  if (/ALERT_.*CERT|ALERT_UNKNOWN_CA|ALERT_ACCESS_DENIED/.test(code)) return 'certificate refused'
  return code.endsWith('ALERT_HANDSHAKE_FAILURE') ? 'handshake refused' : undefined
}

/** The same error, with its code, as a phrase that says what to do; as it is when nothing better is known. */
export function inWords(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const code = codeOf(error)
  const said = phraseOf(error)
  const known = ADVICE[/wrong version number/.test(said) ? 'ERR_SSL_WRONG_VERSION_NUMBER' : code]
  const advice = known ?? (objectionIn(error) === 'certificate refused' ? OWN_CERTIFICATE : undefined)
  if (said === error.message && advice === undefined) return error
  // OpenSSL's codes are its words once more.
  const named = said.includes(code) || code.startsWith('ERR_SSL_') ? said : `${said} (${code})`
  return Object.assign(new Error(advice === undefined ? named : `${named}; ${advice}`), { code })
}

/** OpenSSL's message is a line of its source, in which the reason is the words; Node adds advice of its own. */
function phraseOf(error: Error): string {
  const { reason } = error as { reason?: unknown }
  if (typeof reason === 'string' && codeOf(error).startsWith('ERR_SSL_')) return reason
  // Every address of a name was tried.
  if (error instanceof AggregateError && error.message === '') return describe(error)
  const inLine = /\berror:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/.exec(error.message)?.[1]
  return inLine ?? error.message.replace(/; if the root CA is installed locally.*/s, '')
}

const codeOf = (error: unknown): string => {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return typeof code === 'string' ? code : ''
}
