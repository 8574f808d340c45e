// `port` check: something on this host listens on a port, and on which address, as the kernel says.
import { open } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { defineCheck } from '../../core/component.ts'
import { describe, errnoOf } from '../../core/errors.ts'
import { boolean, choice, integer, optional, string } from '../../core/field.ts'

/** States of /proc/net that take newcomers: TCP's LISTEN, and what an unconnected UDP socket shows. */
const LISTENING = { tcp: '0A', udp: '07' } as const
/** Bytes read at once: a few dozen sockets. */
const CHUNK = 8 * 1024
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
  build: o => async () => {
    try {
      const tables = await Promise.all([o.protocol, `${o.protocol}6`].map(table => listeners(o.proc, table, o.port)))
      const on = [...new Set(tables.flat())]
      const heard = o.address === undefined ? on.length > 0 : on.some(a => covers(a, plain(o.address!)))
      const where = `${o.protocol} port ${o.port}${o.address === undefined ? '' : ` of ${o.address}`}`
      const others = on.length === 0 ? '' : `; it is listened on at ${on.join(', ')}`
      const message = heard ? `${where} is listened on at ${on.join(', ')}` : `nothing listens on ${where}${others}`
      const good = heard === o.listening
      return { state: good ? 'ok' : 'critical', reason: good ? 'ok' : heard ? 'present' : 'missing', message }
    } catch (error) {
      return { state: 'unknown', reason: 'error', message: describe(error) }
    }
  }
})

const plain = (address: string): string =>
  isIP(address) === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address

/** Whether who listens on the first address hears what comes to the second. */
function covers(listener: string, address: string): boolean {
  if (listener === address || listener === '::') return true
  return listener === '0.0.0.0' && isIP(address) === 4 && !ANY.slice(1).includes(address)
}

/** Addresses that listen on a port: proc_pid_net(5), "tcp"; a host without IPv6 has no `tcp6`. */
async function listeners(proc: string, table: string, port: number): Promise<string[]> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const state = LISTENING[table.startsWith('tcp') ? 'tcp' : 'udp']
  const found: string[] = []
  for await (const line of linesOf(join(proc, 'net', table), table.endsWith('6'))) {
    const [, local = '', , is] = line.trim().split(/\s+/, 4)
    // Linux lists those that listen first, and to walk through all connections of a busy host takes it long.
    if (is !== state && table.startsWith('tcp')) break
    if (is === state && local.endsWith(wanted)) found.push(addressOf(local.slice(0, -wanted.length)))
  }
  return found
}

/** Lines after the heading, read as far as they are asked for; none of a file that may be absent. */
async function* linesOf(path: string, mayBeAbsent: boolean): AsyncIterable<string> {
  const file = await open(path).catch((error: unknown) => {
    if (!mayBeAbsent || errnoOf(error) !== 'ENOENT') throw error
  })
  if (file === undefined) return
  try {
    const buffer = Buffer.alloc(CHUNK)
    let rest = ''
    for (let heading = true; ; heading = false) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK)
      if (bytesRead === 0) return
      const lines = (rest + buffer.toString('latin1', 0, bytesRead)).split('\n')
      rest = lines.pop()!
      yield* heading ? lines.slice(1) : lines
    }
  } finally {
    await file.close()
  }
}

/** Words of 32 bits in the byte order of a little-endian host, which Node runs on. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex')
  bytes.swap32()
  if (bytes.length === 4) return bytes.join('.')
  // `::ffff:a.b.c.d` is IPv4 that a socket of IPv6 was bound to.
  if (bytes.subarray(0, 12).equals(Buffer.from('00000000000000000000ffff', 'hex'))) return bytes.subarray(12).join('.')
  const words = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16))
  return plain(words.join(':'))
}
