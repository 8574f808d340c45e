// The file input: looks at files, searches what was rotated away, and gives each file its turn.
//
//   look:  folders ─▶ Paths ─▶ stat ─▶ Changes (grown, renamed, cut) ─▶ Search (what is out of sight)
//   feed:  ready streams, round robin ─▶ one chunk each ─▶ emit (back-pressure)
//
// Both go on side by side: while an output is slow, reading waits, but rotation is still seen and files are held open.
import { fstatSync, statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import type { Context, Emit, Input } from '../../core/component.ts'
import { errnoOf } from '../../core/errors.ts'
import { Bell } from './bell.ts'
import { Descriptors, descriptorLimit } from './descriptors.ts'
import { Discovery } from './discover.ts'
import { Feed } from './feed.ts'
import type { FileTail } from './file-tail.ts'
import { Changes } from './changes.ts'
import { Paths } from './paths.ts'
import { Table } from './table.ts'
import type { Entry, Lost } from './table.ts'
import { Gauges } from './gauges.ts'
import { compileExclude, compileGlob } from './glob.ts'
import { Registry } from './registry.ts'
import { Retention } from './retention.ts'
import { Search } from './search.ts'
import { Lags } from './lags.ts'
import type { Settings } from './settings.ts'
import { statusOf } from './status.ts'
import type { InputStatus } from './status.ts'
import { Troubles } from './troubles.ts'
import { Watch } from './watch.ts'

/** A file that changed within this time is looked at every time, others in slices. */
const HOT_MS = 60_000
/** Idle files a second. A stat costs 2 to 3 µs, so this is a quarter of a percent of a core. */
const IDLE_A_SECOND = 1000
/** How often a renamed file is looked at that doesn't change any more. */
const RARELY_MS = 10_000
/** Stats between two turns of the event loop. */
const SLICE = 256
/** Hints are gathered for so long, so that a busy file costs ten looks a second at most. */
const GATHER_MS = 100
/** Streams that are over stay known for so long, should a compressed copy of them appear. */
const KEEP_DONE_MS = 60 * 60_000
const MAX_RESTING = 10_000
const MAX_DONE = 1000

/** Stands for a path where none is to blame. */
const LOOKING = '(looking for files)'

export class FileInput implements Input {
  readonly finite: boolean
  #context: Context
  #settings: Settings
  #registry: Registry
  #troubles: Troubles
  #table: Table
  #changes: Changes
  #paths: Paths
  #discovery: Discovery
  #search: Search
  #feed: Feed
  #lags: Lags
  #gauges: Gauges
  #watch: Watch | undefined
  /** Rung when there is something to look at, and when there is something to read. */
  #look = new Bell()
  #work = new Bell()
  #hinted = new Set<string>()
  #hot = new Set<Entry>()
  #idle: Entry[] = []
  #idleAt = 0
  /** Clock.elapsed() of the last look at everything that was due. */
  #fullAt = 0
  #restedAt = 0
  #looseAt = 0
  #opened = false
  #retention: Retention
  #literals: ReadonlySet<string>
  #unshow: (() => void) | undefined

  constructor(settings: Settings, context: Context) {
    this.finite = context.once
    this.#context = context
    this.#settings = settings
    const globs = settings.paths.map(path => compileGlob(path, context.configDir))
    this.#literals = new Set(globs.filter(g => g.steps.length === 0).map(g => g.base))
    this.#registry = new Registry(context)
    this.#troubles = new Troubles(context)
    this.#gauges = new Gauges(context, () => this.#table.tails)
    const lost: Lost = (tail, bytes, from) => this.#lost(tail, bytes, from)
    const descriptors = new Descriptors(settings.maxOpenFiles)
    this.#table = new Table(this.#registry, this.#troubles, descriptors, lost)
    this.#retention = new Retention(this.#table, context)
    this.#changes = new Changes(this.#table, this.#registry, this.#troubles, context.log)
    this.#paths = new Paths(this.#table, this.#changes, this.#registry, this.#troubles, context, settings)
    this.#search = new Search(this.#table, this.#changes, this.#registry, context, lost)
    const settled = (tail: FileTail, output: string, start: number, end: number): void =>
      this.#settled(tail, output, start, end)
    this.#lags = new Lags({
      table: this.#table,
      registry: this.#registry,
      context,
      settings,
      troubles: this.#troubles,
      gauges: this.#gauges,
      settled,
      lost: (tail, output, bytes) => this.#lostFor(tail, output, bytes)
    })
    this.#feed = new Feed({
      desk: this.#table,
      judge: this.#changes,
      registry: this.#registry,
      context,
      settings,
      troubles: this.#troubles,
      counters: this.#gauges,
      settled,
      lags: this.#lags
    })
    this.#discovery = new Discovery(globs, compileExclude(settings.exclude, context.configDir), {
      elapsed: () => context.clock.elapsed(),
      now: () => context.clock.now(),
      lookedAt: () => this.#table.lookedAt,
      folder: st => this.#table.births.note(st),
      trouble: (path, error) => (error === undefined ? this.#troubles.end(path) : this.#troubles.begin(path, error))
    })
  }

  async run(emit: Emit, signal: AbortSignal): Promise<void> {
    this.open()
    try {
      if (this.#context.once) return await this.#once(emit, signal)
      if (this.#settings.watch) this.#watch = new Watch(this.#context.log, path => this.#hint(path))
      const ended = new AbortController()
      const either = AbortSignal.any([signal, ended.signal])
      const stop = (error: unknown): never => {
        ended.abort()
        throw error
      }
      let failed: unknown
      this.#lags.run(emit, either, error => {
        failed = error
        ended.abort()
      })
      await Promise.all([this.#keepLooking(either).catch(stop), this.#keepFeeding(emit, either).catch(stop)])
      if (failed !== undefined) throw failed
    } finally {
      await this.#lags.ended()
      await this.close()
    }
  }

  /** Takes over what is known from earlier runs. `run` does it; tests that go step by step call it themselves. */
  open(): void {
    if (this.#opened) return
    this.#opened = true
    const most = descriptorLimit(this.#settings.maxOpenFiles)
    this.#table.descriptors.atMost(most)
    this.#lags.atMost(Math.max(1, most >> 1))
    this.#registry.open()
    this.#table.elapsed = this.#context.clock.elapsed()
    this.#table.load(this.#registry.load())
    this.#lags.load()
    this.#retention.open()
    this.#unshow = this.#gauges.show()
  }

  /** Closes all files. Batches that are still out can be settled afterwards. */
  async close(): Promise<void> {
    this.#unshow?.()
    this.#retention.close()
    await this.#watch?.close()
    this.#lags.close()
    for (const tail of this.#table.descriptors) this.#table.descriptors.close(tail)
    const { tails } = this.#table
    if (this.#opened) this.#registry.close(tails)
    this.#opened = false
  }

  async #keepLooking(signal: AbortSignal): Promise<void> {
    const { clock } = this.#context
    let followed = -1
    while (!signal.aborted) {
      await this.#lookSafely()
      if (this.#fullAt !== followed) this.#watch?.follow(this.#folders())
      followed = this.#fullAt
      await clock.wait(GATHER_MS, signal)
      await this.#look.wait(clock, Math.max(0, this.#untilNext() - GATHER_MS), signal)
    }
  }

  /** What the system refuses in the midst of a look is tried again at the next one. */
  async #lookSafely(): Promise<void> {
    try {
      await this.look()
      this.#troubles.end(LOOKING)
    } catch (error) {
      if (errnoOf(error) === '') throw error
      this.#troubles.begin(LOOKING, error)
    }
  }

  /** Milliseconds until the next look is due without a hint. */
  #untilNext(): number {
    let next = this.#settings.poll
    const flush = this.#settings.multiline?.flushTimeout
    if (flush !== undefined) {
      const now = this.#context.clock.elapsed()
      for (const tail of this.#feed.open) next = Math.min(next, tail.openSince + flush - now)
    }
    return next
  }

  async #keepFeeding(emit: Emit, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.feed(emit, signal)
      await this.#work.wait(this.#context.clock, this.#settings.poll, signal)
    }
  }

  async #once(emit: Emit, signal: AbortSignal): Promise<void> {
    const { entries, ready, wanted, turnovers } = this.#table
    for (;;) {
      await this.look(true)
      await this.feed(emit, signal)
      await this.catchUp(emit, signal)
      const pending = [...entries.values()].some(entry => entry.kind === 'pending')
      if (signal.aborted || (ready.size + wanted.size + turnovers.size === 0 && !pending && this.#lags.empty)) return
      if (pending || !this.#lags.empty) await this.#context.clock.wait(GATHER_MS, signal)
    }
  }

  /** Reads what is ready, round robin, until nothing is. */
  async feed(emit: Emit, signal: AbortSignal, turns = Infinity): Promise<void> {
    const { ready } = this.#table
    try {
      for (let n = 0; n < turns && !signal.aborted; n++) {
        const next = ready.values().next()
        if (next.done === true) return
        await this.#feed.turn(next.value, emit, signal)
        if (n % 8 === 7) await turn()
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  /** Reads what outputs are behind in. `run` does it beside the rest; tests that go step by step call it themselves. */
  catchUp(emit: Emit, signal: AbortSignal): Promise<void> {
    return this.#lags.feed(emit, signal)
  }

  /**
   * Looks once: at what the kernel hinted at, and, when it is time, at everything that is due. `all` looks at every file
   * and lists every folder.
   */
  async look(all = false): Promise<void> {
    const table = this.#table
    const { clock } = this.#context
    table.begin(clock.elapsed(), clock.now())
    const due = all || this.#fullAt === 0 || table.elapsed - this.#fullAt >= this.#settings.poll * 0.9
    const first = this.#registry.runs === undefined
    const hinted = this.#hinted
    this.#hinted = new Set()
    if (due) await this.#discover(first, all)
    for (const path of hinted) {
      const entry = table.entries.get(path) ?? this.#expected(path, first)
      if (entry === undefined) continue
      if (!due) this.#paths.examine(entry)
      this.#hot.add(entry)
    }
    if (due) {
      await this.#examine(all)
      this.#lookAtLoose(all)
    }
    for (const tail of table.stuck) table.ready.add(tail)
    table.stuck.clear()
    await this.#search.run()
    // Whether they are copies, the search may have found out.
    for (const entry of this.#hot) if (entry.kind === 'pending') this.#paths.examine(entry)
    this.#flushOpen()
    if (due) {
      this.#clean()
      this.#fullAt = table.elapsed
      this.#registry.looked(this.#surelySeen())
      table.looked()
      await this.#retention.look()
    }
    if (table.ready.size > 0) this.#work.ring()
  }

  /** Wall clock up to which no file can have come that isn't known: what is still in question counts as unseen. */
  #surelySeen(): number {
    const { now, turnovers } = this.#table
    let seen = now
    seen = Math.min(seen, this.#discovery.awaySince())
    for (const since of turnovers.values()) seen = Math.min(seen, since)
    for (const { unread } of this.#hot) if (unread !== undefined) seen = Math.min(seen, unread.since)
    // Further back streams may be forgotten that were read, and would be taken for new ones.
    return Math.max(seen, now - KEEP_DONE_MS / 2)
  }

  async #discover(first: boolean, all: boolean): Promise<void> {
    const { added, gone, rotated } = await this.#discovery.look(all)
    for (const path of added) this.#hot.add(this.#paths.entry(path, first, this.#literals.has(path)))
    for (const path of gone) this.#forget(path)
    for (const [path, since] of rotated) this.#table.turnover(path, since || undefined)
  }

  /** A hint can be quicker than the folder's listing. */
  #expected(path: string, first: boolean): Entry | undefined {
    return this.#discovery.matches(path) ? this.#paths.entry(path, first, this.#literals.has(path)) : undefined
  }

  #forget(path: string): void {
    const entry = this.#table.entries.get(path)
    if (entry === undefined) return
    this.#paths.absent(entry)
    this.#table.entries.delete(path)
    this.#hot.delete(entry)
    this.#troubles.end(path)
  }

  /** Every file that changed lately, and as many of the others as their share of the time allows. */
  async #examine(all: boolean): Promise<void> {
    const { entries, elapsed } = this.#table
    let done = 0
    for (const entry of all ? entries.values() : this.#hot) {
      this.#paths.examine(entry)
      if (this.#cooled(entry)) this.#hot.delete(entry)
      if (++done % SLICE === 0) await turn()
    }
    if (all) return
    const since = this.#fullAt === 0 ? 0 : elapsed - this.#fullAt
    for (let n = Math.min(IDLE_A_SECOND, Math.ceil((since / 1000) * IDLE_A_SECOND)); n > 0; n--) {
      const entry = this.#nextIdle()
      if (entry === undefined) return
      if (this.#hot.has(entry) || entries.get(entry.path) !== entry) continue
      this.#paths.examine(entry)
      if (!this.#cooled(entry)) this.#hot.add(entry)
      if (++done % SLICE === 0) await turn()
    }
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

  /** Streams without a path: by their descriptor, or where they were found; idle ones more rarely. */
  #lookAtLoose(all: boolean): void {
    const { elapsed } = this.#table
    const rarely = all || elapsed - this.#looseAt >= RARELY_MS
    if (rarely) this.#looseAt = elapsed
    for (const tail of this.#table.loose) {
      if (tail.reading || (tail.place !== 'rotated' && tail.place !== 'deleted')) continue
      if (this.#table.wanted.has(tail) && tail.carrier === undefined) continue
      if (!rarely && elapsed - Math.max(tail.changedAt, tail.vanishedAt) > HOT_MS) continue
      const st = this.#statLoose(tail)
      if (st === undefined) continue
      if (this.#changes.look(tail, st)) this.#changes.cutLoose(tail, st)
      else this.#mayClose(tail, st.nlink === 0)
    }
  }

  #statLoose(tail: FileTail): Stats | undefined {
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

  #flushOpen(): void {
    const flush = this.#settings.multiline?.flushTimeout
    if (flush === undefined) return
    const now = this.#context.clock.elapsed()
    for (const tail of this.#feed.open) {
      if (now - tail.openSince < flush) continue
      this.#feed.open.delete(tail)
      // Given up meanwhile, or read on in a copy that had no more.
      if (tail.place === 'done' || tail.place === 'missing') continue
      tail.flush = true
      this.#table.ready.add(tail)
    }
  }

  /** Closes what was idle for long, and forgets what is over. A few seconds sooner or later make no difference. */
  #clean(): void {
    const { elapsed, now, descriptors, resting } = this.#table
    if (elapsed - this.#restedAt < 5000 && resting.size < MAX_RESTING) return
    this.#restedAt = elapsed
    for (const tail of descriptors) {
      const idle = elapsed - tail.changedAt > this.#settings.closeInactive
      if (idle && tail.place === 'live' && !tail.reading && !this.#table.ready.has(tail)) descriptors.close(tail)
    }
    let done = 0
    for (const tail of resting) if (tail.place === 'done') done++
    for (const tail of resting) {
      const late = tail.place === 'done' ? elapsed - tail.vanishedAt > KEEP_DONE_MS || done > MAX_DONE : false
      const old = now - tail.seen > this.#settings.cleanRemoved || resting.size > MAX_RESTING
      if (!(late && tail.settled) && !old) continue
      if (tail.place === 'done') done--
      this.#table.drop(tail)
    }
  }

  #lost(tail: FileTail, bytes: number, from?: number): void {
    this.#gauges.lost(bytes, tail.loss)
    if (from === undefined) tail.ledger.lose(bytes)
    else tail.ledger.shorten(from)
    this.#context.log.error(
      { path: tail.path, bytes, reason: tail.loss, from: from ?? tail.read, id: tail.id },
      'A part of a file was gone before it was read.'
    )
  }

  /** The others have it; it is lost for one output that was too far behind. */
  #lostFor(tail: FileTail, output: string, bytes: number): void {
    this.#gauges.lost(bytes, tail.loss)
    this.#context.log.error(
      { path: tail.path, output, bytes, reason: tail.loss, from: tail.read - bytes, id: tail.id },
      'A part of a file was gone before an output that is behind could get it.'
    )
  }

  #settled(tail: FileTail, output: string, start: number, end: number): void {
    tail.tracker.settle(output, start, end)
    this.#registry.changed(tail)
    if (tail.size <= tail.read && tail.settled) tail.currentAt = this.#context.clock.now()
  }

  #hint(path: string): void {
    this.#hinted.add(path)
    this.#look.ring()
  }

  /** Folders to watch, with what tells a folder from a new one of the same name. */
  #folders(): Map<string, string> {
    const folders = this.#discovery.folders()
    for (const tail of this.#table.tails) {
      if (tail.place === 'live' && !folders.has(tail.home)) folders.set(tail.home, '')
    }
    return folders
  }

  /** What it reads and how far it is. */
  describe(): InputStatus {
    return statusOf(this.#table, this.#troubles, this.#lags, this.#retention.dangers)
  }
}
