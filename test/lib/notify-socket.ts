// A real Unix datagram socket that receives what a service says to systemd.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

interface Libc {
  socket(domain: number, type: number, protocol: number): number
  bind(fd: number, address: Buffer, length: number): number
  recv(fd: number, buffer: Buffer, length: bigint, flags: number): bigint
  close(fd: number): number
}

export interface NotifySocket {
  readonly path: string
  /** What has arrived so far, the text of each datagram. */
  received(): string[]
}

const MSG_DONTWAIT = 0x40

/** Binds a socket in a folder of its own, or at an abstract name (`@…`); closed after the test. */
export function notifySocket(t: TestContext, name?: string): NotifySocket {
  const ffi = process.getBuiltinModule('node:ffi') as {
    dlopen(library: null, functions: Record<string, object>): { functions: unknown }
  }
  const c = ffi.dlopen(null, {
    socket: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
    bind: { arguments: ['int32', 'buffer', 'uint32'], return: 'int32' },
    recv: { arguments: ['int32', 'buffer', 'uint64', 'int32'], return: 'int64' },
    close: { arguments: ['int32'], return: 'int32' }
  }).functions as Libc
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  const path = name ?? join(dir, 'notify')
  const fd = c.socket(1, 2, 0)
  const address = Buffer.from(`\u0001\u0000${path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`}`)
  if (c.bind(fd, address, address.length) !== 0) throw new Error(`binding ${path}`)
  t.after(() => {
    c.close(fd)
    rmSync(dir, { recursive: true })
  })
  const seen: string[] = []
  const buffer = Buffer.alloc(65_536)
  return {
    path,
    received() {
      for (;;) {
        const length = Number(c.recv(fd, buffer, BigInt(buffer.length), MSG_DONTWAIT))
        if (length < 0) return seen
        seen.push(buffer.toString('utf8', 0, length))
      }
    }
  }
}
