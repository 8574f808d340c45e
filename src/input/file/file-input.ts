// The file input: looks at files, searches what was rotated away, and gives each file its turn.
//
//   look:  folders ─▶ Paths ─▶ stat ─▶ Changes (grown, renamed, cut) ─▶ Search (what is out of sight)
//   feed:  ready streams, round robin ─▶ one chunk each ─▶ emit (back-pressure)
//
// Both go on side by side: while an output is slow, reading waits, but rotation is still seen and files are held open.
import { setImmediate as turn } from 'node:timers/promises'
import type { Context, Emit, Input } from '../../core/component.ts'
import { errnoOf } from '../../core/errors.ts'
import { Bell } from './bell.ts'
import { Descriptors, descriptorLimit } from './descriptors.ts'
import { Discovery } from './discover.ts'
import { Feed } from './feed.ts'
import type { FileTail } from './file-tail.ts'
import { Changes } from './changes.ts'
import { KEEP_DONE_MS, Loose } from './loose.ts'
import { Paths } from './paths.ts'
import { Patrol } from './patrol.ts'
import { Table } from './table.ts'
import { Gauges } from './gauges.ts'
import { Losses } from './losses.ts'
import { compileExclude, compileGlob } from './glob.ts'
import { Registry } from './registry.ts'
import { Retention } from './retention.ts'
import { Search } from './search.ts'
import { Lags } from './lags.ts'
import type { Settings } from './settings.ts'
import { blockingOf, statusOf } from './status.ts'
import type { InputStatus } from './status.ts'
import { LOOKING, Troubles } from './troubles.ts'
import { Watch } from './watch.ts'

/** Hints are gathered for so long, so that a busy file costs ten looks a second at most. */
const GATHER_MS = 100

export class FileInput implements Input {
  readonly finite: boolean
  #context: Context
  #settings: Settings
  #registry: Registry
  #troubles: Troubles
  #table: Table
  #changes: Changes
  #discovery: Discovery
  #patrol: Patrol
  #loose: Loose
  #search: Search
  #feed: Feed
  #lags: Lags
  #gauges: Gauges
  #watch: Watch | undefined
  /** Rung when there is something to look at, and when there is something to read. */
  #look = new Bell()
  #work = new Bell()
  #hinted = new Set<string>()
  /** Clock.elapsed() of the last look at everything that was due. */
  #fullAt = 0
  #opened = false
  #retention: Retention
  #unshow: (() => void) | undefined

  constructor(settings: Settings, context: Context) {
    this.finite = context.once
    this.#context = context
    this.#settings = settings
    const globs = settings.paths.map(path => compileGlob(path, context.configDir))
    this.#registry = new Registry(context)
    this.#troubles = new Troubles(context)
    this.#gauges = new Gauges(
      context,
      () => this.#table.tails,
      () => blockingOf(this.#troubles.list(), this.#discovery).length
    )
    const losses = new Losses(context, this.#gauges)
    const descriptors = new Descriptors(settings.maxOpenFiles)
    this.#table = new Table(this.#registry, this.#troubles, descriptors, losses.told)
    this.#retention = new Retention(this.#table, context)
    this.#changes = new Changes(this.#table, this.#registry, this.#troubles, context.log)
    this.#loose = new Loose(this.#table, this.#changes, this.#registry, this.#troubles, settings)
    const paths = new Paths(this.#table, this.#changes, this.#registry, this.#troubles, context, settings)
    this.#search = new Search(this.#table, this.#changes, this.#registry, context, losses.told)
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
      lost: losses.toldFor
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
    this.#patrol = new Patrol(this.#table, paths, this.#discovery, this.#troubles)
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
      const next = Math.min(this.#settings.poll, this.#feed.untilFlush())
      await this.#look.wait(clock, Math.max(0, next - GATHER_MS), signal)
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
    if (due) await this.#patrol.discover(first, all)
    for (const path of hinted) this.#patrol.hinted(path, first, !due)
    if (due) {
      await this.#patrol.examine(all, this.#fullAt === 0 ? 0 : table.elapsed - this.#fullAt)
      this.#loose.look(all)
    }
    for (const tail of table.stuck) table.ready.add(tail)
    table.stuck.clear()
    await this.#search.run()
    // Whether they are copies, the search may have found out.
    this.#patrol.examinePending()
    this.#feed.flush()
    if (due) {
      this.#loose.clean()
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
    let seen = Math.min(now, this.#discovery.awaySince(), this.#patrol.unreadSince())
    for (const since of turnovers.values()) seen = Math.min(seen, since)
    // Further back streams may be forgotten that were read, and would be taken for new ones.
    return Math.max(seen, now - KEEP_DONE_MS / 2)
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
    const { dangers } = this.#retention
    return statusOf(this.#table, this.#troubles.list(), this.#discovery, this.#lags, dangers)
  }
}
