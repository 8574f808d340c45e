// The paths of the patterns: which stream each leads to, and what a path is that leads to an unknown file.
//
// rename rotation  the path leads to another inode; the old stream is read on under its new name or by its descriptor
// inode reuse      a path leads to a known inode that holds another file: told by its first bytes and its birth
// copytruncate     a rotated name leads to a copy of a file that was read: it is not read again
import { closeSync, fstatSync, statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Context } from '../../core/component.ts'
import { errnoOf } from '../../core/errors.ts'
import { openFile, packingOf } from './carrier.ts'
import type { Changes } from './changes.ts'
import { CopyJudge } from './copies.ts'
import type { FileTail } from './file-tail.ts'
import { HEAD_BYTES, bytesAt, inodeKey, statOf } from './identity.ts'
import { basesOf, homeOf, rootOf } from './names.ts'
import type { Registry } from './registry.ts'
import type { Settings } from './settings.ts'
import { lineStart } from './start.ts'
import type { Entry, Table } from './table.ts'
import type { Troubles } from './troubles.ts'

/** A path that is gone for longer is told. */
const ABSENT_MS = 10_000

export class Paths {
  #table: Table
  #changes: Changes
  #registry: Registry
  #troubles: Troubles
  #context: Context
  #settings: Settings
  #copies: CopyJudge
  #own: ReadonlySet<string> | undefined

  constructor(
    table: Table,
    changes: Changes,
    registry: Registry,
    troubles: Troubles,
    context: Context,
    settings: Settings
  ) {
    this.#table = table
    this.#changes = changes
    this.#registry = registry
    this.#troubles = troubles
    this.#context = context
    this.#settings = settings
    this.#copies = new CopyJudge(table, changes)
  }

  /** The entry of a path that matches, made when there is none. */
  entry(path: string, stood: boolean, literal: boolean): Entry {
    const known = this.#table.entries.get(path)
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
      changedAt: this.#table.elapsed,
      pendingSize: -1,
      pendingSince: 0,
      unread: undefined
    }
    this.#table.entries.set(path, entry)
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
    this.#table.births.note(st)
    if (!st.isFile()) return this.#special(entry, st)
    entry.absentSince = -1
    if (st.ino === entry.ino && st.dev === entry.dev && entry.kind !== 'pending') {
      if (entry.tail === undefined) return
      if (this.#troubles.has(entry.path)) this.#changes.check(entry.tail, st.size)
      return this.#observe(entry, entry.tail, st)
    }
    this.#release(entry)
    if (entry.unread?.ino !== st.ino) this.#missed(entry)
    this.#adopt(entry, st)
    if (entry.kind === 'file' || entry.kind === 'packed' || entry.kind === 'own') entry.unread = undefined
    else entry.unread ??= { ino: st.ino, since: Math.min(st.mtimeMs, this.#table.lookedAt || Infinity) }
  }

  /** What lay there and was never read went on: under its next name it is still owed. */
  #missed(entry: Entry): void {
    if (entry.unread !== undefined) this.#table.turnover(rootOf(entry.path), entry.unread.since)
    entry.unread = undefined
  }

  /** Nothing is at the path. */
  absent(entry: Entry): void {
    this.#release(entry)
    this.#missed(entry)
    entry.kind = 'absent'
    if (!entry.literal) return
    const first = entry.absentSince < 0
    if (first) entry.absentSince = this.#table.elapsed
    // Between the two halves of a rotation a path may be missing for a moment; that is nothing to tell.
    if ((first && this.#table.firstLook) || this.#table.elapsed - entry.absentSince > ABSENT_MS) {
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
    entry.changedAt = this.#table.elapsed
    this.#table.turnovers.set(entry.path, Math.min(tail.seen, this.#table.turnovers.get(entry.path) ?? Infinity))
    tail.names.delete(entry.path)
    const other = tail.names.values().next()
    if (other.done !== true) tail.at = other.value
    else if (tail.place === 'live') {
      tail.place = 'rotated'
      tail.vanishedAt = this.#table.elapsed
      tail.searches = 0
      this.#table.loose.add(tail)
      this.#table.wanted.add(tail)
      this.#registry.changed(tail)
    }
  }

  #adopt(entry: Entry, st: Stats): void {
    const key = inodeKey(st.dev, st.ino)
    this.#own ??= ownOutputs()
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
    const known = this.#table.holderOf(st)
    if (known === undefined) return this.#adoptUnknown(entry, st)
    if (known.reading) return
    const before = known.at
    known.at = entry.path
    const still = known.size === st.size && known.mtime === st.mtimeMs
    // A short fingerprint fits too much to be sure that nothing came between.
    const sure = still || known.head.n === HEAD_BYTES
    const verdict = still ? 'same' : this.#changes.check(known, st.size)
    if (verdict === 'same') {
      // Unless the run before had not found yet what came before this one.
      const searched = known.seen <= this.#table.lookedAt
      if (sure && searched && known.path === entry.path && this.#table.firstLook) {
        this.#table.turnovers.delete(entry.path)
      }
      return this.#attach(entry, known, st)
    }
    known.at = before
    if (verdict === 'unknown') return
    const renamed = known.path !== entry.path && known.names.size === 0
    if (renamed && !this.#table.births.agree(known.born, st)) {
      // Its name is gone, its inode has another file: it was deleted and the inode used again.
      this.#table.forget(known)
      return this.#adoptUnknown(entry, st)
    }
    this.#attach(entry, this.#changes.cut(known, renamed ? known.path : entry.path, st), st)
  }

  #attach(entry: Entry, tail: FileTail, st: Stats): void {
    this.#settle(entry, st, 'file')
    this.#tellTwice(entry, tail)
    entry.tail = tail
    if (tail.names.size === 0) {
      tail.at = entry.path
      tail.home = homeOf(entry.path)
    }
    tail.names.add(entry.path)
    if (tail.place !== 'live') this.#registry.changed(tail)
    tail.place = 'live'
    if (tail.counted) tail.ledger.found()
    tail.counted = false
    for (const set of [this.#table.loose, this.#table.wanted, this.#table.resting]) set.delete(tail)
    this.#changes.note(tail, st)
  }

  #tellTwice(entry: Entry, tail: FileTail): void {
    const [first] = tail.names
    if (first === undefined || tail.names.has(entry.path)) return
    // A rename over another path looks the same until the first of them is looked at.
    const other = statOf(first)
    if (other?.ino !== tail.ino || other.dev !== tail.dev) return
    this.#context.log.info({ path: entry.path, same_as: first }, 'Two paths lead to the same file; it is read once.')
  }

  #settle(entry: Entry, st: Stats, kind: Entry['kind']): void {
    entry.kind = kind
    entry.dev = st.dev
    entry.ino = st.ino
    entry.changedAt = this.#table.elapsed
    this.#troubles.end(entry.path)
  }

  #adoptUnknown(entry: Entry, st: Stats): void {
    if (st.size === 0) {
      if (this.#copies.judge(entry, st, undefined) === 'new') this.#begin(entry, st, undefined)
      return
    }
    let fd: number | undefined
    let kept = false
    try {
      const opened = openFile(entry.path)
      fd = opened.fd
      // Replaced since: the next look sees what it is.
      if (!opened.st.isFile() || opened.st.ino !== st.ino || opened.st.dev !== st.dev) return
      if (packingOf(bytesAt(fd, 0, 6)) !== undefined) this.#packed(entry, opened.st)
      else kept = this.#adoptPlain(entry, opened.st, fd)
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) this.#troubles.begin(entry.path, error)
    } finally {
      if (fd !== undefined && !kept) closeSync(fd)
    }
  }

  /** True when the descriptor was taken over. */
  #adoptPlain(entry: Entry, st: Stats, fd: number): boolean {
    if (this.#table.claimedBy(st)?.compare(fd, st.size) === 'same') {
      this.#beginCopy(entry, st, fd)
      return false
    }
    const same = this.#resurfaced(entry, st, fd)
    if (same !== undefined) {
      this.#table.move(same, st)
      this.#attach(entry, same, st)
      return false
    }
    const verdict = this.#copies.judge(entry, st, fd)
    if (verdict === 'copy') this.#beginCopy(entry, st, fd)
    return verdict === 'new' && this.#begin(entry, st, fd)
  }

  /**
   * A file that was read under this path lies at another inode now: written anew by an editor, restored, or on a device
   * that got another number. Only a full fingerprint tells it from a file that begins alike.
   */
  #resurfaced(entry: Entry, st: Stats, fd: number): FileTail | undefined {
    for (const tail of this.#table.at(entry.path)) {
      if (tail.place === 'live' || tail.place === 'copy' || tail.reading || st.size < tail.read) continue
      const sure = tail.head.n === HEAD_BYTES || (tail.ino === st.ino && tail.head.n > 0)
      if (sure && tail.compare(fd, st.size) === 'same') return tail
    }
    return undefined
  }

  #packed(entry: Entry, st: Stats): void {
    this.#settle(entry, st, 'packed')
    this.#context.log.debug({ path: entry.path }, 'A compressed file is read only for what rotation took away unread.')
    const base = basesOf(basename(entry.path)).at(-1)
    if (base !== undefined) this.#table.turnover(join(dirname(entry.path), base))
  }

  #beginCopy(entry: Entry, st: Stats, fd: number): void {
    const copy = this.#registry.make(entry.path, st.size)
    copy.isCopy = true
    this.#table.enter(copy, st)
    copy.learn(fd)
    this.#attach(entry, copy, st)
    this.#context.log.debug({ path: entry.path }, 'A copy of a file that was read is not read again.')
  }

  /** A file that nobody knows: from its first byte, or from its end when it stood there before the input first ran. */
  #begin(entry: Entry, st: Stats, fd: number | undefined): boolean {
    const old = this.#settings.ignoreOlder > 0 && this.#table.now - st.mtimeMs > this.#settings.ignoreOlder
    const fromEnd = (entry.stood && this.#settings.startAt === 'end' && !this.#context.once) || old
    const { offset, skip } =
      fd !== undefined && fromEnd ? lineStart(fd, st.size, this.#settings.maxLineBytes) : { offset: 0, skip: false }
    const tail = this.#registry.make(entry.path, offset)
    if (skip) tail.skips.push(offset)
    this.#table.enter(tail, st)
    const kept = fd !== undefined && this.#table.keep(tail, fd)
    if (this.#table.lookedAt > 0) this.#table.turnover(entry.path)
    this.#attach(entry, tail, st)
    return kept
  }

  #observe(entry: Entry, tail: FileTail, st: Stats): void {
    if (tail.size !== st.size || tail.mtime !== st.mtimeMs) entry.changedAt = this.#table.elapsed
    if (this.#changes.look(tail, st)) this.#changes.cut(tail, entry.path, st)
  }
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
