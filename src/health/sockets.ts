// Who listens on this host, as the kernel tells in /proc/net (proc_pid_net(5), "tcp").
import { closeSync, openSync, read, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Clock } from '../core/clock.ts'
import { errnoOf } from '../core/errors.ts'
import { Recent } from './shared.ts'

export type Protocol = 'tcp' | 'udp'

/** Addresses by port. */
export type Listeners = ReadonlyMap<number, readonly string[]>

/** States that take newcomers: TCP's LISTEN, and what an unconnected UDP socket shows. */
const LISTENING: Record<Protocol, string> = { tcp: '0A', udp: '07' }
/** Bytes read at once: some fifty sockets. The kernel looks for as many as fit, and may look long for those that are not there. */
const CHUNK = 8192

const readPiece = promisify(read)

/** One reading serves all checks: where few have IPv6, the kernel walks a table of megabytes to find none. */
export class SocketTable {
  readonly #readings: Recent<Listeners>

  constructor(clock: Clock, maxAgeMs: number) {
    this.#readings = new Recent(clock, maxAgeMs, key => {
      const [protocol = '', proc = ''] = key.split('\n')
      return readListeners(proc, protocol as Protocol)
    })
  }

  /** Rejects when the kernel does not tell. */
  listeners(proc: string, protocol: Protocol): Promise<Listeners> {
    return this.#readings.get(`${protocol}\n${proc}`)
  }
}

/** What listens now. The kernel's table is no snapshot: one that changes meanwhile may hide a line (proc_pid_net(5)). */
export async function readListeners(proc: string, protocol: Protocol): Promise<Listeners> {
  const found = new Map<number, string[]>()
  await readTable(join(proc, 'net', protocol), protocol, found)
  // A host without IPv6 has no such table.
  if (hasSix(proc, protocol))
    await readTable(join(proc, 'net', `${protocol}6`), protocol, found).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error
    })
  return found
}

/** Whether there is a socket of IPv6 at all; to be told so is much cheaper than to look. */
function hasSix(proc: string, protocol: Protocol): boolean {
  try {
    const counts = readFileSync(join(proc, 'net/sockstat6'), 'latin1')
    return new RegExp(`^${protocol}6: inuse (\\d+)`, 'im').exec(counts)?.[1] !== '0'
  } catch {
    return true
  }
}

async function readTable(path: string, protocol: Protocol, found: Map<number, string[]>): Promise<void> {
  for await (const line of linesOf(path)) {
    const [, local = '', , is] = line.trim().split(/\s+/, 4)
    // Linux lists those that listen first, and to walk through all connections of a busy host takes it long.
    if (is !== LISTENING[protocol] && protocol === 'tcp') return
    if (is !== LISTENING[protocol]) continue
    const [address = '', port = ''] = local.split(':')
    const at = parseInt(port, 16)
    const text = addressOf(address)
    const before = found.get(at)
    if (before === undefined) found.set(at, [text])
    else if (!before.includes(text)) before.push(text)
  }
}

/** Lines after the heading, read as far as they are asked for. Only what may take the kernel long is not waited for. */
async function* linesOf(path: string): AsyncIterable<string> {
  const file = openSync(path, 'r')
  try {
    const buffer = Buffer.alloc(CHUNK)
    let rest = ''
    for (let heading = true; ;) {
      const { bytesRead } = await readPiece(file, buffer, 0, CHUNK, null)
      if (bytesRead === 0) return
      const lines = (rest + buffer.toString('latin1', 0, bytesRead)).split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        if (!heading) yield line
        heading = false
      }
    }
  } finally {
    closeSync(file)
  }
}

/** An address as it is mostly written. */
export const plain = (address: string): string =>
  isIP(address) === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address

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
