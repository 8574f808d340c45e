// Where the bytes of a stream are read from: a file, or a compressed copy of it.
import { closeSync, createReadStream, fstatSync, openSync, read, readSync } from 'node:fs'
import { constants } from 'node:fs'
import type { Stats } from 'node:fs'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { CONTEXT_BYTES } from './identity.ts'

/** Compressions that can be read inside, known by their first bytes (RFC 1952, RFC 8878). */
export type Packing = 'gzip' | 'zstd'

export interface Carrier {
  /** The descriptor, when it is an open file. */
  readonly fd: number | undefined
  /** Bytes at `position` into `into`; fewer than `length` only at the end as it is now. Positions never go back. */
  read(into: Buffer, length: number, position: number): number | Promise<number>
  /** Never while a `read` is waited for. */
  close(): void
}

/** What bzip2, xz, zip, lz4 (frames) and compress(1) begin with. */
const SEALED = [
  [0x42, 0x5a, 0x68],
  [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  [0x50, 0x4b, 0x03, 0x04],
  [0x04, 0x22, 0x4d, 0x18],
  [0x1f, 0x9d]
]

/** What kind of compressed data these first bytes begin; 'other' is one that can't be read inside. */
export function packingOf(first: Buffer): Packing | 'other' | undefined {
  const begins = (...magic: number[]): boolean => magic.every((byte, i) => first[i] === byte)
  if (begins(0x1f, 0x8b, 0x08)) return 'gzip'
  if (begins(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd'
  return SEALED.some(magic => begins(...magic)) ? 'other' : undefined
}

/** Opens for reading without ever waiting, as a FIFO would make it; the answer may be no regular file. */
export function openFile(path: string): { fd: number; st: Stats } {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  try {
    return { fd, st: fstatSync(fd) }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

// Below it a system call from here is much cheaper than the way through the thread pool, above it the disk may be slow.
const SYNC_BYTES = 64 * 1024

export class PlainCarrier implements Carrier {
  readonly fd: number

  constructor(fd: number) {
    this.fd = fd
  }

  read(into: Buffer, length: number, position: number): number | Promise<number> {
    if (length <= SYNC_BYTES) return readFull(this.fd, into, length, position)
    return new Promise((resolve, reject) => {
      const more = (used: number): void => {
        read(this.fd, into, used, length - used, position + used, (error, n) => {
          if (error !== null) reject(error)
          else if (n === 0 || used + n === length) resolve(used + n)
          else more(used + n)
        })
      }
      more(0)
    })
  }

  close(): void {
    closeSync(this.fd)
  }
}

function readFull(fd: number, into: Buffer, length: number, position: number): number {
  let used = 0
  while (used < length) {
    const n = readSync(fd, into, used, length - used, position + used)
    if (n === 0) break
    used += n
  }
  return used
}

/** Decompresses in one go from the start, keeping only what may still be asked for. */
export class PackedCarrier implements Carrier {
  readonly fd = undefined
  #chunks: AsyncIterator<Buffer>
  #close: () => void
  /** Decompressed bytes from `#start` on. */
  #held: Buffer[] = []
  #start = 0
  #end = 0
  #over = false

  constructor(path: string, packing: Packing) {
    const file = createReadStream(path, { highWaterMark: 128 * 1024 })
    const inner = packing === 'gzip' ? createGunzip() : createZstdDecompress()
    file.on('error', error => inner.destroy(error))
    // It runs before anybody reads; the iterator hands on what happened until then.
    inner.on('error', () => {})
    this.#chunks = file.pipe(inner)[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    this.#close = () => {
      file.destroy()
      inner.destroy()
    }
  }

  async read(into: Buffer, length: number, position: number): Promise<number> {
    this.#dropBefore(position)
    while (this.#end < position + length && !this.#over) {
      const next = await this.#chunks.next()
      if (next.done === true) this.#over = true
      else {
        this.#held.push(next.value)
        this.#end += next.value.length
        this.#dropBefore(position)
      }
    }
    let used = 0
    let at = this.#start
    for (const chunk of this.#held) {
      const from = Math.max(0, position - at)
      if (from < chunk.length) used += chunk.copy(into, used, from, Math.min(chunk.length, from + length - used))
      at += chunk.length
      if (used === length) break
    }
    return used
  }

  #dropBefore(position: number): void {
    // The reader looks back a few bytes to see that it goes on where it stopped.
    const keep = position - CONTEXT_BYTES
    while (this.#held.length > 0 && this.#start + this.#held[0]!.length <= keep) {
      this.#start += this.#held.shift()!.length
    }
  }

  close(): void {
    this.#close()
  }
}
