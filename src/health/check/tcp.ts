// `tcp` check: a connection stands, speaks TLS if it should, and says what it should.
import type { Socket } from 'node:net'
import { defineCheck } from '../../core/component.ts'
import { describe } from '../../core/errors.ts'
import { choice, hostPort, optional, regex, string } from '../../core/field.ts'
import { lintTls, tls, TlsFiles } from '../../core/tls-files.ts'
import { ConnectionError, dial, secure, shownAddress } from '../connection.ts'
import { judge, lintRanges, rangeFields, SCALES } from '../range.ts'
import { networkReason } from '../reason.ts'
import { askForTls, STARTTLS } from '../starttls.ts'

/** An answer that does not match within so many bytes never will. */
const MAX_ANSWER = 64 * 1024

export const tcp = defineCheck({
  name: 'tcp',
  summary: 'Connects to a port; healthy when the connection stands and, if asked for, the answer matches.',
  description:
    'With `tls` (`{}` for the usual authorities) the connection is one of TLS; with `starttls` too, once the peer was asked for it.',
  fields: {
    address: hostPort('Where to connect to.', { example: '127.0.0.1:5672' }),
    send: optional(string('Sent once connected. In double quotes YAML knows `\\r\\n`.', { example: 'PING\r\n' })),
    expect: optional(regex('Must match in what the peer says.', { example: '^\\+PONG' })),
    starttls: optional(choice(STARTTLS, 'The protocol that is spoken before TLS.')),
    ...rangeFields('A time until the connection stands', SCALES.duration, ['500ms', '2s']),
    tls
  },
  examples: [
    { title: 'A broker listens', yaml: 'type: tcp\naddress: 127.0.0.1:5672' },
    { title: 'Redis answers', yaml: 'type: tcp\naddress: 127.0.0.1:6379\nsend: "PING\\r\\n"\nexpect: ^\\+PONG' },
    {
      title: 'A mail server lets one log in, over TLS',
      yaml: 'type: tcp\naddress: mail.example.com:587\nstarttls: smtp\nsend: "EHLO check\\r\\n"\nexpect: AUTH'
    }
  ],
  *lint(o) {
    yield* lintTls(o.tls)
    yield* lintRanges(o.warning, o.critical)
  },
  build({ address, send, expect, starttls, ...o }, context) {
    const at = shownAddress(address)
    const files =
      o.tls === undefined && starttls === undefined ? undefined : new TlsFiles(o.tls, context.configDir, context.log)

    /** As secure as the options want it. */
    async function upgrade(socket: Socket): Promise<Socket> {
      if (files === undefined) return socket
      const material = await files.read()
      if (starttls !== undefined) await askForTls(socket, starttls)
      return secure(socket, {
        host: address.host,
        serverName: material.servername,
        context: material.secureContext,
        rejectUnauthorized: material.rejectUnauthorized
      })
    }

    return async signal => {
      let socket
      try {
        const started = performance.now()
        socket = await dial(address, signal)
        const seconds = (performance.now() - started) / 1000
        const values = { connect_seconds: seconds }
        const stands = await upgrade(socket)
        if (send !== undefined) stands.write(send)
        if (expect !== undefined) {
          const { good, said } = await listen(stands, expect)
          const message = `${at} said ${said}, which does not match ${expect.source}`
          if (!good) return { state: 'critical', reason: 'answer', message, values }
        }
        const well = expect === undefined ? `${at} accepts connections` : `${at} answers as expected`
        const timed = (o.warning ?? o.critical) ? `${well}, after ${seconds.toFixed(3)} s` : well
        return { ...judge(seconds, o, 'slow', timed), values }
      } catch (error) {
        const reason = error instanceof ConnectionError ? error.reason : networkReason(error)
        const told = describe(error)
        return { state: 'critical', reason, message: told.includes(at) ? told : `${at}: ${told}` }
      } finally {
        socket?.destroy()
      }
    }
  }
})

/** Resolves once the answer matches, ends, or is too long to. */
function listen(socket: Socket, expect: RegExp): Promise<{ good: boolean; said: string }> {
  return new Promise((resolve, reject) => {
    let said = ''
    const end = (good: boolean): void =>
      resolve({ good, said: said === '' ? 'nothing' : JSON.stringify(said.slice(0, 80)) })
    socket.setEncoding('utf8')
    socket.on('error', reject)
    socket.on('data', (chunk: string) => {
      said += chunk
      if (expect.test(said)) end(true)
      else if (said.length > MAX_ANSWER) end(false)
    })
    socket.on('end', () => end(false))
    socket.on('close', () => end(false))
    socket.resume()
  })
}
