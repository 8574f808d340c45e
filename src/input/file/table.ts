// The table of streams: where each lies, by path and by inode, and what is to be done with it.
import { closeSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { dirname } from 'node:path'
import { ByName } from './by-name.ts'
import { openFile } from './carrier.ts'
import type { Packing } from './carrier.ts'
import type { Descriptors } from './descriptors.ts'
import type { FileTail } from './file-tail.ts'
import { Births, inodeKey } from './identity.ts'
import type { Registry } from './registry.ts'
import { inodeOf } from './registry.ts'
import type { Troubles } from './troubles.ts'

/** After a change an unchanged mtime proves nothing for as long as a file system's tick may be. */
export const RACY_MS = 2200

/** When the clock was set back while nobody looked, files may be new that were written so long ago by it. */
const UNSURE_MS = 30 * 60_000

/** Told when bytes are gone that were not read. */
export type Lost = (tail: FileTail, bytes: number, from?: number) => void

/** One path of the patterns. */
export interface Entry {
  readonly path: string
  tail: FileTail | undefined
  dev: number
  ino: number
  /** own: it is this process's stdout or stderr; special: no regular file; packed: compressed; pending: perhaps a copy. */
  kind: 'unseen' | 'absent' | 'file' | 'own' | 'special' | 'packed' | 'pending'
  /** It stood there when the input ran for the first time. */
  readonly stood: boolean
  /** It is written so in the patterns, and waited for when it is not there. */
  readonly literal: boolean
  absentSince: number
  /** Clock.elapsed() of the last change that was seen. */
  changedAt: number
  pendingSize: number
  pendingSince: number
  /** A file that is not read yet, for whatever reason: its inode, and the wall clock since when it may have been written. */
  unread: { readonly ino: number; readonly since: number } | undefined
}

export class Table {
  readonly entries = new Map<string, Entry>()
  readonly tails = new Set<FileTail>()
  readonly byInode = new Map<string, FileTail>()
  /** Streams that no path of the patterns leads to. */
  readonly loose = new Set<FileTail>()
  /** Streams with bytes to read, in the order of their turns. */
  readonly ready = new Set<FileTail>()
  /** Streams whose bytes are to be looked for. */
  readonly wanted = new Set<FileTail>()
  /** Streams whose bytes could not be read for want of a descriptor or a permission: tried again at every look. */
  readonly stuck = new Set<FileTail>()
  /** Streams that are over or out of sight, kept for a while in case something of them shows up. */
  readonly resting = new Set<FileTail>()
  /** Inodes of plain copies that a stream reads its rest from. */
  readonly claims = new Map<string, FileTail>()
  /** Paths that changed hands, with the wall clock since when files may have come and gone there unseen. */
  readonly turnovers = new Map<string, number>()
  readonly descriptors: Descriptors
  readonly births = new Births()
  /** Of the look under way: monotonic and wall clock. */
  elapsed = 0
  now = 0
  /** Wall clock of the look before; 0 at the first look of a first run. */
  lookedAt = 0
  /** The first look of this process is not over. */
  firstLook = true
  #registry: Registry
  #troubles: Troubles
  #lost: Lost
  #byName = new ByName()

  constructor(registry: Registry, troubles: Troubles, descriptors: Descriptors, lost: Lost) {
    this.#registry = registry
    this.#troubles = troubles
    this.descriptors = descriptors
    this.#lost = lost
  }

  /** A look begins. Should the machine's clock have been set back, so is what was noted by it. */
  begin(elapsed: number, now: number): void {
    if (now < this.now) this.#setBack(this.firstLook ? now - UNSURE_MS : now - (elapsed - this.elapsed))
    this.elapsed = elapsed
    this.now = now
  }

  #setBack(to: number): void {
    this.lookedAt = Math.min(this.lookedAt, to)
    for (const tail of this.tails) tail.seen = Math.min(tail.seen, to)
    for (const [path, since] of this.turnovers) this.turnovers.set(path, Math.min(since, to))
    for (const entry of this.entries.values()) {
      if (entry.unread !== undefined) entry.unread = { ...entry.unread, since: Math.min(entry.unread.since, to) }
    }
  }

  /** Takes over the streams of earlier runs; where each lies now will be seen at the first look. */
  load(tails: Iterable<FileTail>): void {
    this.lookedAt = this.#registry.runs?.seen ?? 0
    this.now = this.lookedAt
    for (const tail of tails) {
      this.#add(tail)
      tail.vanishedAt = this.elapsed
      tail.currentAt = tail.seen
      const key = inodeOf(tail)
      // Of what is done only a copy still has an inode.
      if (key !== '' && (tail.place === 'copy' || tail.place === 'done')) this.claims.set(key, tail)
      else if (key !== '') this.#holdInode(key, tail)
      if (tail.place === 'done' || tail.place === 'missing') {
        if (!tail.owed) this.resting.add(tail)
        else this.seek(tail)
        continue
      }
      this.loose.add(tail)
      this.wanted.add(tail)
      // Whatever took its place while nobody looked, until the path turns out to lead to it still.
      this.turnovers.set(tail.path, Math.min(tail.seen, this.turnovers.get(tail.path) ?? Infinity))
    }
  }

  /** It was read to its end and not taken over to it: its bytes are needed once more. */
  seek(tail: FileTail): void {
    this.resting.delete(tail)
    tail.place = tail.place === 'missing' ? 'rotated' : tail.ino === 0 ? 'lost' : 'copy'
    this.loose.add(tail)
    this.wanted.add(tail)
  }

  /** The stream at this inode, unless that was used again for another file. */
  holderOf(st: Stats): FileTail | undefined {
    const tail = this.byInode.get(inodeKey(st.dev, st.ino))
    if (tail === undefined || tail.reading || !this.births.differ(tail.born, st)) return tail
    this.#dispossess(tail)
    return undefined
  }

  #dispossess(tail: FileTail): void {
    if (this.resting.has(tail)) this.#leaveInode(tail)
    else this.forget(tail)
  }

  /** An inode holds one stream at a time: of two the one that was seen there later. */
  #holdInode(key: string, tail: FileTail): void {
    const holder = this.byInode.get(key)
    if (holder !== undefined && holder !== tail) {
      if (holder.seen > tail.seen) {
        tail.dev = 0
        tail.ino = 0
        if (tail.place === 'rotated') tail.place = 'lost'
        return
      }
      this.#dispossess(holder)
    }
    this.byInode.set(key, tail)
  }

  #leaveInode(tail: FileTail): void {
    const key = inodeOf(tail)
    if (this.byInode.get(key) === tail) this.byInode.delete(key)
    if (this.claims.get(key) === tail) this.claims.delete(key)
    tail.dev = 0
    tail.ino = 0
  }

  /** The stream that reads its rest from this very copy. */
  claimedBy(st: Stats): FileTail | undefined {
    const key = inodeKey(st.dev, st.ino)
    const tail = this.claims.get(key)
    if (tail === undefined || !this.births.differ(tail.born, st)) return tail
    this.claims.delete(key)
    return undefined
  }

  #add(tail: FileTail): void {
    this.tails.add(tail)
    this.#byName.add(tail)
  }

  /** Every stream that was found under this path. */
  at(path: string): Iterable<FileTail> {
    return this.#byName.at(path)
  }

  /** Every stream that was found under a name which rotation may turn into this one, or this one into that. */
  family(path: string): Iterable<FileTail> {
    return this.#byName.family(path)
  }

  /** All paths were looked at. */
  looked(): void {
    this.firstLook = false
    this.lookedAt = this.now
  }

  /** A file was found under a path that must have been another's before, or nobody's. */
  turnover(path: string, since = this.lookedAt): void {
    // Nothing is listed after a look; a later time is one of before the clock was set back.
    since = Math.min(since, this.lookedAt)
    if (this.lookedAt > 0 && since < (this.turnovers.get(path) ?? Infinity)) this.turnovers.set(path, since)
  }

  /** Puts a new stream at its inode into the table. */
  enter(tail: FileTail, st: Stats): void {
    tail.dev = st.dev
    tail.ino = st.ino
    tail.size = st.size
    tail.mtime = st.mtimeMs
    tail.born = st.birthtimeMs
    tail.seen = this.now
    tail.currentAt = this.now
    tail.changedAt = this.elapsed
    tail.racyUntil = this.elapsed + RACY_MS
    this.#add(tail)
    this.#holdInode(inodeKey(st.dev, st.ino), tail)
  }

  /** The same bytes lie at another inode now. */
  move(tail: FileTail, st: Stats): void {
    this.descriptors.close(tail)
    this.#leaveInode(tail)
    tail.dev = st.dev
    tail.ino = st.ino
    tail.born = st.birthtimeMs
    tail.seen = this.now
    this.#holdInode(inodeKey(st.dev, st.ino), tail)
    this.#registry.changed(tail)
  }

  /** An unseen file that rotation took from `path` to `at`, perhaps compressed: owed from its first byte. */
  beginUnseen(path: string, at: string, packing: Packing | undefined): void {
    const { fd, st } = openFile(at)
    const tail = this.#registry.make(path, 0)
    tail.at = at
    tail.home = dirname(at)
    tail.packing = packing
    tail.vanishedAt = this.elapsed
    this.enter(tail, st)
    this.loose.add(tail)
    this.ready.add(tail)
    let kept = false
    try {
      if (packing === undefined) {
        tail.place = 'rotated'
        kept = this.keep(tail, fd)
        return
      }
    } finally {
      if (!kept) closeSync(fd)
    }
    const key = inodeOf(tail)
    this.byInode.delete(key)
    this.claims.set(key, tail)
    tail.place = 'copy'
    tail.size = 0
  }

  /** Opens it ahead of its turn when there is room, so that nobody can take it away. */
  hold(tail: FileTail): void {
    if (tail.packing !== undefined || !this.descriptors.room) return
    try {
      this.descriptors.open(tail)
    } catch (error) {
      this.#troubles.begin(tail.at, error)
    }
  }

  /** Learns what is open; true when it stays so, since there is something to read and room for it. */
  keep(tail: FileTail, fd: number): boolean {
    tail.learn(fd)
    if (!tail.unread || !this.descriptors.room) return false
    this.descriptors.adopt(tail, fd)
    return true
  }

  /** Its bytes lie under another name than `before` now. */
  renamed(before: string): void {
    this.#troubles.readable(before)
  }

  /** Its end was cut off before it was read. */
  shortened(tail: FileTail, size: number): void {
    tail.loss = 'truncated'
    this.#lost(tail, tail.size - size, size)
    tail.size = size
  }

  /** It was read to its end, and nothing can follow. What it is known to have had beyond is lost. */
  finish(tail: FileTail): void {
    const missing = tail.place === 'copy' ? tail.expected - tail.read : 0
    if (missing > 0 && !tail.counted) {
      tail.counted = true
      this.#lost(tail, missing)
    }
    this.rest(tail, 'done')
  }

  /** Nothing more is read of it. Its row stays for as long as something is owed, and a while longer. */
  rest(tail: FileTail, place: 'done' | 'missing'): void {
    this.descriptors.close(tail)
    this.#troubles.readable(tail.at)
    // With the last descriptor the inode is free for another file.
    if (tail.place === 'deleted') this.#leaveInode(tail)
    tail.place = place
    tail.unsure = false
    tail.vanishedAt = this.elapsed
    for (const set of [this.loose, this.ready, this.wanted, this.stuck]) set.delete(tail)
    this.resting.add(tail)
    this.#registry.changed(tail)
  }

  /** The inode is no longer this stream's: its bytes are to be looked for elsewhere. */
  forget(tail: FileTail): void {
    this.#leaveInode(tail)
    for (const name of tail.names) {
      const entry = this.entries.get(name)
      if (entry?.tail === tail) entry.tail = undefined
    }
    tail.names.clear()
    if (tail.carrier !== undefined && !tail.reading) this.descriptors.close(tail)
    tail.place = 'lost'
    tail.expected = Math.max(tail.expected, tail.size)
    tail.searches = 0
    tail.vanishedAt = this.elapsed
    this.ready.delete(tail)
    this.loose.add(tail)
    this.wanted.add(tail)
    this.#registry.changed(tail)
  }

  /** Nothing of it is owed and nothing can come: it leaves the table and the state. */
  drop(tail: FileTail): void {
    this.descriptors.close(tail)
    this.#leaveInode(tail)
    for (const set of [this.tails, this.loose, this.ready, this.wanted, this.stuck, this.resting]) set.delete(tail)
    this.#byName.delete(tail)
    this.#registry.drop(tail)
  }
}
