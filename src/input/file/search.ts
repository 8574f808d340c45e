// Looks for bytes that are no longer under their path: the renamed file, the copy of what was cut, the compressed one,
// and whole files that came and went between two looks.
import type { Stats } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Context } from '../../core/component.ts'
import { Candidate } from './candidate.ts'
import type { FileTail } from './file-tail.ts'
import type { Lost, Table } from './table.ts'
import type { Changes } from './changes.ts'
import { HEAD_BYTES } from './identity.ts'
import { Listings } from './listing.ts'
import type { Listing } from './listing.ts'
import { basesOf, isPacked, isRotated } from './names.ts'
import type { Registry } from './registry.ts'
import { inodeOf } from './registry.ts'
import { PresumedCopies, Unseen } from './unseen.ts'

/** A rename can hide a file from one listing (readdir(3) promises nothing about concurrent changes): look more than once. */
const TRIES = 3
/** A folder that is away is asked for again after this long. */
const AWAY_MS = 30_000
/** A round rests this long for every file it looked at, which holds searching to a few percent of the time. */
const REST_MS = 0.08
/** A compressed or copied file keeps its mtime to the second, or gets a later one than when the original was last seen. */
const MTIME_SLACK = 2000

export class Search {
  #table: Table
  #changes: Changes
  #registry: Registry
  #context: Context
  #lost: Lost
  #restUntil = 0
  #presumed: PresumedCopies
  #unseen: Unseen
  #listings: Listings

  constructor(table: Table, changes: Changes, registry: Registry, context: Context, lost: Lost) {
    this.#table = table
    this.#changes = changes
    this.#registry = registry
    this.#context = context
    this.#lost = lost
    this.#presumed = new PresumedCopies(context)
    this.#unseen = new Unseen(table, context, this.#presumed)
    this.#listings = new Listings(table)
  }

  /** One round for everything that is wanted. Rounds that took long are held apart. */
  async run(): Promise<void> {
    const { wanted, turnovers } = this.#table
    this.#withoutName()
    if (wanted.size === 0 && turnovers.size === 0) return
    const { clock } = this.#context
    const began = clock.elapsed()
    if (began < this.#restUntil) return
    this.#listings = new Listings(this.#table)
    for (const tail of wanted) await this.#find(tail)
    // What is not complete yet comes back for the next round, not for this one.
    for (const [path, since] of new Map(turnovers)) {
      // What is looked for takes its copy first; the rest then is new.
      const family = [...this.#table.family(path)]
      if (family.some(tail => tail.unsure || (wanted.has(tail) && tail.carrier === undefined))) continue
      turnovers.delete(path)
      await this.#unseen.look(path, since, this.#listings)
    }
    this.#restUntil = began + this.#listings.looked * REST_MS
    this.#listings = new Listings(this.#table)
  }

  /** Deleted files are read by their descriptor; there is nothing to look for. */
  #withoutName(): void {
    for (const tail of this.#table.wanted) {
      const fd = tail.carrier?.fd
      if (fd === undefined || tail.place !== 'rotated' || !this.#changes.nameless(tail, fd)) continue
      tail.place = 'deleted'
      this.#table.wanted.delete(tail)
      this.#registry.changed(tail)
    }
  }

  async #find(tail: FileTail): Promise<void> {
    if (tail.reading || tail.notBefore > this.#context.clock.elapsed()) return
    const folders = [...new Set([tail.home, dirname(tail.at), dirname(tail.path)])]
    const listings: Listing[] = []
    for (const folder of folders) {
      const listing = await this.#listings.of(folder)
      if (listing !== undefined) listings.push(listing)
    }
    if (!this.#stillWanted(tail)) return
    if (await this.#byInode(tail, listings)) return
    if (tail.carrier?.fd !== undefined) {
      // Moved out of sight with our descriptor on it: it is read to its end by that.
      tail.hidden = true
      this.#table.wanted.delete(tail)
      return
    }
    for (const listing of listings) if (await this.#byContent(tail, listing)) return
    if (!this.#stillWanted(tail)) return
    tail.searches++
    if (listings.length === 0) {
      tail.place = tail.ino === 0 ? 'lost' : 'rotated'
      tail.notBefore = this.#context.clock.elapsed() + AWAY_MS
    } else if (tail.searches >= TRIES || this.#context.once) this.#giveUp(tail)
  }

  #stillWanted(tail: FileTail): boolean {
    return this.#table.wanted.has(tail) && tail.names.size === 0 && !tail.reading
  }

  #giveUp(tail: FileTail): void {
    const bytes = Math.max(tail.size, tail.expected) - tail.read
    if (bytes > 0 && !tail.counted) {
      tail.counted = true
      this.#lost(tail, bytes)
    }
    // What was cut without a copy can't come back; a file that went away can.
    this.#table.rest(tail, tail.ino === 0 ? 'done' : 'missing')
  }

  async #byInode(tail: FileTail, listings: readonly Listing[]): Promise<boolean> {
    const key = inodeOf(tail)
    for (const { folder, files, byInode } of listings) {
      const name = key === '' ? undefined : byInode.get(key)
      if (name === undefined) continue
      const before = tail.at
      tail.at = join(folder, name)
      const st = files.get(name)!
      if (tail.place === 'copy') {
        if ((await this.#isStill(tail, st)) && this.#stillWanted(tail)) {
          this.#table.wanted.delete(tail)
          if (tail.packing === undefined) tail.size = st.size
          this.#table.ready.add(tail)
          return true
        }
        tail.at = before
        continue
      }
      const verdict = this.#changes.meet(tail, st)
      if (verdict === 'other') tail.at = before
      else {
        if (before !== tail.at) this.#table.renamed(before)
        this.#registry.changed(tail)
      }
      // `other`: the inode has a new file and the stream is looked for by its content at the next round.
      return true
    }
    return false
  }

  /** True when the copy at `tail.at` is the one that the stream is to be read from. */
  async #isStill(tail: FileTail, st: Stats): Promise<boolean> {
    if (this.#table.births.differ(tail.born, st)) return false
    // Nothing of it was read yet: there is nothing to compare with.
    if (tail.head.n === 0) return tail.read === 0 && tail.size <= st.size
    const candidate = await this.#holds(tail, tail.at, st)
    return candidate !== undefined && candidate.packing === tail.packing
  }

  /** A copy holds the same first bytes, and the same before the position; it is read on inside. */
  async #byContent(tail: FileTail, listing: Listing): Promise<boolean> {
    if (tail.head.n === 0) return false
    const family: string[] = []
    const others: string[] = []
    for (const name of await listing.firsts.mayHold(tail, Math.min(tail.mtime, tail.seen) - MTIME_SLACK)) {
      const st = listing.files.get(name)!
      // While what it is made of is there, a compressed one may not be complete.
      if (isPacked(name) && listing.files.has(basesOf(name)[0]!)) continue
      const holder = this.#table.holderOf(st)
      const claimer = this.#table.claimedBy(st)
      if (holder === tail || (holder !== undefined && !holder.isCopy)) continue
      // Nothing is to be read from it for one that counts as read.
      if (claimer !== undefined && !claimer.isCopy) continue
      if (st.size === 0 || st.mtimeMs < Math.min(tail.mtime, tail.seen) - MTIME_SLACK) continue
      if (isRotated(name, basename(tail.path)) || isRotated(name, basename(tail.at))) family.push(name)
      else others.push(name)
    }
    // Compressing keeps the mtime: of short files that are all alike it tells which is which.
    const apart = (name: string): number => Math.abs(listing.files.get(name)!.mtimeMs - tail.mtime)
    if (tail.head.n < HEAD_BYTES && tail.loss === 'deleted') family.sort((a, b) => apart(a) - apart(b))
    for (const name of [...family, ...others]) {
      const candidate = await this.#holds(tail, join(listing.folder, name), listing.files.get(name)!)
      if (candidate === undefined) continue
      if (!this.#stillWanted(tail)) return true
      this.#tellPresumed(tail, candidate)
      this.#goOnIn(tail, candidate)
      return true
    }
    return false
  }

  /** An inode that is gone was deleted, not copied: what holds as little as it did may be another file. */
  #tellPresumed(tail: FileTail, { path, packing, st, size }: Candidate): void {
    if (tail.head.n === HEAD_BYTES || tail.loss !== 'deleted' || tail.isCopy || size !== tail.read) return
    if (packing === undefined || Math.abs(st.mtimeMs - tail.mtime) > MTIME_SLACK) this.#presumed.tell(tail, path, st)
  }

  #goOnIn(tail: FileTail, { path, packing, st, head }: Candidate): void {
    this.#table.forget(tail)
    // The copy may have been made before the file had all of what its fingerprint was taken from.
    if (head.n < tail.head.n) tail.head = head
    tail.place = 'copy'
    tail.at = path
    tail.home = dirname(path)
    tail.dev = st.dev
    tail.ino = st.ino
    tail.born = st.birthtimeMs
    tail.packing = packing
    if (packing === undefined) tail.size = st.size
    tail.scanned = tail.read
    this.#table.wanted.delete(tail)
    this.#table.claims.set(inodeOf(tail), tail)
    if (packing === undefined && st.size <= tail.read) return this.#table.finish(tail)
    this.#table.hold(tail)
    this.#table.ready.add(tail)
    this.#registry.changed(tail)
    this.#context.log.info(
      { path: tail.path, copy: path, from: tail.read },
      'The rest of a file is read from its copy.'
    )
  }

  async #holds(tail: FileTail, path: string, st: Stats): Promise<Candidate | undefined> {
    const candidate = Candidate.open(path, st)
    if (candidate === undefined) return undefined
    try {
      return (await candidate.holds(tail)) ? candidate : undefined
    } catch {
      // Not complete yet: the next round sees it as it is then.
      return undefined
    } finally {
      candidate.close()
    }
  }
}
