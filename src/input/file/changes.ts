// What happened to a stream: grown, cut to nothing, or moved. The bytes decide, the stat only asks the question.
//
// growth      the first bytes are the same, and so are those before the position
// truncation  the inode is the same and its bytes are not: a new generation begins there, and the rest of the old one is
//             to be looked for in a copy (copytruncate)
import { fstatSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { errnoOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { FileTail } from './file-tail.ts'
import { HEAD_BYTES, checkpointFits, headFits, statOf } from './identity.ts'
import type { Registry } from './registry.ts'
import { RACY_MS } from './table.ts'
import type { Table } from './table.ts'
import type { Troubles } from './troubles.ts'

export class Changes {
  #table: Table
  #registry: Registry
  #troubles: Troubles
  #log: Log

  constructor(table: Table, registry: Registry, troubles: Troubles, log: Log) {
    this.#table = table
    this.#registry = registry
    this.#troubles = troubles
    this.#log = log
  }

  /** Compares with what was seen before; true when the inode was cut and holds something else. */
  look(tail: FileTail, st: Stats): boolean {
    const changed = tail.size !== st.size || tail.mtime !== st.mtimeMs
    if (!changed && this.#table.elapsed >= tail.racyUntil) {
      tail.seen = this.#table.now
      return false
    }
    if (tail.reading) return false
    if (this.#table.births.differ(tail.born, st)) return true
    const verdict = st.size === 0 && tail.read === 0 && tail.head.n === 0 ? 'same' : this.check(tail, st.size)
    if (verdict === 'unknown') return false
    if (verdict === 'other') return true
    if (changed && tail.head.n < HEAD_BYTES) this.#suspect(tail)
    this.note(tail, st)
    return false
  }

  /**
   * What was read is whole, what was unread is cut: that much is lost. True when some of it may have been handed out
   * before a restart: what is written there now must not get the same identity.
   */
  #shortened(tail: FileTail, size: number): boolean {
    if (size >= tail.size) return false
    if (size < tail.resume) return true
    this.#table.shortened(tail, size)
    return false
  }

  /**
   * A short fingerprint may fit although the file was copied, cut and written anew since the last look. Then its folder
   * has changed as well, and the copy in it is one that nobody knows.
   */
  #suspect(tail: FileTail): void {
    const folder = statOf(tail.home)
    if (folder !== undefined && folder.mtimeMs >= tail.seen - RACY_MS) this.#table.turnovers.set(tail.path, tail.seen)
  }

  /** Takes over what a stat says of the same file. */
  note(tail: FileTail, st: Stats): void {
    tail.seen = this.#table.now
    if (tail.size !== st.size || tail.mtime !== st.mtimeMs) {
      tail.racyUntil = this.#table.elapsed + RACY_MS
      tail.changedAt = this.#table.elapsed
      // How much there was is told even when it is gone at the next start.
      this.#registry.changed(tail)
    }
    tail.size = st.size
    tail.mtime = st.mtimeMs
    tail.born = st.birthtimeMs
    if (!tail.unread && !tail.flush) return
    this.#table.ready.add(tail)
    if (tail.carrier === undefined) this.#table.hold(tail)
  }

  /** Whether the file holds what was read of it; 'unknown' when it can't be opened, or another file lies there now. */
  check(tail: FileTail, size: number): 'same' | 'other' | 'unknown' {
    try {
      if (!this.#table.descriptors.open(tail)) return 'unknown'
      const { fd } = tail.carrier!
      const same = fd === undefined || (tail.check(fd, size) && !this.#shortened(tail, size))
      const verdict = same ? 'same' : 'other'
      this.#troubles.readable(tail.at)
      tail.unsure = false
      return verdict
    } catch (error) {
      this.#table.descriptors.close(tail)
      this.#troubles.begin(tail.at, error)
      tail.unsure = errnoOf(error) === 'EMFILE'
      return 'unknown'
    }
  }

  /** The inode of `old` holds something else: gives the stream that begins there now. */
  cut(old: FileTail, path: string, st: Stats): FileTail {
    const start = this.#kept(old, st)
    const next = this.#registry.make(path, start, { fileId: old.fileId, generation: old.generation + 1 })
    this.#table.descriptors.hand(old, next)
    const names = [...old.names]
    old.names.clear()
    this.#table.forget(old)
    old.loss = 'truncated'
    next.home = old.home
    this.#table.enter(next, st)
    try {
      if (next.carrier?.fd !== undefined) next.learn(next.carrier.fd)
    } catch (error) {
      this.#troubles.begin(path, error)
    }
    for (const name of names) {
      const entry = this.#table.entries.get(name)
      if (entry !== undefined) entry.tail = next
      next.names.add(name)
    }
    next.at = names[0] ?? old.at
    this.#table.turnovers.set(path, Math.min(old.seen, this.#table.turnovers.get(path) ?? Infinity))
    this.#log.info(
      { path, id: next.id, was: old.size, is: st.size, from: start },
      'A file was truncated; what it holds now is read.'
    )
    if (next.unread) this.#table.ready.add(next)
    return next
  }

  /** Bytes that a file which was merely shortened still has, and that were read: reading them again would double them. */
  #kept(old: FileTail, st: Stats): number {
    const fd = old.carrier?.fd
    const { head, checkpoints } = old
    if (fd === undefined || head.n < HEAD_BYTES || st.size < HEAD_BYTES) return 0
    try {
      if (!headFits(fd, head)) return 0
      if (st.size >= old.read && st.size >= old.size) return 0
      return checkpoints.findLast(c => c.at <= st.size && c.at >= HEAD_BYTES && checkpointFits(fd, c))?.at ?? 0
    } catch {
      return 0
    }
  }

  /** What was read is not what should follow: finds out whether the file was cut. */
  recheck(tail: FileTail): void {
    const fd = tail.carrier?.fd
    if (fd === undefined) return
    const st = fstatSync(fd)
    tail.racyUntil = Infinity
    const cut = this.look(tail, st)
    tail.racyUntil = this.#table.elapsed + RACY_MS
    if (!cut) return
    // What is not the copy that it was taken for is no new generation of anything.
    if (tail.place === 'copy') return this.#table.forget(tail)
    const [name] = tail.names
    if (name === undefined) this.cutLoose(tail, st)
    else this.cut(tail, name, st)
  }

  /** A stream without a name was found at `tail.at`; 'other' when something else lies there by now. */
  meet(tail: FileTail, st: Stats): 'same' | 'other' | 'unknown' {
    const still = tail.size === st.size && tail.mtime === st.mtimeMs
    const verdict = this.#table.births.differ(tail.born, st) ? 'other' : still ? 'same' : this.check(tail, st.size)
    if (verdict === 'same') {
      this.#table.wanted.delete(tail)
      tail.hidden = false
      this.note(tail, st)
    } else if (verdict === 'other') {
      // The same birth: cut under its new name. Another: the inode was used again.
      if (this.#table.births.agree(tail.born, st)) this.cutLoose(tail, st)
      else this.#table.forget(tail)
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

  /** A file without a name of the patterns was cut: what it holds now is read on as loose as it was. */
  cutLoose(old: FileTail, st: Stats): void {
    const { place } = old
    const next = this.cut(old, old.path, st)
    next.place = place
    next.at = old.at
    this.#table.loose.add(next)
  }
}
