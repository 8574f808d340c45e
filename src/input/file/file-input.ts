// The file input: looks at files, searches what was rotated away, and gives each file its turn.
//
//   look:  folders ─▶ paths ─▶ stat ─▶ Files (what is new, grown, renamed, cut) ─▶ Search (what is out of sight)
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
import { Files } from './files.ts'
import type { Entry } from './files.ts'
import { Gauges } from './gauges.ts'
import { compileExclude, compileGlob } from './glob.ts'
import { Registry } from './registry.ts'
import { Search } from './search.ts'
import type { Settings } from './settings.ts'
import { statusOf } from './status.ts'
import type { InputStatus } from './status.ts'
import { Troubles } from './troubles.ts'
import { Watch } from './watch.ts'

/** A file that changed within this time is looked at every time, others in slices. */
const HOT_MS = 60_000
/** Idle files a second. A stat costs 2 to 3 µs, so this is a quarter of a percent of a core. */
const IDLE_A_SECOND = 1000
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
  #files: Files
  #discovery: Discovery
  #search: Search
  #feed: Feed
  #gauges: Gauges
  #watch: Watch | undefined
  /** Rung when there is something to look at, and when there is something to read. */
  #look = new Bell()
  #work = new Bell()
  #hinted = new Set<string>()
  #hot = new Set<Entry>()
  #idle: Entry[] = []
  #idleAt = 0
  #lookedAt = 0
  #restedAt = 0
  #opened = false
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
    this.#gauges = new Gauges(context, () => this.#files.tails)
    const lost = (tail: FileTail, bytes: number): void => this.#lost(tail, bytes)
    const descriptors = new Descriptors(settings.maxOpenFiles)
    this.#files = new Files(context, settings, this.#registry, this.#troubles, descriptors, lost)
    this.#search = new Search(this.#files, this.#registry, context, lost)
    this.#feed = new Feed(
      this.#files,
      this.#registry,
      context,
      settings,
      this.#troubles,
      this.#gauges,
      (tail, output, start, end) => this.#settled(tail, output, start, end)
    )
    this.#discovery = new Discovery(globs, compileExclude(settings.exclude, context.configDir), {
      elapsed: () => context.clock.elapsed(),
      now: () => context.clock.now(),
      folder: st => this.#files.births.note(st),
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
      await Promise.all([this.#keepLooking(either).catch(stop), this.#keepFeeding(emit, either).catch(stop)])
    } finally {
      await this.close()
    }
  }

  /** Takes over what is known from earlier runs. `run` does it; tests that go step by step call it themselves. */
  open(): void {
    if (this.#opened) return
    this.#opened = true
    this.#files.descriptors.atMost(descriptorLimit(this.#settings.maxOpenFiles))
    this.#registry.open()
    this.#files.elapsed = this.#context.clock.elapsed()
    this.#files.load(this.#registry.load())
    this.#unshow = this.#gauges.show()
  }

  /** Closes all files. Batches that are still out can be settled afterwards. */
  async close(): Promise<void> {
    this.#unshow?.()
    await this.#watch?.close()
    for (const tail of this.#files.descriptors) this.#files.descriptors.close(tail)
    const { tails } = this.#files
    this.#registry.close(tails, () => [...tails].every(tail => tail.settled))
  }

  async #keepLooking(signal: AbortSignal): Promise<void> {
    const { clock } = this.#context
    while (!signal.aborted) {
      await this.#lookSafely()
      this.#watch?.follow(this.#folders())
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
    do {
      await this.look()
      await this.feed(emit, signal)
    } while (!signal.aborted && (this.#files.ready.size > 0 || this.#files.wanted.size > 0))
  }

  /** Reads what is ready, round robin, until nothing is. */
  async feed(emit: Emit, signal: AbortSignal, turns = Infinity): Promise<void> {
    const { ready } = this.#files
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

  /** Looks at everything that is due once. `all` looks at every file and lists every folder. */
  async look(all = false): Promise<void> {
    const files = this.#files
    const { clock } = this.#context
    files.elapsed = clock.elapsed()
    files.now = clock.now()
    const first = this.#registry.runs === undefined
    const hinted = this.#hinted
    this.#hinted = new Set()
    const { added, gone, rotated } = await this.#discovery.look(all)
    for (const path of added) this.#hot.add(files.entry(path, first, this.#literals.has(path)))
    for (const path of gone) this.#forget(path)
    for (const [path, since] of rotated) files.turnover(path, since || undefined)
    for (const path of hinted) {
      const entry = files.entries.get(path) ?? this.#find(path, first)
      if (entry !== undefined) this.#hot.add(entry)
    }
    await this.#examine(all)
    this.#lookAtLoose()
    for (const tail of files.stuck) files.ready.add(tail)
    files.stuck.clear()
    await this.#search.run()
    this.#flushOpen()
    this.#clean()
    this.#registry.looked(files.now)
    files.looked()
    if (files.ready.size > 0) this.#work.ring()
  }

  /** A hint can be quicker than the folder's listing, which is held back for big folders. */
  #find(path: string, first: boolean): Entry | undefined {
    return this.#discovery.matches(path) ? this.#files.entry(path, first, this.#literals.has(path)) : undefined
  }

  #forget(path: string): void {
    const entry = this.#files.entries.get(path)
    if (entry === undefined) return
    this.#files.absent(entry)
    this.#files.entries.delete(path)
    this.#hot.delete(entry)
    this.#troubles.end(path)
  }

  /** Every file that changed lately, and as many of the others as their share of the time allows. */
  async #examine(all: boolean): Promise<void> {
    const files = this.#files
    let done = 0
    for (const entry of all ? [...files.entries.values()] : [...this.#hot]) {
      files.examine(entry)
      if (this.#cooled(entry)) this.#hot.delete(entry)
      if (++done % SLICE === 0) await turn()
    }
    if (all) return
    const share = this.#lookedAt === 0 ? 0 : ((files.elapsed - this.#lookedAt) / 1000) * IDLE_A_SECOND
    this.#lookedAt = files.elapsed
    for (let n = Math.ceil(Math.min(share, IDLE_A_SECOND)); n > 0; n--) {
      if (this.#idleAt >= this.#idle.length) {
        if (this.#idleAt > 0 && n < share) break
        this.#idle = [...files.entries.values()]
        this.#idleAt = 0
        if (this.#idle.length === 0) break
      }
      const entry = this.#idle[this.#idleAt++]!
      if (this.#hot.has(entry) || files.entries.get(entry.path) !== entry) continue
      files.examine(entry)
      if (!this.#cooled(entry)) this.#hot.add(entry)
      if (++done % SLICE === 0) await turn()
    }
  }

  #cooled(entry: Entry): boolean {
    if (entry.kind === 'pending' || entry.kind === 'unseen' || this.#troubles.has(entry.path)) return false
    if (entry.kind === 'absent') return !entry.literal
    return this.#files.elapsed - entry.changedAt > HOT_MS
  }

  /** Streams without a path: by their descriptor, or where they were found. */
  #lookAtLoose(): void {
    for (const tail of this.#files.loose) {
      if (tail.reading || (tail.place !== 'rotated' && tail.place !== 'deleted')) continue
      if (this.#files.wanted.has(tail) && tail.carrier === undefined) continue
      const st = this.#statLoose(tail)
      if (st === undefined) continue
      if (this.#files.look(tail, st)) this.#files.cutLoose(tail, st)
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
    this.#files.wanted.add(tail)
    return undefined
  }

  /** A late writer gets some time; then the descriptor goes, and with a deleted file its last bytes. */
  #mayClose(tail: FileTail, deleted: boolean): void {
    if (deleted && tail.place !== 'deleted') {
      tail.place = 'deleted'
      this.#files.wanted.delete(tail)
      this.#registry.changed(tail)
    }
    if (this.#files.ready.has(tail) || tail.unread || tail.carrier === undefined) return
    const idle = this.#files.elapsed - Math.max(tail.changedAt, tail.vanishedAt)
    if (idle < (deleted ? this.#settings.closeRemoved : this.#settings.closeInactive)) return
    if (deleted) {
      tail.ending = true
      this.#files.ready.add(tail)
    } else this.#files.descriptors.close(tail)
  }

  #flushOpen(): void {
    const flush = this.#settings.multiline?.flushTimeout
    if (flush === undefined) return
    const now = this.#context.clock.elapsed()
    for (const tail of this.#feed.open) {
      if (now - tail.openSince < flush) continue
      this.#feed.open.delete(tail)
      tail.flush = true
      this.#files.ready.add(tail)
    }
  }

  /** Closes what was idle for long, and forgets what is over. A few seconds sooner or later make no difference. */
  #clean(): void {
    const { elapsed, now, descriptors, resting } = this.#files
    if (elapsed - this.#restedAt < 5000 && resting.size < MAX_RESTING) return
    this.#restedAt = elapsed
    for (const tail of descriptors) {
      const idle = elapsed - tail.changedAt > this.#settings.closeInactive
      if (idle && tail.place === 'live' && !tail.reading && !this.#files.ready.has(tail)) descriptors.close(tail)
    }
    let done = 0
    for (const tail of resting) if (tail.place === 'done') done++
    for (const tail of resting) {
      const late = tail.place === 'done' ? elapsed - tail.vanishedAt > KEEP_DONE_MS || done > MAX_DONE : false
      const old = now - tail.seen > this.#settings.cleanRemoved || resting.size > MAX_RESTING
      if (!(late && tail.settled) && !old) continue
      if (tail.place === 'done') done--
      this.#files.drop(tail)
    }
  }

  #lost(tail: FileTail, bytes: number): void {
    this.#gauges.lost(bytes, tail.loss)
    this.#context.log.error(
      { path: tail.path, bytes, reason: tail.loss, from: tail.read, id: tail.id },
      'A part of a file was gone before it was read.'
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

  #folders(): string[] {
    const folders = new Set(this.#discovery.folders())
    for (const tail of this.#files.tails) if (tail.place === 'live') folders.add(tail.home)
    return [...folders]
  }

  /** What it reads and how far it is. */
  describe(): InputStatus {
    return statusOf(this.#files, this.#troubles)
  }
}
