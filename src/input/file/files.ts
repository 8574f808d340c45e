// The table of files: which stream each path leads to, and what happened to a stream whose path leads elsewhere.
//
// rename rotation  the path leads to another inode; the old stream is read on under its new name or by its descriptor
// truncation       the inode is the same and its bytes are not: a new generation begins, the rest of the old one is
//                  looked for in a copy (copytruncate)
// inode reuse      a path leads to a known inode that holds another file: told by its first bytes and its birth
import { closeSync, fstatSync, statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Context } from '../../core/component.ts'
import { errnoOf } from '../../core/errors.ts'
import { openFile, packingOf } from './carrier.ts'
import type { Packing } from './carrier.ts'
import type { Descriptors } from './descriptors.ts'
import type { FileTail } from './file-tail.ts'
import { Births, CONTEXT_BYTES, HEAD_BYTES, bytesAt, inodeKey } from './identity.ts'
import { basesOf, homeOf } from './names.ts'
import type { Registry } from './registry.ts'
import { inodeOf } from './registry.ts'
import type { Settings } from './settings.ts'
import { lineStart } from './start.ts'
import type { Troubles } from './troubles.ts'

/** After a change an unchanged mtime proves nothing for as long as a file system's tick may be. */
const RACY_MS = 2200
/** A file that may be a copy in the making is left alone until it has been the same for so long. */
const PENDING_MS = 2000
/** A path that is gone for longer is told. */
const ABSENT_MS = 10_000

/** Told when bytes are gone that were not read. */
export type Lost = (tail: FileTail, bytes: number) => void

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
}

export class Files {
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
  #context: Context
  #settings: Settings
  #registry: Registry
  #troubles: Troubles
  #own: ReadonlySet<string> = new Set()
  #lost: Lost
  #byPath = new Map<string, Set<FileTail>>()
  #firstLook = true

  constructor(
    context: Context,
    settings: Settings,
    registry: Registry,
    troubles: Troubles,
    descriptors: Descriptors,
    lost: Lost
  ) {
    this.#lost = lost
    this.#context = context
    this.#settings = settings
    this.#registry = registry
    this.#troubles = troubles
    this.descriptors = descriptors
  }

  /** Takes over the streams of earlier runs; where each lies now will be seen at the first look. */
  load(tails: Iterable<FileTail>): void {
    this.#own = ownOutputs()
    this.lookedAt = this.#registry.runs?.seen ?? 0
    for (const tail of tails) {
      this.#add(tail)
      tail.vanishedAt = this.elapsed
      const key = inodeOf(tail)
      if (tail.place === 'copy') this.claims.set(key, tail)
      else if (key !== '') this.byInode.set(key, tail)
      if (tail.place === 'done' || tail.place === 'missing') {
        this.resting.add(tail)
        continue
      }
      this.loose.add(tail)
      this.wanted.add(tail)
      // Whatever took its place while nobody looked, until the path turns out to lead to it still.
      this.turnovers.set(tail.path, Math.min(tail.seen, this.turnovers.get(tail.path) ?? Infinity))
    }
  }

  /** The stream at this inode, unless that was used again for another file. */
  holderOf(st: Stats): FileTail | undefined {
    const tail = this.byInode.get(inodeKey(st.dev, st.ino))
    if (tail === undefined || tail.reading || !this.births.differ(tail.born, st)) return tail
    if (this.resting.has(tail)) this.#leaveInode(tail)
    else this.forget(tail)
    return undefined
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
    const same = this.#byPath.get(tail.path)
    if (same === undefined) this.#byPath.set(tail.path, new Set([tail]))
    else same.add(tail)
  }

  /** Every stream that was found under this path. */
  at(path: string): Iterable<FileTail> {
    return this.#byPath.get(path) ?? []
  }

  /** All paths were looked at. */
  looked(): void {
    this.#firstLook = false
    this.lookedAt = this.now
  }

  entry(path: string, stood: boolean, literal: boolean): Entry {
    const known = this.entries.get(path)
    if (known !== undefined) return known
    const entry: Entry = {
      path,
      tail: undefined,
      dev: 0,
      ino: 0,
      kind: 'unseen',
      stood,
      literal,
      absentSince: -1,
      changedAt: this.elapsed,
      pendingSize: -1,
      pendingSince: 0
    }
    this.entries.set(path, entry)
    return entry
  }

  /** Looks at one path: the same file as before, another, or none. */
  examine(entry: Entry): void {
    let st: Stats | undefined
    try {
      st = statSync(entry.path, { throwIfNoEntry: false })
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'ENOTDIR') st = undefined
      else return this.#troubles.begin(entry.path, error)
    }
    if (st === undefined) return this.absent(entry)
    this.births.note(st)
    if (!st.isFile()) return this.#special(entry, st)
    entry.absentSince = -1
    if (st.ino === entry.ino && st.dev === entry.dev && entry.kind !== 'pending') {
      if (entry.tail === undefined) return
      if (this.#troubles.has(entry.path)) this.#check(entry.tail, st.size)
      return this.#observe(entry, entry.tail, st)
    }
    this.#release(entry)
    this.#adopt(entry, st)
  }

  /** Nothing is at the path. */
  absent(entry: Entry): void {
    this.#release(entry)
    entry.kind = 'absent'
    if (!entry.literal) return
    const first = entry.absentSince < 0
    if (first) entry.absentSince = this.elapsed
    // Between the two halves of a rotation a path may be missing for a moment; that is nothing to tell.
    if ((first && this.#firstLook) || this.elapsed - entry.absentSince > ABSENT_MS) {
      this.#troubles.begin(entry.path, Object.assign(new Error('it does not exist'), { code: 'ENOENT' }))
    }
  }

  #special(entry: Entry, st: Stats): void {
    this.#release(entry)
    if (entry.kind === 'special') return
    entry.kind = 'special'
    const what = st.isDirectory() ? 'folder' : st.isFIFO() ? 'fifo' : st.isSocket() ? 'socket' : 'device'
    this.#context.log.warn({ path: entry.path, what }, 'A path that matches is no regular file and is not read.')
  }

  /** The path no longer leads to its stream. */
  #release(entry: Entry): void {
    const { tail } = entry
    entry.tail = undefined
    entry.dev = 0
    entry.ino = 0
    if (tail === undefined) return
    entry.changedAt = this.elapsed
    this.turnovers.set(entry.path, Math.min(tail.seen, this.turnovers.get(entry.path) ?? Infinity))
    tail.names.delete(entry.path)
    const other = tail.names.values().next()
    if (other.done !== true) tail.at = other.value
    else if (tail.place === 'live') {
      tail.place = 'rotated'
      tail.vanishedAt = this.elapsed
      tail.searches = 0
      this.loose.add(tail)
      this.wanted.add(tail)
      this.#registry.changed(tail)
    }
  }

  #adopt(entry: Entry, st: Stats): void {
    const key = inodeKey(st.dev, st.ino)
    if (this.#own.has(key)) {
      if (entry.kind !== 'own') {
        this.#context.log.warn(
          { path: entry.path },
          'A path that matches is the output of this process and is not read.'
        )
      }
      this.#settle(entry, st, 'own')
      return
    }
    const known = this.holderOf(st)
    if (known === undefined) return this.#adoptUnknown(entry, st)
    if (known.reading) return
    const before = known.at
    known.at = entry.path
    const still = known.size === st.size && known.mtime === st.mtimeMs
    // A short fingerprint fits too much to be sure that nothing came between.
    const sure = still || known.head.n === HEAD_BYTES
    const verdict = still ? 'same' : this.#check(known, st.size)
    if (verdict === 'same') {
      if (sure && known.path === entry.path && this.#firstLook) this.turnovers.delete(entry.path)
      return this.#attach(entry, known, st)
    }
    known.at = before
    if (verdict === 'unknown') return
    if (known.path !== entry.path && known.names.size === 0) {
      // Its name is gone, its inode has another file: it was deleted and the inode used again.
      this.forget(known)
      return this.#adoptUnknown(entry, st)
    }
    this.#attach(entry, this.#cut(known, entry.path, st), st)
  }

  #attach(entry: Entry, tail: FileTail, st: Stats): void {
    this.#settle(entry, st, 'file')
    if (tail.names.size > 0 && !tail.names.has(entry.path)) {
      const [first] = tail.names
      this.#context.log.info({ path: entry.path, same_as: first }, 'Two paths lead to the same file; it is read once.')
    }
    entry.tail = tail
    if (tail.names.size === 0) {
      tail.at = entry.path
      tail.home = homeOf(entry.path)
    }
    tail.names.add(entry.path)
    if (tail.place !== 'live') this.#registry.changed(tail)
    tail.place = 'live'
    tail.counted = false
    for (const set of [this.loose, this.wanted, this.resting]) set.delete(tail)
    this.#note(entry, tail, st)
  }

  #settle(entry: Entry, st: Stats, kind: Entry['kind']): void {
    entry.kind = kind
    entry.dev = st.dev
    entry.ino = st.ino
    entry.changedAt = this.elapsed
    this.#troubles.end(entry.path)
  }

  #adoptUnknown(entry: Entry, st: Stats): void {
    if (this.#mayBeCopy(entry, st, undefined)) return
    if (st.size === 0) return void this.#begin(entry, st, undefined)
    let fd: number | undefined
    let kept = false
    try {
      const opened = openFile(entry.path)
      fd = opened.fd
      // Replaced since: the next look sees what it is.
      if (!opened.st.isFile() || opened.st.ino !== st.ino || opened.st.dev !== st.dev) return
      if (packingOf(bytesAt(fd, 0, 6)) !== undefined) this.#packed(entry, opened.st)
      else if (this.claimedBy(st)?.compare(fd, st.size) === 'same') this.#beginCopy(entry, opened.st, fd)
      else if (!this.#mayBeCopy(entry, opened.st, fd)) kept = this.#begin(entry, opened.st, fd)
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) this.#troubles.begin(entry.path, error)
    } finally {
      if (fd !== undefined && !kept) closeSync(fd)
    }
  }

  #packed(entry: Entry, st: Stats): void {
    this.#settle(entry, st, 'packed')
    this.#context.log.debug({ path: entry.path }, 'A compressed file is read only for what rotation took away unread.')
    const base = basesOf(basename(entry.path)).at(-1)
    if (base !== undefined) this.turnover(join(dirname(entry.path), base))
  }

  /**
   * True when the unknown file under a rotated name is left alone: it is the copy that copytruncate made of a file that
   * is known (it counts as read then), or it may yet become one.
   */
  #mayBeCopy(entry: Entry, st: Stats, fd: number | undefined): boolean {
    let undecided = false
    let searched = false
    for (const base of basesOf(basename(entry.path))) {
      for (const tail of this.at(join(dirname(entry.path), base))) {
        const verdict = this.#isCopy(entry, tail, st, fd)
        if (verdict === 'searched') searched = true
        if (verdict === 'wait') undecided = true
        if (verdict !== 'yes') continue
        this.#beginCopy(entry, st, fd!)
        return true
      }
    }
    if (!undecided && !searched) return false
    if (entry.kind !== 'pending' || entry.pendingSize !== st.size) {
      entry.kind = 'pending'
      entry.pendingSize = st.size
      entry.pendingSince = this.elapsed
    }
    entry.changedAt = this.elapsed
    return searched || this.elapsed - entry.pendingSince < PENDING_MS
  }

  /**
   * A copy while its original is whole holds nothing else, and may still grow; once the original was cut, the search for
   * its rest decides. Afterwards only a full fingerprint counts: short ones are alike in files that begin alike.
   */
  #isCopy(entry: Entry, tail: FileTail, st: Stats, fd: number | undefined): 'yes' | 'no' | 'wait' | 'searched' {
    if (tail.head.n === 0) return 'no'
    if (tail.place === 'lost' && this.wanted.has(tail)) return 'searched'
    const whole = tail.place === 'live' || tail.place === 'rotated' || tail.place === 'deleted'
    if (fd === undefined) return whole ? 'wait' : 'no'
    if (!whole) return tail.head.n === HEAD_BYTES && tail.compare(fd, st.size) === 'same' ? 'yes' : 'no'
    const original = this.#check(tail, tail.size) === 'same' ? tail.carrier?.fd : undefined
    if (original === undefined) return this.loose.has(tail) ? 'searched' : 'wait'
    if (st.size > fstatSync(original).size || !sameEnds(fd, original, st.size)) return 'no'
    const same = entry.kind === 'pending' && entry.pendingSize === st.size
    return same && this.elapsed - entry.pendingSince >= PENDING_MS ? 'yes' : 'wait'
  }

  #beginCopy(entry: Entry, st: Stats, fd: number): void {
    const copy = this.#registry.make(entry.path, st.size)
    copy.isCopy = true
    this.#enter(copy, st)
    copy.learn(fd)
    this.#attach(entry, copy, st)
    this.#context.log.debug({ path: entry.path }, 'A copy of a file that was read is not read again.')
  }

  /** A file that nobody knows: from its first byte, or from its end when it stood there before the input first ran. */
  #begin(entry: Entry, st: Stats, fd: number | undefined): boolean {
    const old = this.#settings.ignoreOlder > 0 && this.now - st.mtimeMs > this.#settings.ignoreOlder
    const fromEnd = (entry.stood && this.#settings.startAt === 'end' && !this.#context.once) || old
    const { offset, skip } =
      fd !== undefined && fromEnd ? lineStart(fd, st.size, this.#settings.maxLineBytes) : { offset: 0, skip: false }
    const tail = this.#registry.make(entry.path, offset)
    if (skip) tail.skips.push(offset)
    this.#enter(tail, st)
    const kept = fd !== undefined && this.#keep(tail, fd)
    if (this.lookedAt > 0) this.turnover(entry.path)
    this.#attach(entry, tail, st)
    return kept
  }

  /** A file was found under a path that must have been another's before, or nobody's. */
  turnover(path: string, since = this.lookedAt): void {
    if (this.lookedAt > 0 && since < (this.turnovers.get(path) ?? Infinity)) this.turnovers.set(path, since)
  }

  /** Puts a new stream at its inode into the table. */
  #enter(tail: FileTail, st: Stats): void {
    tail.dev = st.dev
    tail.ino = st.ino
    tail.size = st.size
    tail.mtime = st.mtimeMs
    tail.born = st.birthtimeMs
    tail.seen = this.now
    tail.changedAt = this.elapsed
    tail.racyUntil = this.elapsed + RACY_MS
    this.#add(tail)
    this.byInode.set(inodeKey(st.dev, st.ino), tail)
  }

  /** An unseen file that rotation took from `path` to `at`, perhaps compressed: owed from its first byte. */
  beginUnseen(path: string, at: string, packing: Packing | undefined): void {
    const { fd, st } = openFile(at)
    const tail = this.#registry.make(path, 0)
    tail.at = at
    tail.home = dirname(at)
    tail.packing = packing
    tail.vanishedAt = this.elapsed
    this.#enter(tail, st)
    this.loose.add(tail)
    this.ready.add(tail)
    let kept = false
    try {
      if (packing === undefined) {
        tail.place = 'rotated'
        kept = this.#keep(tail, fd)
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
  #keep(tail: FileTail, fd: number): boolean {
    tail.learn(fd)
    if (!tail.unread || !this.descriptors.room) return false
    this.descriptors.adopt(tail, fd)
    return true
  }

  /** A stream without a name was found at `tail.at`; 'other' when something else lies there by now. */
  meet(tail: FileTail, st: Stats): 'same' | 'other' | 'unknown' {
    const still = tail.size === st.size && tail.mtime === st.mtimeMs
    const verdict = this.births.differ(tail.born, st) ? 'other' : still ? 'same' : this.#check(tail, st.size)
    if (verdict === 'same') {
      this.wanted.delete(tail)
      tail.hidden = false
      this.#note(undefined, tail, st)
    } else if (verdict === 'other') {
      // The same birth: cut under its new name. Another: the inode was used again.
      if (this.births.agree(tail.born, st)) this.cutLoose(tail, st)
      else this.forget(tail)
    }
    return verdict
  }

  /** True when only descriptors lead to the file any more. */
  nameless(tail: FileTail, fd: number): boolean {
    try {
      return fstatSync(fd).nlink === 0
    } catch (error) {
      this.#troubles.begin(tail.at, error)
      return false
    }
  }

  #observe(entry: Entry, tail: FileTail, st: Stats): void {
    if (tail.size !== st.size || tail.mtime !== st.mtimeMs) entry.changedAt = this.elapsed
    if (!this.look(tail, st)) return
    // Cut: a new generation is what the path leads to now, with all the names of the old one.
    const next = this.#cut(tail, entry.path, st)
    this.#attach(entry, next, st)
  }

  /** Compares with what was seen before; true when the inode was cut and holds something else. */
  look(tail: FileTail, st: Stats): boolean {
    const changed = tail.size !== st.size || tail.mtime !== st.mtimeMs
    if (!changed && this.elapsed >= tail.racyUntil) {
      tail.seen = this.now
      return false
    }
    if (tail.reading) return false
    if (this.births.differ(tail.born, st)) return true
    const verdict = st.size === 0 && tail.read === 0 && tail.head.n === 0 ? 'same' : this.#check(tail, st.size)
    if (verdict === 'unknown') return false
    if (verdict === 'other') return true
    if (changed && tail.head.n < HEAD_BYTES) this.#suspect(tail)
    this.#note(undefined, tail, st)
    return false
  }

  /**
   * A short fingerprint may fit although the file was copied, cut and written anew since the last look. Then its folder
   * has changed as well, and the copy in it is one that nobody knows.
   */
  #suspect(tail: FileTail): void {
    const folder = statSync(tail.home, { throwIfNoEntry: false })
    if (folder !== undefined && folder.mtimeMs >= tail.seen - RACY_MS) this.turnovers.set(tail.path, tail.seen)
  }

  #note(entry: Entry | undefined, tail: FileTail, st: Stats): void {
    tail.seen = this.now
    if (tail.size !== st.size || tail.mtime !== st.mtimeMs) {
      tail.racyUntil = this.elapsed + RACY_MS
      tail.changedAt = this.elapsed
      if (entry !== undefined) entry.changedAt = this.elapsed
    }
    tail.size = st.size
    tail.mtime = st.mtimeMs
    tail.born = st.birthtimeMs
    if (tail.unread) this.ready.add(tail)
  }

  #check(tail: FileTail, size: number): 'same' | 'other' | 'unknown' {
    try {
      if (!this.descriptors.open(tail)) return 'unknown'
      const { fd } = tail.carrier!
      const verdict = fd === undefined || tail.check(fd, size) ? 'same' : 'other'
      this.#troubles.end(tail.at)
      return verdict
    } catch (error) {
      this.descriptors.close(tail)
      this.#troubles.begin(tail.at, error)
      return 'unknown'
    }
  }

  /** The inode of `old` holds something else: gives the stream that begins there now. */
  #cut(old: FileTail, path: string, st: Stats): FileTail {
    const next = this.#registry.make(path, 0, { fileId: old.fileId, generation: old.generation + 1 })
    this.descriptors.hand(old, next)
    const names = [...old.names]
    old.names.clear()
    this.forget(old)
    old.loss = 'truncated'
    this.#enter(next, st)
    try {
      if (next.carrier?.fd !== undefined) next.learn(next.carrier.fd)
    } catch (error) {
      this.#troubles.begin(path, error)
    }
    for (const name of names) {
      const entry = this.entries.get(name)
      if (entry !== undefined) entry.tail = next
      next.names.add(name)
    }
    next.at = names[0] ?? old.at
    this.turnovers.set(path, Math.min(old.seen, this.turnovers.get(path) ?? Infinity))
    this.#context.log.info(
      { path, id: next.id, was: old.size, is: st.size },
      'A file was truncated; it is read from its start.'
    )
    if (next.unread) this.ready.add(next)
    return next
  }

  /** What was read is not what should follow: finds out whether the file was cut. */
  recheck(tail: FileTail): void {
    const fd = tail.carrier?.fd
    if (fd === undefined) return
    const st = fstatSync(fd)
    tail.racyUntil = Infinity
    const cut = this.look(tail, st)
    tail.racyUntil = this.elapsed + RACY_MS
    if (!cut) return
    // What is not the copy that it was taken for is no new generation of anything.
    if (tail.place === 'copy') return this.forget(tail)
    const [name] = tail.names
    const entry = name === undefined ? undefined : this.entries.get(name)
    if (entry === undefined) this.cutLoose(tail, st)
    else this.#attach(entry, this.#cut(tail, entry.path, st), st)
  }

  /** It was read to its end, and nothing can follow. What it is known to have had beyond is lost. */
  finish(tail: FileTail): void {
    const missing = tail.place === 'copy' ? tail.expected - tail.read : 0
    if (missing > 0 && !tail.counted) {
      tail.counted = true
      this.#lost(tail, missing)
    }
    this.#troubles.end(tail.at)
    this.rest(tail, 'done')
  }

  /** Nothing more is read of it. Its row stays for as long as something is owed, and a while longer. */
  rest(tail: FileTail, place: 'done' | 'missing'): void {
    this.descriptors.close(tail)
    // With the last descriptor the inode is free for another file.
    if (tail.place === 'deleted') this.#leaveInode(tail)
    tail.place = place
    tail.vanishedAt = this.elapsed
    for (const set of [this.loose, this.ready, this.wanted, this.stuck]) set.delete(tail)
    this.resting.add(tail)
    this.#registry.changed(tail)
  }

  /** A file without a name of the patterns was cut: what it holds now is read on as loose as it was. */
  cutLoose(old: FileTail, st: Stats): void {
    const { place } = old
    const next = this.#cut(old, old.path, st)
    next.place = place
    next.at = old.at
    this.loose.add(next)
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
    const same = this.#byPath.get(tail.path)
    same?.delete(tail)
    if (same?.size === 0) this.#byPath.delete(tail.path)
    this.#registry.drop(tail)
  }
}

/** True when a file of `size` bytes is what another begins with, by its first and last bytes. */
function sameEnds(fd: number, original: number, size: number): boolean {
  const head = Math.min(HEAD_BYTES, size)
  const last = Math.max(0, size - CONTEXT_BYTES)
  return (
    bytesAt(fd, 0, head).equals(bytesAt(original, 0, head)) &&
    bytesAt(fd, last, size - last).equals(bytesAt(original, last, size - last))
  )
}

/** Inodes that this process writes to: tailing them would feed on itself. */
function ownOutputs(): ReadonlySet<string> {
  const own = new Set<string>()
  for (const fd of [1, 2]) {
    try {
      const st = fstatSync(fd)
      if (st.isFile()) own.add(inodeKey(st.dev, st.ino))
    } catch {
      // Closed: nothing to feed on.
    }
  }
  return own
}
