// Looks for bytes that are no longer under their path: the renamed file, the copy of what was cut, the compressed one,
// and whole files that came and went between two looks.
import { statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { Context } from '../../core/component.ts'
import { Candidate } from './candidate.ts'
import type { FileTail } from './file-tail.ts'
import { FirstBytes } from './first-bytes.ts'
import type { Lost, Table } from './table.ts'
import type { Changes } from './changes.ts'
import { HEAD_BYTES, inodeKey } from './identity.ts'
import { basesOf, homeOf, isPacked, isRotated } from './names.ts'
import type { Registry } from './registry.ts'
import { inodeOf } from './registry.ts'

/** A rename can hide a file from one listing (readdir(3) promises nothing about concurrent changes): look more than once. */
const TRIES = 3
/** A folder that is away is asked for again after this long. */
const AWAY_MS = 30_000
/** A round rests this long for every file it looked at, which holds searching to a few percent of the time. */
const REST_MS = 0.08
/** A compressed or copied file keeps its mtime to the second, or gets a later one than when the original was last seen. */
const MTIME_SLACK = 2000
/** Coarse kernel clocks stamp a write a little before it happened. */
const TICK_MS = 20

/** A compressed file that is still being written will be complete after this time. */
const UNFINISHED_MS = 60_000

/** The files of one folder that no path of the patterns is known to lead to. */
interface Listing {
  readonly folder: string
  readonly files: ReadonlyMap<string, Stats>
  readonly byInode: ReadonlyMap<string, string>
  readonly firsts: FirstBytes
}

export class Search {
  #table: Table
  #changes: Changes
  #registry: Registry
  #context: Context
  #lost: Lost
  #restUntil = 0
  #looked = 0
  #listings = new Map<string, Listing | undefined>()

  constructor(table: Table, changes: Changes, registry: Registry, context: Context, lost: Lost) {
    this.#table = table
    this.#changes = changes
    this.#registry = registry
    this.#context = context
    this.#lost = lost
  }

  /** One round for everything that is wanted. Rounds that took long are held apart. */
  async run(): Promise<void> {
    const { wanted, turnovers } = this.#table
    this.#withoutName()
    if (wanted.size === 0 && turnovers.size === 0) return
    const { clock } = this.#context
    const began = clock.elapsed()
    if (began < this.#restUntil) return
    this.#listings = new Map()
    this.#looked = 0
    for (const tail of wanted) await this.#find(tail)
    for (const [path, since] of turnovers) {
      // What is looked for takes its copy first; the rest then is new.
      const family = [...this.#table.family(path)]
      if (family.some(tail => tail.unsure || (wanted.has(tail) && tail.carrier === undefined))) continue
      turnovers.delete(path)
      await this.#unseen(path, since)
    }
    this.#listings = new Map()
    this.#restUntil = began + this.#looked * REST_MS
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
      const listing = await this.#list(folder)
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
      else this.#registry.changed(tail)
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
      if (holder === tail || (holder !== undefined && !holder.isCopy) || this.#table.claimedBy(st) !== undefined)
        continue
      if (st.size === 0 || st.mtimeMs < Math.min(tail.mtime, tail.seen) - MTIME_SLACK) continue
      if (isRotated(name, basename(tail.path)) || isRotated(name, basename(tail.at))) family.push(name)
      else others.push(name)
    }
    for (const name of [...family, ...others]) {
      const candidate = await this.#holds(tail, join(listing.folder, name), listing.files.get(name)!)
      if (candidate === undefined) continue
      if (this.#stillWanted(tail)) this.#goOnIn(tail, candidate)
      return true
    }
    return false
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

  /** Files that rotation took away before they were ever seen: those of the path's family that are new and unknown. */
  async #unseen(path: string, since: number): Promise<void> {
    for (const folder of new Set([dirname(path), homeOf(path)])) {
      const listing = await this.#list(folder)
      if (listing === undefined) continue
      const names = [...listing.files].filter(([name]) => isRotated(name, basename(path)))
      names.sort(([, a], [, b]) => a.mtimeMs - b.mtimeMs)
      for (const [name, st] of names) {
        // Whole seconds only: a file system without finer times.
        const slack = st.mtimeMs % 1000 === 0 ? 1000 + TICK_MS : TICK_MS
        const original = basesOf(name)[0]!
        // While the original is there, the compressed one is but a copy, and perhaps not complete.
        const doubled =
          isPacked(name) && (listing.files.has(original) || this.#table.entries.has(join(folder, original)))
        if (st.size === 0 || st.mtimeMs < since - slack || doubled) continue
        if (!(await this.#adoptUnseen(path, join(folder, name), st))) this.#table.turnover(path, since)
      }
    }
  }

  /** False when it is not yet what it will be, and is to be looked at again. */
  async #adoptUnseen(path: string, at: string, st: Stats): Promise<boolean> {
    const known = (): boolean => this.#table.holderOf(st) !== undefined || this.#table.claimedBy(st) !== undefined
    if (known()) return true
    const candidate = Candidate.open(at, st)
    if (candidate === undefined) return true
    try {
      // What the patterns match is found by itself, unless it is compressed.
      if (candidate.packing === undefined && this.#table.entries.has(at)) return true
      for (const tail of this.#table.family(at)) {
        // Files may begin alike; one that holds more than the stream ever had is no copy of it.
        const more = tail.head.n < HEAD_BYTES && candidate.size > Math.max(tail.size, tail.expected)
        if (candidate.begins(tail) || (!more && (await candidate.holds(tail)))) return true
      }
      if (known()) return true
      this.#table.beginUnseen(path, at, candidate.packing)
      this.#context.log.info({ path, rotated: at }, 'A file that was rotated away unseen is read.')
      return true
    } catch (error) {
      // Not complete yet, or renamed meanwhile; what stays like that is damaged.
      if (this.#context.clock.now() - st.mtimeMs < UNFINISHED_MS) return false
      this.#context.log.warn({ path, rotated: at, err: error }, 'A rotated file cannot be read.')
      return true
    } finally {
      candidate.close()
    }
  }

  async #list(folder: string): Promise<Listing | undefined> {
    if (this.#listings.has(folder)) return this.#listings.get(folder)
    const listing = await this.#readFolder(folder)
    this.#listings.set(folder, listing)
    return listing
  }

  async #readFolder(folder: string): Promise<Listing | undefined> {
    let names: string[]
    try {
      names = await readdir(folder)
    } catch {
      return undefined
    }
    const files = new Map<string, Stats>()
    const byInode = new Map<string, string>()
    for (const name of names) {
      const entry = this.#table.entries.get(join(folder, name))
      if (entry?.tail !== undefined && !entry.tail.isCopy) continue
      if (++this.#looked % 256 === 0) await turn()
      let st: Stats | undefined
      try {
        st = statSync(join(folder, name), { throwIfNoEntry: false })
      } catch {
        continue
      }
      if (st?.isFile() !== true) continue
      files.set(name, st)
      byInode.set(inodeKey(st.dev, st.ino), name)
    }
    return { folder, files, byInode, firsts: new FirstBytes(folder, files, () => this.#looked++) }
  }
}
