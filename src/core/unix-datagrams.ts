// Datagrams to a Unix socket, by libc itself: Node's sockets know only streams there.
import { getSystemErrorMap } from 'node:util'
import { YarderError } from './errors.ts'

// <sys/socket.h> of Linux, the same on x86-64 and arm64.
const AF_UNIX = 1
const SOCK_DGRAM_CLOEXEC = 0o2000002
const MSG_DONTWAIT_NOSIGNAL = 0x4040

interface Libc {
  socket(domain: number, type: number, protocol: number): number
  sendto(fd: number, bytes: Buffer, length: bigint, flags: number, to: Buffer, toLength: number): bigint
  close(fd: number): number
  __errno_location(): bigint
}

interface Ffi {
  dlopen(library: null, functions: Record<string, object>): { functions: unknown }
  getInt32(pointer: bigint, offset: number): number
}

/** What one datagram came to: '' when it was handed over, else the errno, such as EAGAIN when the receiver's queue is full. */
export type SendDatagram = (bytes: Buffer) => string

/**
 * The way to send to the socket at a path, or at an abstract name (`@…`); nobody is asked yet whether it is there. A
 * send never waits. Throws RUNTIME when this Node can't call libc.
 */
export function unixDatagrams(path: string): SendDatagram {
  // @types/node does not know it yet; no import, since an older Node would not even start.
  const ffi = process.getBuiltinModule('node:ffi') as Ffi | undefined
  if (ffi === undefined) throw new YarderError('RUNTIME', `sending to ${path}: this Node has no node:ffi`)
  const c = ffi.dlopen(null, {
    socket: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
    sendto: { arguments: ['int32', 'buffer', 'uint64', 'int32', 'buffer', 'uint32'], return: 'int64' },
    close: { arguments: ['int32'], return: 'int32' },
    __errno_location: { arguments: [], return: 'pointer' }
  }).functions as Libc
  const address = addressOf(path)
  const errno = (): string => getSystemErrorMap().get(-ffi.getInt32(c.__errno_location(), 0))?.[0] ?? 'UNKNOWN'
  return bytes => {
    const fd = c.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0)
    if (fd < 0) return errno()
    try {
      const sent = c.sendto(fd, bytes, BigInt(bytes.length), MSG_DONTWAIT_NOSIGNAL, address, address.length)
      return sent < 0n ? errno() : ''
    } finally {
      c.close(fd)
    }
  }
}

/** struct sockaddr_un; a leading `@` stands for the NUL of a name that is no file. */
function addressOf(path: string): Buffer {
  const family = Buffer.alloc(2)
  family.writeUInt16LE(AF_UNIX)
  const name = path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`
  return Buffer.concat([family, Buffer.from(name)])
}
