// Which paths are looked at when: what changed lately at every look, the others in slices, so that idle files cost little.
import { setImmediate as turn } from 'node:timers/promises'
import type { Discovery } from './discover.ts'
import type { Paths } from './paths.ts'
import type { Entry, Table } from './table.ts'
import type { Troubles } from './troubles.ts'

/** A file that changed within this time is looked at every time, others in slices. */
export const HOT_MS = 60_000
/** Idle files a second. A stat costs 2 to 3 µs, so this is a quarter of a percent of a core. */
const IDLE_A_SECOND = 1000
/** Stats between two turns of the event loop. */
const SLICE = 256

export class Patrol {
  #table: Table
  #paths: Paths
  #discovery: Discovery
  #troubles: Troubles
  #hot = new Set<Entry>()
  /** The round of all entries that is under way; entries that are gone since are left out when their turn comes. */
  #idle: Entry[] = []
  #idleAt = 0

  constructor(table: Table, paths: Paths, discovery: Discovery, troubles: Troubles) {
    this.#table = table
    this.#paths = paths
    this.#discovery = discovery
    this.#troubles = troubles
  }

  /** Sees which paths are there. `first`: the input never ran before. */
  async discover(first: boolean, all: boolean): Promise<void> {
    const { added, gone, rotated } = await this.#discovery.look(all)
    for (const path of added) this.#hot.add(this.#entry(path, first))
    for (const path of gone) this.#forget(path)
    for (const [path, since] of rotated) this.#table.turnover(path, since || undefined)
  }

  /** Something happened at this path; it is looked at `now`, or with all that is due. A hint can be quicker than the listing. */
  hinted(path: string, first: boolean, now: boolean): void {
    const entry =
      this.#table.entries.get(path) ?? (this.#discovery.matches(path) ? this.#entry(path, first) : undefined)
    if (entry === undefined) return
    if (now) this.#paths.examine(entry)
    this.#hot.add(entry)
  }

  /** Looks at all, or at what changed lately and at as many of the others as their share of `ms` allows. */
  async examine(all: boolean, ms: number): Promise<void> {
    let done = 0
    for (const entry of all ? this.#table.entries.values() : this.#hot) {
      this.#paths.examine(entry)
      if (this.#cooled(entry)) this.#hot.delete(entry)
      if (++done % SLICE === 0) await turn()
    }
    if (all) return
    for (let n = Math.min(IDLE_A_SECOND, Math.ceil((ms / 1000) * IDLE_A_SECOND)); n > 0; n--) {
      const entry = this.#nextIdle()
      if (entry === undefined) return
      if (this.#hot.has(entry) || this.#table.entries.get(entry.path) !== entry) continue
      this.#paths.examine(entry)
      if (!this.#cooled(entry)) this.#hot.add(entry)
      if (++done % SLICE === 0) await turn()
    }
  }

  /** Whether they are copies may have become known. */
  examinePending(): void {
    for (const entry of this.#hot) if (entry.kind === 'pending') this.#paths.examine(entry)
  }

  /** Wall clock since when a file may have been written that is not read yet; Infinity when there is none. */
  unreadSince(): number {
    let oldest = Infinity
    for (const { unread } of this.#hot) if (unread !== undefined) oldest = Math.min(oldest, unread.since)
    return oldest
  }

  #entry(path: string, first: boolean): Entry {
    return this.#paths.entry(path, first, this.#discovery.isLiteral(path))
  }

  #forget(path: string): void {
    const entry = this.#table.entries.get(path)
    if (entry === undefined) return
    this.#paths.absent(entry)
    this.#table.entries.delete(path)
    this.#hot.delete(entry)
    this.#troubles.end(path)
  }

  /** Goes round all entries; undefined at the end of a round. */
  #nextIdle(): Entry | undefined {
    const entry = this.#idle[this.#idleAt++]
    if (entry === undefined) {
      this.#idle = [...this.#table.entries.values()]
      this.#idleAt = 0
    }
    return entry
  }

  #cooled(entry: Entry): boolean {
    if (entry.kind === 'pending' || entry.kind === 'unseen' || this.#troubles.has(entry.path)) return false
    if (entry.kind === 'absent') return !entry.literal
    return this.#table.elapsed - entry.changedAt > HOT_MS
  }
}
