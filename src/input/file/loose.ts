// Streams that no path leads to any more: looked at where they lie, and let go when nothing more can come of them.
import { fstatSync, statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import type { Changes } from './changes.ts'
import type { FileTail } from './file-tail.ts'
import { HOT_MS } from './patrol.ts'
import type { Registry } from './registry.ts'
import type { Settings } from './settings.ts'
import type { Table } from './table.ts'
import type { Troubles } from './troubles.ts'

/** How often a renamed file is looked at that doesn't change any more. */
const RARELY_MS = 10_000
/** How often it is seen what has rested for long. A few seconds sooner or later make no difference. */
const REST_MS = 5000
/** Streams that are over stay known for so long, should a compressed copy of them appear. */
export const KEEP_DONE_MS = 60 * 60_000
const MAX_RESTING = 10_000
const MAX_DONE = 1000

export class Loose {
  #table: Table
  #changes: Changes
  #registry: Registry
  #troubles: Troubles
  #settings: Settings
  #lookedAt = 0
  #restedAt = 0

  constructor(table: Table, changes: Changes, registry: Registry, troubles: Troubles, settings: Settings) {
    this.#table = table
    this.#changes = changes
    this.#registry = registry
    this.#troubles = troubles
    this.#settings = settings
  }

  /** By their descriptor, or where they were found; idle ones more rarely. */
  look(all: boolean): void {
    const { elapsed } = this.#table
    const rarely = all || elapsed - this.#lookedAt >= RARELY_MS
    if (rarely) this.#lookedAt = elapsed
    for (const tail of this.#table.loose) {
      if (tail.reading || (tail.place !== 'rotated' && tail.place !== 'deleted')) continue
      if (this.#table.wanted.has(tail) && tail.carrier === undefined) continue
      if (!rarely && elapsed - Math.max(tail.changedAt, tail.vanishedAt) > HOT_MS) continue
      const st = this.#stat(tail)
      if (st === undefined) continue
      if (this.#changes.look(tail, st)) this.#changes.cutLoose(tail, st)
      else this.#mayClose(tail, st.nlink === 0)
    }
  }

  /** Closes what was idle for long, and forgets what is over. */
  clean(): void {
    const { elapsed, resting } = this.#table
    if (elapsed - this.#restedAt < REST_MS && resting.size < MAX_RESTING) return
    this.#restedAt = elapsed
    this.#closeIdle()
    this.#dropOver()
  }

  #stat(tail: FileTail): Stats | undefined {
    try {
      const fd = tail.carrier?.fd
      if (fd !== undefined) return fstatSync(fd)
      const st = statSync(tail.at, { throwIfNoEntry: false })
      if (st?.ino === tail.ino && st.dev === tail.dev) return st
    } catch (error) {
      this.#troubles.begin(tail.at, error)
      return undefined
    }
    tail.searches = 0
    this.#table.wanted.add(tail)
    return undefined
  }

  /** A late writer gets some time; then the descriptor goes, and with a deleted file its last bytes. */
  #mayClose(tail: FileTail, deleted: boolean): void {
    if (deleted && tail.place !== 'deleted') {
      tail.place = 'deleted'
      this.#table.wanted.delete(tail)
      this.#registry.changed(tail)
    }
    if (this.#table.ready.has(tail) || tail.unread || tail.carrier === undefined) return
    const idle = this.#table.elapsed - Math.max(tail.changedAt, tail.vanishedAt)
    if (idle < (deleted ? this.#settings.closeRemoved : this.#settings.closeInactive)) return
    if (deleted) {
      tail.ending = true
      this.#table.ready.add(tail)
    } else this.#table.descriptors.close(tail)
  }

  #closeIdle(): void {
    const { elapsed, descriptors, ready } = this.#table
    for (const tail of descriptors) {
      const idle = elapsed - tail.changedAt > this.#settings.closeInactive
      if (idle && tail.place === 'live' && !tail.reading && !ready.has(tail)) descriptors.close(tail)
    }
  }

  /** The oldest first. What an output has not taken over stays until `clean_removed`, unless there is too much of it. */
  #dropOver(): void {
    const { elapsed, now, resting } = this.#table
    let done = 0
    for (const tail of resting) if (tail.place === 'done') done++
    for (const tail of resting) {
      const late = tail.place === 'done' && (elapsed - tail.vanishedAt > KEEP_DONE_MS || done > MAX_DONE)
      const old = now - tail.seen > this.#settings.cleanRemoved || resting.size > MAX_RESTING
      if (!(late && tail.settled) && !old) continue
      if (tail.place === 'done') done--
      this.#table.drop(tail)
    }
  }
}
