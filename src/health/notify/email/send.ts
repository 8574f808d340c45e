// Words a mail and hands it to the server with nodemailer, and says what a refusal means.
import { createHash } from 'node:crypto'
import { createTransport } from 'nodemailer'
import type { Context, Notification } from '../../../core/component.ts'
import { YarderError } from '../../../core/errors.ts'
import type { HostPort } from '../../../core/field.ts'
import type { Template } from '../../../core/template.ts'
import { TlsFiles } from '../../../core/tls-files.ts'
import type { TlsOptions } from '../../../core/tls-files.ts'
import { lineOf } from '../document.ts'
import { fillingOf, worded } from '../templates.ts'

export interface MailOptions {
  readonly server: HostPort
  readonly encryption: 'starttls' | 'tls' | 'none'
  readonly user: string | undefined
  readonly password: string | undefined
  readonly from: string
  readonly to: readonly string[]
  readonly subject: Template | undefined
  readonly body: Template | undefined
  /** Milliseconds for all of it. */
  readonly timeout: number
  readonly tls: TlsOptions | undefined
}

/** RFC 5322 asks for lines of at most 998 characters; nobody reads a subject that long. */
const MAX_SUBJECT = 200

/** Resolves when the server has taken it for at least one receiver; rejects with YarderError. */
export async function sendMail(
  o: MailOptions,
  context: Context,
  notification: Notification,
  host: string,
  signal: AbortSignal
): Promise<void> {
  const { server, encryption, user, password } = o
  const what = `mailing by ${server.host}:${server.port}`
  const limit = AbortSignal.timeout(o.timeout)
  const transport = createTransport({
    host: server.host,
    port: server.port,
    secure: encryption === 'tls',
    requireTLS: encryption === 'starttls',
    ignoreTLS: encryption === 'none',
    // It would ask for what interfaces there are, and find none but loopback's.
    allowInternalNetworkInterfaces: true,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(user === undefined ? {} : { auth: { user, pass: password } }),
    ...(encryption === 'none' ? {} : { tls: await tlsOf(o.tls, context) })
  })
  try {
    const mail = mailOf(o, notification, host)
    const { rejected, response } = await transport.sendMail({ ...mail, signal: AbortSignal.any([limit, signal]) })
    if (rejected.length > 0)
      context.log.warn({ rejected, response }, 'A mail was refused for some of its receivers, and taken for others.')
  } catch (error) {
    if (limit.aborted) throw new YarderError('TIMEOUT', `${what}: timed out after ${o.timeout / 1000} s`)
    throw refusal(what, error)
  } finally {
    transport.close()
  }
}

async function tlsOf(options: TlsOptions | undefined, { configDir, log }: Context) {
  const { secureContext, servername, rejectUnauthorized } = await new TlsFiles(options, configDir, log).read()
  return { secureContext, rejectUnauthorized, ...(servername === undefined ? {} : { servername }) }
}

/** RFC 5321, 4.2.1: 5yz will be said again, 4yz perhaps not; without an answer it is the connection that failed. */
function refusal(what: string, error: unknown): YarderError {
  const { responseCode, code } = error as { responseCode?: number; code?: string }
  if (responseCode !== undefined)
    return new YarderError(responseCode >= 500 ? 'CONFIG' : 'REFUSED', what, { cause: error })
  const final = ['EENVELOPE', 'EMESSAGE', 'EAUTH', 'ENOAUTH', 'ECONFIG'].includes(code ?? '')
  return new YarderError(final ? 'CONFIG' : 'UNREACHABLE', what, { cause: error })
}

function mailOf(o: MailOptions, n: Notification, host: string) {
  const line = lineOf(n, host)
  const filling = fillingOf(n, host)
  const domain = /@([^\s@<>]+?)>?$/.exec(o.from)![1]!
  const idOf = (of: string): string => `<${createHash('sha256').update(of).digest('hex').slice(0, 32)}@${domain}>`
  return {
    from: o.from,
    to: [...o.to],
    subject: worded(o.subject, filling, line).replace(/\s+/g, ' ').slice(0, MAX_SUBJECT),
    text: worded(o.body, filling, tellAll(n, host)),
    messageId: idOf(JSON.stringify(filling.fields)),
    // Of a mail that never was: readers of mail put those together that answer the same one.
    references: idOf(`${host}\n${n.check}`),
    // RFC 3834: no vacation answers to a machine.
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Yarder-Check': n.check, 'X-Yarder-State': n.state }
  }
}

function tellAll(n: Notification, host: string): string {
  const rows = [
    ['Check', `${n.check} (${n.type})`],
    ['State', `${n.state} since ${new Date(n.since).toISOString()}`],
    ['Before', `${n.previous} since ${new Date(n.previousSince).toISOString()}`],
    ['Reason', n.reason],
    ['Host', host],
    ...(n.owner === undefined ? [] : [['Owner', n.owner]])
  ]
  return `${lineOf(n, host)}\n\n${rows.map(([name, value]) => `${`${name}:`.padEnd(8)} ${value}`).join('\n')}\n`
}
