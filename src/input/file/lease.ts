// What is durable before bytes leave: the stream's identity, when they arrived, and how far they may have been handed out.
import { DAY } from './file-tail.ts'
import type { FileTail } from './file-tail.ts'
import type { Registry } from './registry.ts'

/**
 * Before bytes are handed out it is durable that they may have been, so that their time of arrival is kept when they
 * are read again after a crash. That is noted so many bytes ahead, not for every batch.
 */
const LEASE = 4 * 1024 * 1024

export class Leases {
  #registry: Pick<Registry, 'changed' | 'commit'>
  #next: () => Iterable<FileTail>

  /** `next`: the streams whose turn is near. One commit serves them all. */
  constructor(registry: Pick<Registry, 'changed' | 'commit'>, next: () => Iterable<FileTail>) {
    this.#registry = registry
    this.#next = next
  }

  /** The bytes from `start` to `end` are about to be handed out, with `ms` as their time of arrival. */
  secure(tail: FileTail, start: number, end: number, ms: number): void {
    // The first reading has secured what is read a second time.
    if (tail.again !== undefined) return
    let urgent = tail.fresh
    tail.lastArrival = Math.max(tail.lastArrival, ms)
    if (start >= tail.resume) {
      const last = tail.arrivals.at(-1)
      if (last === undefined || Math.floor(last[1] / DAY) !== Math.floor(ms / DAY)) {
        tail.arrivals.push([start, ms])
        tail.lastArrival = ms
        urgent = true
      }
    }
    if (end > tail.high) {
      this.#extend(tail, end)
      for (const other of this.#next()) if (other.size > other.high) this.#extend(other, other.size)
      urgent = true
    }
    if (!urgent) return
    this.#registry.changed(tail)
    this.#registry.commit()
    // A disk that refuses is told by the state; waiting for it would stop the logs when they are needed most.
    tail.fresh = false
  }

  #extend(tail: FileTail, end: number): void {
    tail.high = end + LEASE
    this.#registry.changed(tail)
  }
}
