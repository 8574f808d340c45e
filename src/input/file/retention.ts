// Watches how files are rotated, and warns before unread data is rotated away.
//
//   each look   which stream lies under a path now: another one than before means a rotation
//   a while on  how many rotated files there are in the folder
//   behind      which place the oldest unread file has among them, how fast it grows, how fast it is taken over
import type { Context } from '../../core/component.ts'
import { expiryOf } from './expiry.ts'
import type { Expiry, Rotation } from './expiry.ts'
import { Family } from './family.ts'
import type { FileTail } from './file-tail.ts'
import { rootOf } from './names.ts'
import { Rotations } from './rotations.ts'
import type { Table } from './table.ts'

/** How often it looks, and for how long growth and acknowledgements are averaged. */
const EVERY_MS = 15_000
const AVERAGE_MS = 5 * 60_000
/** Rotation is over by then, compression of the file before included: the rotated files are counted. */
const SETTLES_MS = 60_000
/** Every input is behind for a moment. */
const BEHIND_MS = 2 * 60_000
/** A warning when so much of the time that a file is kept is left, and an error when it gets urgent. */
const WARN_AT = 0.5
const URGENT_AT = 0.15
/** Rotations that are remembered of a path. */
const MAX_ROTATIONS = 6
/** Paths that are gone are forgotten when there are so many more than half. */
const SPARE_PATHS = 1000
/** So many files get their own series; of the others the most urgent stands under `__overflow__`. */
const MAX_SERIES = 200
const OVERFLOW = '__overflow__'

/** What is known of the rotation of one path. */
interface Log {
  readonly path: string
  /** The stream that lies there. */
  live: string
  tail: FileTail | undefined
  rotations: Rotation[]
  /** Clock.elapsed() when the rotated files are to be counted. */
  countAt: number | undefined
  /** Bytes a second. */
  growth: number
  takenOver: number
  /** What the rates were last measured from. */
  size: number
  acked: number
  measuredAt: number
  /** Clock.elapsed() when something was last taken over. */
  movedAt: number
  /** Clock.elapsed() since when something of it is unread or unacknowledged. */
  behindSince: number | undefined
}

/** Unread data that is in danger. */
export interface Danger {
  readonly tail: FileTail
  readonly path: string
  readonly seconds: number
}

/** Of one input. `look` at every look, `close` when the input ends. */
export class Retention {
  #table: Table
  #context: Context
  #gauge
  #logs = new Map<string, Log | undefined>()
  #rotations: Rotations
  #dangers: Danger[] = []
  #told = new Map<FileTail, 'warned' | 'urgent'>()
  #shown = new Set<string>()
  #lookedAt = -Infinity
  #family: Family | undefined

  constructor(table: Table, context: Context) {
    this.#table = table
    this.#context = context
    this.#rotations = new Rotations(context, path => table.entries.has(path))
    this.#gauge = context.instruments.gauge(
      'yarder_input_unread_expires_seconds',
      'Time until unread data of the file is rotated away, as far as it can be known; only while that is to be feared.',
      ['input', 'path']
    )
  }

  /** What earlier runs saw. */
  open(): void {
    this.#rotations.open()
  }

  /** The unread data in danger, the most urgent first. */
  get dangers(): readonly Danger[] {
    return this.#dangers
  }

  async look(): Promise<void> {
    const { elapsed } = this.#table
    if (this.#context.once || elapsed - this.#lookedAt < EVERY_MS) return
    this.#lookedAt = elapsed
    this.#family = new Family()
    this.#follow()
    const owed = this.#owed()
    await this.#count()
    const dangers: Danger[] = []
    for (const log of this.#logs.values()) {
      if (log === undefined) continue
      const tails = owed.get(log.path) ?? []
      log.behindSince = tails.length === 0 ? undefined : (log.behindSince ?? elapsed)
      const danger = tails.length === 0 ? undefined : await this.#dangerOf(log, tails)
      if (danger !== undefined) dangers.push(danger)
    }
    this.#dangers = dangers.toSorted((a, b) => a.seconds - b.seconds)
    this.#tellResolved()
    this.#show()
    this.#family = undefined
  }

  close(): void {
    for (const path of this.#shown) this.#gauge.remove(this.#context.name, path)
    this.#shown.clear()
  }

  /** Sees which paths lead to another stream than before. */
  #follow(): void {
    const { entries } = this.#table
    for (const { path, tail, kind } of entries.values()) {
      if (kind !== 'file' || tail === undefined) continue
      const log = this.#logOf(path, tail)
      if (log === undefined) continue
      if (log.live !== tail.id) this.#rotated(log, tail)
      log.tail = tail
    }
    // In the midst of a rotation a path may be away for a moment.
    if (this.#logs.size <= 2 * entries.size + SPARE_PATHS) return
    for (const path of this.#logs.keys()) if (!entries.has(path)) this.#logs.delete(path)
  }

  /** Undefined for a path that is itself a rotated name. */
  #logOf(path: string, tail: FileTail): Log | undefined {
    if (this.#logs.has(path)) return this.#logs.get(path)
    const stored = this.#rotations.get(path)
    const log: Log | undefined =
      rootOf(path) !== path
        ? undefined
        : {
            path,
            live: stored?.live ?? tail.id,
            tail: undefined,
            rotations: stored?.rotations ?? [],
            countAt: undefined,
            growth: 0,
            takenOver: 0,
            size: tail.size,
            acked: 0,
            measuredAt: -Infinity,
            movedAt: -Infinity,
            behindSince: undefined
          }
    this.#logs.set(path, log)
    return log
  }

  #rotated(log: Log, next: FileTail): void {
    const { now, elapsed } = this.#table
    const before = log.tail
    log.live = next.id
    log.size = 0
    // While the agent was down: only the birth of what lies there now says when.
    const at = before === undefined ? next.born : now
    if (before !== undefined || (next.generation === 0 && at > (log.rotations.at(-1)?.at ?? 0))) {
      const size = before?.ledger.seen ?? this.#sizeOf(log)
      log.rotations = [...log.rotations, { at, size, kept: undefined }].slice(-MAX_ROTATIONS)
      log.countAt = elapsed + SETTLES_MS
    }
    this.#rotations.set(log.path, log)
  }

  /** Of what was rotated while the agent was down, as far as it is still known. */
  #sizeOf(log: Log): number {
    let size = 0
    for (const tail of this.#table.at(log.path)) if (tail.id !== log.live) size = Math.max(size, tail.ledger.seen)
    return size
  }

  async #count(): Promise<void> {
    for (const log of this.#logs.values()) {
      if (log?.countAt === undefined || log.countAt > this.#table.elapsed) continue
      log.countAt = undefined
      const last = log.rotations.at(-1)
      const kept = await this.#family!.count(log.path, this.#foldersOf(log))
      if (last === undefined || kept === undefined) continue
      log.rotations = [...log.rotations.slice(0, -1), { ...last, kept }]
      this.#rotations.set(log.path, log)
    }
  }

  /** Its own folder, and where its rotated files were seen. */
  #foldersOf(log: Log): string[] {
    const homes = [...this.#table.at(log.path)].filter(tail => tail.place !== 'live').map(tail => tail.at)
    return this.#family!.folders(log.path, homes)
  }

  /** The streams of each path of which something is unread or unacknowledged; measures how fast that goes. */
  #owed(): Map<string, FileTail[]> {
    const owed = new Map<string, FileTail[]>()
    const acked = new Map<string, number>()
    for (const tail of this.#table.tails) {
      const log = this.#logs.get(tail.path)
      if (log === undefined) continue
      acked.set(log.path, (acked.get(log.path) ?? 0) + tail.tracker.min())
      const gone = tail.place === 'missing' || tail.ino === 0
      if (gone || Math.max(tail.size, tail.read) <= tail.tracker.min()) continue
      owed.set(log.path, [...(owed.get(log.path) ?? []), tail])
    }
    for (const log of this.#logs.values()) if (log?.tail !== undefined) this.#measure(log, acked.get(log.path) ?? 0)
    return owed
  }

  #measure(log: Log, acked: number): void {
    const { elapsed } = this.#table
    const { size } = log.tail!
    const seconds = (elapsed - log.measuredAt) / 1000
    if (Number.isFinite(seconds)) {
      const weight = 1 - Math.exp((-seconds * 1000) / AVERAGE_MS)
      log.growth += weight * (Math.max(0, size - log.size) / seconds - log.growth)
      log.takenOver += weight * (Math.max(0, acked - log.acked) / seconds - log.takenOver)
    }
    if (acked > log.acked) log.movedAt = elapsed
    log.size = size
    log.acked = acked
    log.measuredAt = elapsed
  }

  /** The oldest of the streams, when it will not be taken over in time. */
  async #dangerOf(log: Log, tails: readonly FileTail[]): Promise<Danger | undefined> {
    const { now, elapsed } = this.#table
    if (log.tail === undefined || elapsed - log.behindSince! < BEHIND_MS) return undefined
    const places = tails.some(tail => tail.names.size === 0 || tail !== log.tail)
      ? await this.#family!.places(log.path, this.#foldersOf(log))
      : new Map<string, number>()
    let oldest: FileTail | undefined
    let place = -1
    for (const tail of tails) {
      const its = tail === log.tail && tail.names.size > 0 ? 0 : places.get(Family.nameOf(tail.at))
      if (its === undefined || its <= place) continue
      oldest = tail
      place = its
    }
    if (oldest === undefined) return undefined
    const { rotations, growth } = log
    const expiry = expiryOf({ now, rotations, place, size: log.tail.size, growth })
    if (expiry === undefined) return undefined
    const behind = Math.max(oldest.size, oldest.read) - oldest.tracker.min()
    const moves = elapsed - log.movedAt < BEHIND_MS
    if (moves && (behind / log.takenOver) * 1000 < expiry.ms) return undefined
    this.#tell(oldest, expiry, behind)
    return { tail: oldest, path: log.path, seconds: Math.round(expiry.ms / 1000) }
  }

  #tell(tail: FileTail, { ms, by, retention }: Expiry, bytes: number): void {
    const left = ms / retention
    if (left > WARN_AT) return
    const told = this.#told.get(tail)
    const urgent = left <= URGENT_AT
    if (told === 'urgent' || (told === 'warned' && !urgent)) return
    this.#told.set(tail, urgent ? 'urgent' : 'warned')
    const data = {
      path: tail.path,
      ...(tail.at !== tail.path && { at: tail.at }),
      left: inWords(ms),
      bytes,
      rotates_by: by,
      // What is open can be read to its end even then, but only for as long as the agent runs.
      open: tail.carrier !== undefined
    }
    if (urgent) this.#context.log.error(data, 'Unread data of a file will be rotated away very soon.')
    else this.#context.log.warn(data, 'Unread data of a file will be rotated away.')
  }

  #tellResolved(): void {
    for (const tail of this.#told.keys()) {
      if (!this.#table.tails.has(tail)) this.#told.delete(tail)
      else if (tail.tracker.min() >= Math.max(tail.size, tail.read)) {
        this.#told.delete(tail)
        this.#context.log.info({ path: tail.path }, 'Unread data that was to be rotated away has been taken over.')
      }
    }
  }

  #show(): void {
    const { name } = this.#context
    const series = new Map<string, number>()
    for (const { path, seconds } of this.#dangers) {
      const key = series.size < MAX_SERIES ? path : OVERFLOW
      if (!series.has(key)) series.set(key, seconds)
    }
    for (const path of this.#shown) if (!series.has(path)) this.#gauge.remove(name, path)
    for (const [path, seconds] of series) this.#gauge.set(seconds, name, path)
    this.#shown = new Set(series.keys())
  }
}

/** `about 40 min`, of milliseconds. */
export function inWords(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  return minutes < 120 ? `about ${minutes} min` : `about ${Math.round(minutes / 60)} h`
}
