// `tcp` check: a connection stands, and says what it should.
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { defineCheck } from '../../core/component.ts'
import type { CheckResult } from '../../core/component.ts'
import { describe } from '../../core/errors.ts'
import { hostPort, optional, regex, string } from '../../core/field.ts'
import { networkReason } from '../reason.ts'

/** An answer that does not match within so many bytes never will. */
const MAX_ANSWER = 64 * 1024

export const tcp = defineCheck({
  name: 'tcp',
  summary: 'Connects to a port; healthy when the connection stands and, if asked for, the answer matches.',
  fields: {
    address: hostPort('Where to connect to.', { example: '127.0.0.1:5672' }),
    send: optional(string('Sent once connected. In double quotes YAML knows `\\r\\n`.', { example: 'PING\r\n' })),
    expect: optional(regex('Must match in what the peer says.', { example: '^\\+PONG' }))
  },
  examples: [
    { title: 'A broker listens', yaml: 'type: tcp\naddress: 127.0.0.1:5672' },
    { title: 'Redis answers', yaml: 'type: tcp\naddress: 127.0.0.1:6379\nsend: "PING\\r\\n"\nexpect: ^\\+PONG' }
  ],
  build:
    ({ address: { host, port }, send, expect }) =>
    signal =>
      new Promise(resolve => {
        const at = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
        const socket = connect({ host, port, signal })
        const end = (state: CheckResult['state'], reason: CheckResult['reason'], message: string): void => {
          socket.destroy()
          resolve({ state, reason, message })
        }
        // Stays for the socket's life: an error may follow the end.
        socket.on('error', error => end('critical', networkReason(error), `connecting to ${at}: ${describe(error)}`))
        socket.on('connect', () => {
          if (send !== undefined) socket.write(send)
          if (expect === undefined) end('ok', 'ok', `${at} accepts connections`)
          else
            listen(socket, expect, (good, said) => {
              if (good) end('ok', 'ok', `${at} answers as expected`)
              else end('critical', 'answer', `${at} said ${said}, which does not match ${expect.source}`)
            })
        })
      })
})

function listen(socket: Socket, expect: RegExp, end: (good: boolean, said: string) => void): void {
  let said = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    said += chunk
    if (expect.test(said)) end(true, said)
    else if (said.length > MAX_ANSWER) end(false, JSON.stringify(said.slice(0, 80)))
  })
  socket.on('end', () => end(false, said === '' ? 'nothing' : JSON.stringify(said.slice(0, 80))))
}
