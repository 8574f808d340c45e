// Open files, bounded: the least recently used is closed for the next, but never one whose bytes have no other way.
import { closeSync, readFileSync } from 'node:fs'
import { errnoOf } from '../../core/errors.ts'
import { PackedCarrier, PlainCarrier, openFile } from './carrier.ts'
import type { FileTail } from './file-tail.ts'
import { noDescriptor } from './troubles.ts'

export class Descriptors {
  #limit: number
  /** Least recently used first. */
  #open = new Set<FileTail>()

  constructor(limit: number) {
    this.#limit = limit
  }

  atMost(limit: number): void {
    this.#limit = limit
  }

  get count(): number {
    return this.#open.size
  }

  /** False when the next one costs another its place. */
  get room(): boolean {
    return this.#open.size < this.#limit
  }

  [Symbol.iterator](): Iterator<FileTail> {
    return this.#open[Symbol.iterator]()
  }

  /**
   * Opens the stream where it lies (`tail.at`); false when another file lies there by now, or none. Throws what the
   * system says, and a YarderError with EMFILE when no descriptor can be freed.
   */
  open(tail: FileTail): boolean {
    this.#open.delete(tail)
    this.#open.add(tail)
    if (tail.carrier !== undefined) return true
    this.#open.delete(tail)
    if (this.#open.size >= this.#limit && !this.#evict()) throw noDescriptor(this.#limit)
    for (let again = true; ; again = false) {
      try {
        return this.#tryOpen(tail)
      } catch (error) {
        const errno = errnoOf(error)
        if (errno === 'ENOENT' || errno === 'ENOTDIR') return false
        if (!again || (errno !== 'EMFILE' && errno !== 'ENFILE')) throw error
        // The process as a whole is out of descriptors: give half of ours back.
        for (let n = this.#open.size >> 1; n > 0 && this.#evict(); n--);
      }
    }
  }

  #tryOpen(tail: FileTail): boolean {
    const { fd, st } = openFile(tail.at)
    if (!st.isFile() || st.ino !== tail.ino || st.dev !== tail.dev) {
      closeSync(fd)
      return false
    }
    if (tail.packing === undefined) tail.carrier = new PlainCarrier(fd)
    else {
      closeSync(fd)
      tail.carrier = new PackedCarrier(tail.at, tail.packing)
    }
    this.#open.add(tail)
    return true
  }

  /** Takes over a descriptor that is open already, from `from` when it was another stream's. */
  adopt(tail: FileTail, fd: number): void {
    tail.carrier = new PlainCarrier(fd)
    this.#open.add(tail)
  }

  /** Moves the open descriptor of one stream to another: the same inode, cut and written anew. */
  hand(from: FileTail, to: FileTail): void {
    if (from.carrier === undefined) return
    to.carrier = from.carrier
    from.carrier = undefined
    this.#open.delete(from)
    this.#open.add(to)
  }

  close(tail: FileTail): void {
    this.#open.delete(tail)
    tail.close()
  }

  /** First those that a name leads to; then deleted ones that were read to their end. */
  #evict(): boolean {
    return this.#closeFirst(named) || this.#closeFirst(t => t.place === 'deleted' && t.read >= t.size)
  }

  #closeFirst(fits: (tail: FileTail) => boolean): boolean {
    for (const tail of this.#open) {
      if (tail.reading || !fits(tail)) continue
      this.close(tail)
      return true
    }
    return false
  }
}

const named = (tail: FileTail): boolean =>
  tail.place === 'live' || tail.place === 'copy' || (tail.place === 'rotated' && !tail.hidden)

/** `wanted`, but no more than half of what the process may have open (RLIMIT_NOFILE). */
export function descriptorLimit(wanted: number): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return soft === undefined ? wanted : Math.max(1, Math.min(wanted, Math.floor(Number(soft) / 2)))
  } catch {
    return wanted
  }
}
