// `port` check: something on this host listens on a port, and on which address, as the kernel says.
import { isIP } from 'node:net'
import { defineCheck } from '../../core/component.ts'
import { describe } from '../../core/errors.ts'
import { boolean, choice, integer, optional, string } from '../../core/field.ts'
import { sharedOf } from '../shared.ts'
import { plain, readListeners, SocketTable } from '../sockets.ts'

/** What stands for every address. */
const ANY = ['0.0.0.0', '::']

export const port = defineCheck({
  name: 'port',
  summary: 'Asks the kernel whether something on this host listens on a port, and on which address.',
  description:
    'Nothing is connected to, so the service sees nothing of it. Who listens on `0.0.0.0` listens on every address of IPv4, who listens on `::` on every address of both (as Linux has it unless told otherwise).',
  fields: {
    port: integer('The port.', { example: 80, min: 1, max: 65_535 }),
    protocol: choice(['tcp', 'udp'], 'The protocol.', { default: 'tcp' }),
    address: optional(
      string('Must be listened on; `0.0.0.0` and `::` mean all addresses. Any will do when absent.', {
        example: '192.168.0.2',
        pattern: { test: v => isIP(v) !== 0 },
        must: 'an IP address'
      })
    ),
    listening: boolean('Whether something should listen.', { default: true }),
    proc: string('Where the kernel shows its sockets.', { default: '/proc' })
  },
  examples: [
    { title: 'nginx listens on port 80', yaml: 'type: port\nport: 80' },
    {
      title: 'The database is not open to the world',
      yaml: 'type: port\nport: 5432\naddress: 0.0.0.0\nlistening: false'
    }
  ],
  build(o, context) {
    const sockets = sharedOf(context, SocketTable)
    return async () => {
      try {
        let on = (await sockets.listeners(o.proc, o.protocol)).get(o.port) ?? []
        // Before it is said that nobody listens somebody looks a second time.
        if (!hears(on, o.address)) on = (await readListeners(o.proc, o.protocol)).get(o.port) ?? []
        const heard = hears(on, o.address)
        const where = `${o.protocol} port ${o.port}${o.address === undefined ? '' : ` of ${o.address}`}`
        const others = on.length === 0 ? '' : `; it is listened on at ${on.join(', ')}`
        const message = heard ? `${where} is listened on at ${on.join(', ')}` : `nothing listens on ${where}${others}`
        const good = heard === o.listening
        return { state: good ? 'ok' : 'critical', reason: good ? 'ok' : heard ? 'present' : 'missing', message }
      } catch (error) {
        return { state: 'unknown', reason: 'error', message: describe(error) }
      }
    }
  }
})

const hears = (on: readonly string[], address: string | undefined): boolean =>
  address === undefined ? on.length > 0 : on.some(a => covers(a, plain(address)))

/** Whether who listens on the first address hears what comes to the second. */
function covers(listener: string, address: string): boolean {
  if (listener === address || listener === '::') return true
  return listener === '0.0.0.0' && isIP(address) === 4 && !ANY.slice(1).includes(address)
}
