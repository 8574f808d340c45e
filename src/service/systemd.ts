// Tells systemd how the agent is, in the way of sd_notify(3): datagrams to the socket it names in the environment.
import { YarderError } from '../core/errors.ts'

/** What sd_notify(3) lets a service say; times are microseconds. */
export interface Notice {
  READY?: 1
  RELOADING?: 1
  STOPPING?: 1
  WATCHDOG?: 1
  /** One line, shown by `systemctl status`. */
  STATUS?: string
  MONOTONIC_USEC?: bigint
  EXTEND_TIMEOUT_USEC?: number
}

export interface Systemd {
  /** Hands a notice over without waiting. False when systemd has no room for it now. */
  tell(notice: Notice): boolean
  /** systemd restarts a service that has not said WATCHDOG for so many milliseconds; undefined when it does not watch. */
  readonly watchdogMs: number | undefined
}

// <sys/socket.h> of Linux, the same on x86-64 and arm64.
const AF_UNIX = 1
const SOCK_DGRAM_CLOEXEC = 0o2000002
const MSG_DONTWAIT_NOSIGNAL = 0x4040

/** The three functions of libc that Node has no counterpart for: its sockets know no Unix datagrams. */
interface Libc {
  socket(domain: number, type: number, protocol: number): number
  sendto(fd: number, bytes: Buffer, length: bigint, flags: number, to: Buffer, toLength: number): bigint
  close(fd: number): number
}

interface Ffi {
  dlopen(library: null, functions: Record<string, object>): { functions: unknown }
}

function libc(): Libc {
  // @types/node does not know it yet; no import, since an older Node would not even start.
  const ffi = process.getBuiltinModule('node:ffi') as Ffi | undefined
  if (ffi === undefined) throw new YarderError('RUNTIME', 'telling systemd: this Node has no node:ffi')
  const { functions } = ffi.dlopen(null, {
    socket: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
    sendto: { arguments: ['int32', 'buffer', 'uint64', 'int32', 'buffer', 'uint32'], return: 'int64' },
    close: { arguments: ['int32'], return: 'int32' }
  })
  return functions as Libc
}

/** struct sockaddr_un; a leading `@` stands for the NUL of a name that is no file. */
function addressOf(path: string): Buffer {
  const family = Buffer.alloc(2)
  family.writeUInt16LE(AF_UNIX)
  const name = path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`
  return Buffer.concat([family, Buffer.from(name)])
}

/**
 * The systemd that started this process with `Type=notify`; undefined when none did. Takes its variables out of `env`,
 * so that no program a check starts can speak for the agent. Throws when the socket can't be used.
 */
export function connectSystemd(env: NodeJS.ProcessEnv): Systemd | undefined {
  const { NOTIFY_SOCKET: path, WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = env
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name]
  if (path === undefined || !/^[/@]/.test(path)) return undefined
  const c = libc()
  const address = addressOf(path)
  const period = pid === undefined || Number(pid) === process.pid ? Number(usec ?? 0) / 1000 : 0
  return {
    watchdogMs: period > 0 ? period : undefined,
    tell(notice) {
      const text = Object.entries(notice).map(([name, value]) => `${name}=${oneLine(String(value))}\n`)
      const bytes = Buffer.from(text.join(''))
      const fd = c.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0)
      if (fd < 0) return false
      try {
        const sent = c.sendto(fd, bytes, BigInt(bytes.length), MSG_DONTWAIT_NOSIGNAL, address, address.length)
        return Number(sent) === bytes.length
      } finally {
        c.close(fd)
      }
    }
  }
}

/** A line end in a value would be a second assignment. */
const oneLine = (text: string): string => text.replace(/[\u0000-\u001f\u007f]+/g, ' ')

/** systemd's clock for MONOTONIC_USEC, which tells a reload's answer from an earlier one. */
export const monotonicMicroseconds = (): bigint => process.hrtime.bigint() / 1000n
