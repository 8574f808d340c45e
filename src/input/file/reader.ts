// Reads the next bytes of a stream, and believes them only when what stands before them is what was read last.
import { fstatSync } from 'node:fs'
import { errnoOf } from '../../core/errors.ts'
import type { Descriptors } from './descriptors.ts'
import type { FileTail } from './file-tail.ts'
import { HEAD_BYTES, headOf } from './identity.ts'
import type { Troubles } from './troubles.ts'

/** A compressed copy that can't be read so often is given up. */
const MAX_FAILURES = 5

/** Whose turn it is, and what becomes of streams that can't be read now. */
export interface Desk {
  readonly ready: Set<FileTail>
  /** Tried again at the next look. */
  readonly stuck: Set<FileTail>
  /** To be looked for. */
  readonly wanted: Set<FileTail>
  readonly descriptors: Descriptors
  /** It was read to its end and nothing can follow. */
  finish(tail: FileTail): void
}

/** Told when the bytes before the position are not those that were read. */
export interface Judge {
  recheck(tail: FileTail): void
}

/** What one read gave, in the reader's buffer. */
export interface Chunk {
  /** Offset in the file of the buffer's first byte. */
  readonly from: number
  /** Index in the buffer of the stream's position; before it stands what was read last. */
  readonly start: number
  /** Bytes in the buffer. */
  readonly used: number
  /** There is more to read. */
  readonly full: boolean
}

/** Serves any number of streams, one at a time: memory doesn't depend on how many there are, or how long their lines. */
export class Reader {
  readonly buffer: Buffer
  /** Bytes read at a time. */
  readonly #chunk: number
  #desk: Desk
  #judge: Judge
  #troubles: Troubles

  /** `room` is what the longest record needs. */
  constructor(chunkBytes: number, room: number, desk: Desk, judge: Judge, troubles: Troubles) {
    this.#chunk = chunkBytes
    this.buffer = Buffer.allocUnsafeSlow(Math.max(chunkBytes, room) + 64)
    this.#desk = desk
    this.#judge = judge
    this.#troubles = troubles
  }

  /** Undefined when there was nothing to be read, or nothing to be believed; whoever has to know was told. */
  async read(tail: FileTail): Promise<Chunk | undefined> {
    try {
      return this.#isOpen(tail) ? await this.#read(tail) : undefined
    } catch (error) {
      this.#fail(tail, error)
      return undefined
    } finally {
      tail.reading = false
    }
  }

  #isOpen(tail: FileTail): boolean {
    if (this.#desk.descriptors.open(tail)) return true
    // Its path leads elsewhere by now: the next look sees where, or it is looked for.
    if (tail.place === 'live') this.#desk.stuck.add(tail)
    else this.#desk.wanted.add(tail)
    return false
  }

  async #read(tail: FileTail): Promise<Chunk | undefined> {
    const carrier = tail.carrier!
    const { fd } = carrier
    if (fd !== undefined && !this.#fits(tail, fd)) return undefined
    if (tail.place === 'copy' && fd !== undefined && tail.size <= tail.read) {
      this.#desk.finish(tail)
      return undefined
    }
    const before = tail.context ?? Buffer.alloc(0)
    const from = tail.read - before.length
    // The whole buffer is for a record that doesn't end within a chunk: larger batches would only cost memory.
    const room = tail.scanned - tail.read >= this.#chunk / 2 ? this.buffer.length : this.#chunk
    const bounded = fd !== undefined || tail.again !== undefined
    const length = bounded ? Math.min(room, Math.max(0, tail.size - from)) : room
    tail.reading = true
    const used = await carrier.read(this.buffer, length, from)
    tail.reading = false
    if (!this.#follows(tail, before, from, used)) {
      // A compressed copy may end before what was read of the file itself.
      if (fd === undefined) this.#desk.finish(tail)
      else this.#judge.recheck(tail)
      return undefined
    }
    if (fd === undefined && tail.head.n === 0 && from === 0)
      tail.head = headOf(this.buffer.subarray(0, Math.min(used, HEAD_BYTES)))
    this.#troubles.readable(tail.at)
    // Packed data says where it ends; a file ends where it was last seen to.
    const full = bounded ? from + used < tail.size : used === length
    return { from, start: before.length, used, full }
  }

  #fail(tail: FileTail, error: unknown): void {
    // Before it is closed: a failed read is over.
    tail.reading = false
    this.#desk.descriptors.close(tail)
    this.#troubles.begin(tail.at, error)
    // For want of a descriptor nothing was tried that could have failed.
    const tried = !['EMFILE', 'ENFILE'].includes(errnoOf(error))
    if (tail.place === 'copy' && tried && ++tail.searches > MAX_FAILURES) this.#desk.finish(tail)
    else this.#desk.stuck.add(tail)
  }

  /** A file of an earlier run is compared before anything of it is believed. */
  #fits(tail: FileTail, fd: number): boolean {
    if (tail.place === 'copy') tail.size = fstatSync(fd).size
    if (tail.context !== undefined) return true
    const st = fstatSync(fd)
    if (tail.check(fd, st.size)) return true
    this.#judge.recheck(tail)
    return false
  }

  /** What was read last stands before the new bytes; near its start the file's fingerprint decides as well. */
  #follows(tail: FileTail, before: Buffer, from: number, used: number): boolean {
    if (used < before.length || !this.buffer.subarray(0, before.length).equals(before)) return false
    const { n, sum } = tail.head
    // A second reading ends where the first is, perhaps within the fingerprint: it was compared when it was opened.
    if (used < n && tail.again !== undefined) return true
    return from > 0 || n === 0 || (used >= n && headOf(this.buffer.subarray(0, n)).sum === sum)
  }
}
