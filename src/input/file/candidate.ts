// A file that may be a copy of what a stream held, plain or compressed: opened once, compared with any number of streams.
import { closeSync, statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { PackedCarrier, openFile, packingOf } from './carrier.ts'
import type { Packing } from './carrier.ts'
import { sameEnds } from './copies.ts'
import type { FileTail } from './file-tail.ts'
import { CONTEXT_BYTES, HEAD_BYTES, NO_HEAD, bytesAt, checkpointOf, headOf, sameHead } from './identity.ts'
import type { Head } from './identity.ts'

export class Candidate {
  readonly path: string
  readonly packing: Packing | undefined
  /** The bytes within, as far as the file says: gzip ends with their number (RFC 1952), modulo 4 GiB. */
  readonly size: number
  readonly st: Stats
  #fd: number
  #first: Buffer | undefined

  private constructor(path: string, packing: Packing | undefined, fd: number, st: Stats) {
    this.path = path
    this.packing = packing
    this.st = st
    this.#fd = fd
    this.size = packing === undefined ? st.size : packing === 'gzip' ? lengthInGzip(fd, st.size) : 0
  }

  /** Undefined when it is not there any more, not what it was, or nothing that can be read. */
  static open(path: string, st: Stats): Candidate | undefined {
    let fd: number | undefined
    try {
      const opened = openFile(path)
      fd = opened.fd
      const packing = packingOf(bytesAt(fd, 0, 6))
      if (opened.st.isFile() && opened.st.ino === st.ino && packing !== 'other') {
        return new Candidate(path, packing, fd, opened.st)
      }
    } catch {
      // Gone or unreadable: the next round sees it as it is then.
    }
    if (fd !== undefined) closeSync(fd)
    return undefined
  }

  close(): void {
    closeSync(this.#fd)
  }

  /**
   * True when it holds the first bytes of the stream, and those before a position that was read. Compressed data that
   * isn't complete yet is a reason to throw.
   */
  async holds(tail: FileTail): Promise<boolean> {
    if (tail.head.n === 0) return false
    const first = await this.first()
    if (sameHead(tail.copied, headOf(first))) return true
    if (first.length >= tail.head.n && headOf(first.subarray(0, tail.head.n)).sum !== tail.head.sum) return false
    if (this.packing === undefined) {
      const same = tail.compare(this.#fd, this.st.size) === 'same'
      if (same && first.length < HEAD_BYTES) tail.copied = headOf(first)
      return same
    }
    return first.length >= tail.head.n && (await this.#followsIn(tail, this.packing))
  }

  /** HEAD_BYTES of what is within, or fewer. */
  async first(): Promise<Buffer> {
    return (this.#first ??= await this.#firstBytes())
  }

  /** What its own first bytes are known by, once it was compared. */
  get head(): Head {
    return this.#first === undefined ? NO_HEAD : headOf(this.#first)
  }

  /**
   * True when it is the beginning of a file that is there and has grown since. Remembered, since it can't be told any more
   * once that file was cut.
   */
  begins(tail: FileTail): boolean {
    if (this.packing !== undefined || this.size === 0 || this.size >= tail.head.n) return false
    const open = tail.carrier?.fd
    const fd = open ?? openWhole(tail)
    if (fd === undefined) return false
    try {
      if (!sameEnds(this.#fd, fd, this.size)) return false
      tail.copied = headOf(bytesAt(this.#fd, 0, this.size))
      return true
    } finally {
      if (open === undefined) closeSync(fd)
    }
  }

  async #firstBytes(): Promise<Buffer> {
    if (this.packing === undefined) return bytesAt(this.#fd, 0, HEAD_BYTES)
    return inPacked(this.path, this.packing, async carrier => {
      const bytes = Buffer.allocUnsafe(HEAD_BYTES)
      return bytes.subarray(0, await carrier.read(bytes, HEAD_BYTES, 0))
    })
  }

  async #followsIn(tail: FileTail, packing: Packing): Promise<boolean> {
    // The copy may have been made before all that was read was there.
    const last = tail.checkpointAt(packing === 'gzip' ? Math.min(tail.read, this.size) : tail.read)
    if (last === undefined || last.n === 0) return true
    return inPacked(this.path, packing, async carrier => {
      const bytes = Buffer.allocUnsafe(CONTEXT_BYTES)
      const n = await carrier.read(bytes, last.n, last.at - last.n)
      return n === last.n && checkpointOf(bytes.subarray(0, n), last.at).sum === last.sum
    })
  }
}

/** The file itself, for a moment, when no descriptor was left to keep it open. */
function openWhole(tail: FileTail): number | undefined {
  if (tail.carrier !== undefined || tail.ino === 0 || (tail.place !== 'live' && tail.place !== 'rotated'))
    return undefined
  try {
    // What is no regular file, or not this one, isn't opened.
    if (statSync(tail.at).ino !== tail.ino) return undefined
    const { fd, st } = openFile(tail.at)
    if (st.ino === tail.ino && st.dev === tail.dev) return fd
    closeSync(fd)
  } catch {
    // Gone or unreadable: its next look tells.
  }
  return undefined
}

/** True when it is compressed, and in a way that can't be read inside. */
export function isSealed(path: string, st: Stats): boolean {
  let fd: number | undefined
  try {
    const opened = openFile(path)
    fd = opened.fd
    return opened.st.ino === st.ino && packingOf(bytesAt(fd, 0, 6)) === 'other'
  } catch {
    return false
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

async function inPacked<T>(path: string, packing: Packing, use: (carrier: PackedCarrier) => Promise<T>): Promise<T> {
  const carrier = new PackedCarrier(path, packing)
  try {
    return await use(carrier)
  } finally {
    carrier.close()
  }
}

function lengthInGzip(fd: number, size: number): number {
  const last = size >= 4 ? bytesAt(fd, size - 4, 4) : Buffer.alloc(0)
  return last.length === 4 ? last.readUInt32LE(0) : 0
}
