// The plain words before TLS: how each protocol is asked to turn to it on a connection that stands.
import type { Socket } from 'node:net'
import { ConnectionError } from './connection.ts'

/** One turn: what is said, and how the peer's answer ends and is right. */
interface Turn {
  readonly say?: string
  /** Matches once the answer is whole. */
  readonly whole: RegExp
  readonly good: RegExp
}

/** SMTP and FTP end a reply with a line whose code is followed by a blank. */
const REPLY = /^\d{3} [^\n]*\n/m

/**
 * RFC 3207 (SMTP), RFC 9051 section 6.2.1 (IMAP), RFC 2595 (POP3), RFC 4217 (FTP), RFC 4511 section 4.14 (LDAP), and
 * PostgreSQL's "Frontend/Backend Protocol", SSLRequest. Bytes that are no text stand as Latin-1.
 */
const DIALOGUES = {
  smtp: [
    { whole: REPLY, good: /^220 /m },
    { say: 'EHLO yarder\r\n', whole: REPLY, good: /^250[ -]STARTTLS\b/im },
    { say: 'STARTTLS\r\n', whole: REPLY, good: /^220 /m }
  ],
  imap: [
    { whole: /^\* [^\n]*\n/m, good: /^\* (OK|PREAUTH)\b/im },
    { say: 'y1 STARTTLS\r\n', whole: /^y1 [^\n]*\n/m, good: /^y1 OK\b/im }
  ],
  pop3: [
    { whole: /\n/, good: /^\+OK/ },
    { say: 'STLS\r\n', whole: /\n/, good: /^\+OK/ }
  ],
  ftp: [
    { whole: REPLY, good: /^220 /m },
    { say: 'AUTH TLS\r\n', whole: REPLY, good: /^234 /m }
  ],
  ldap: [
    {
      say: `\x30\x1d\x02\x01\x01\x77\x18\x80\x16${'1.3.6.1.4.1.1466.20037'}`,
      whole: /^\x30[^]{6,}\x0a\x01[^]/,
      good: /^\x30[^]{6,}\x0a\x01\x00/
    }
  ],
  postgres: [{ say: '\x00\x00\x00\x08\x04\xd2\x16\x2f', whole: /^[^]/, good: /^S/ }]
} as const satisfies Record<string, readonly Turn[]>

export type StartTls = keyof typeof DIALOGUES
export const STARTTLS = ['smtp', 'imap', 'pop3', 'ftp', 'ldap', 'postgres'] as const satisfies readonly StartTls[]

const MAX_ANSWER = 16 * 1024

/** Goes through the dialogue; what follows on the socket is TLS. Rejects with ConnectionError. */
export async function askForTls(socket: Socket, protocol: StartTls): Promise<void> {
  for (const turn of DIALOGUES[protocol] as readonly Turn[]) {
    const said = await exchange(socket, turn)
    if (turn.good.test(said)) continue
    const what = turn.say === undefined ? 'greeted with' : `answered ${shown(turn.say)} with`
    throw new ConnectionError('protocol', `the peer ${what} ${shown(said) || 'nothing'}, so it speaks no TLS`)
  }
}

function exchange(socket: Socket, { say, whole }: Turn): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    const end = (): void => {
      socket.off('data', take).off('close', end).off('error', reject)
      socket.pause()
      resolve(said)
    }
    const take = (chunk: Buffer): void => {
      said += chunk.toString('latin1')
      if (whole.test(said) || said.length > MAX_ANSWER) end()
    }
    socket.on('data', take).on('close', end).on('error', reject)
    socket.resume()
    if (say !== undefined) socket.write(Buffer.from(say, 'latin1'))
  })
}

/** The first line, without what is no text. */
const shown = (said: string): string => {
  const line = said
    .split('\n', 1)[0]!
    .replace(/[^\x20-\x7e]/g, '')
    .slice(0, 80)
  return line === '' ? '' : `"${line}"`
}
