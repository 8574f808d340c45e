// The journal as an input: follows it, and reads again for each output what that one had no room for.
//
// The first reading gives entries to all outputs that keep up. One that does not is left behind: it gets a reading of its
// own (a lane), from its own position up to where the first reading is; then both go on as one. After a stop such an output
// may be ahead of the first reading, which is also what metrics are made of; it takes part again from its position on.
import { METRICS } from '../../core/component.ts'
import type { Batch, Context, Emit, Input, InputDescription } from '../../core/component.ts'
import { YarderError } from '../../core/errors.ts'
import { Batcher } from './batches.ts'
import type { Content, ReadEntry } from './batches.ts'
import { compileChoice } from './choice.ts'
import { parseCursor } from './cursor.ts'
import type { Entry } from './export.ts'
import { JournalReader, TRIES } from './journal-reader.ts'
import { isoOf } from './notices.ts'
import { NOWHERE, Positions } from './positions.ts'
import type { Piece, Place } from './positions.ts'
import { choosesByJournalctl } from './settings.ts'
import type { Settings } from './settings.ts'
import { Trouble } from './trouble.ts'

/** So often it is looked whether there was nothing to read. */
const QUIET_MS = 3_600_000
/** What the journal has received so long ago can be read. */
const SETTLED_MS = 60_000

/** A reading for one output. */
interface Lane {
  readonly output: string
  /** Up to where it was handed out. */
  handed: Place
  readonly told: boolean
}

export class JournaldInput implements Input {
  readonly #settings: Settings
  readonly #context: Context
  readonly #positions: Positions
  readonly #batcher: Batcher
  #wants: (entry: Entry) => boolean = () => true
  readonly #trouble: Trouble
  readonly #reader: JournalReader
  readonly #lines: (n: number) => void
  readonly #bytes: (n: number) => void
  readonly #cut: (n: number) => void
  readonly #lanes = new Map<string, Lane>()
  /** Outputs that have more than the first reading has handed out since the start, by where they are. */
  readonly #ahead = new Map<string, Place>()
  /** Up to where the first reading has handed out. */
  #read: Place = NOWHERE
  #start: ((lane: Lane) => void) | undefined

  constructor(settings: Settings, context: Context) {
    this.#settings = settings
    this.#context = context
    this.#positions = new Positions(context)
    this.#batcher = new Batcher(context)
    this.#trouble = new Trouble(context)
    this.#reader = new JournalReader(settings, context, this.#trouble)
    const { instruments: i, name } = context
    const lines = i.counter('yarder_input_lines_total', 'Records handed to the pipeline.', ['input'])
    const bytes = i.counter('yarder_input_bytes_total', 'Bytes handed to the pipeline, line endings included.', [
      'input'
    ])
    const cut = i.counter('yarder_input_cut_lines_total', 'Lines that were cut at max_line_bytes.', ['input'])
    this.#lines = n => lines.add(n, name)
    this.#bytes = n => bytes.add(n, name)
    this.#cut = n => cut.add(n, name)
  }

  get finite(): boolean {
    return this.#context.once
  }

  describe(): InputDescription {
    const { reason } = this.#trouble
    const behind = this.#lanes.size === 0 ? '' : `; behind: ${[...this.#lanes.keys()].join(', ')}`
    const doing = reason === undefined ? 'reading the journal, up to' : `${reason}; read up to`
    const message = this.#read.time === 0 ? (reason ?? 'reading the journal') : `${doing} ${isoOf(this.#read.time)}`
    return { message: `${message}${behind}`, degraded: reason !== undefined, files: [] }
  }

  async run(emit: Emit, signal: AbortSignal): Promise<void> {
    this.#wants = compileChoice(this.#settings)
    try {
      if (!this.#positions.open()) await this.#begin(signal)
      if (signal.aborted) return
      this.#read = this.#positions.next
      for (const output of this.#positions.outputs) {
        const place = this.#positions.place(output)
        if (output === METRICS) continue
        if (place.n < this.#read.n) this.#leave(output, place, false)
        else if (place.n > this.#read.n) this.#ahead.set(output, place)
      }
      await (this.#context.once ? this.#readOnce(emit, signal) : this.#follow(emit, signal))
    } finally {
      this.#positions.close()
    }
  }

  /** Where all outputs begin when the input runs for the first time. */
  async #begin(signal: AbortSignal): Promise<void> {
    const { startAt, since } = this.#settings
    if (startAt === 'beginning' || since !== undefined || this.#context.once) return this.#positions.begin(NOWHERE)
    let place: Place = { cursor: '', time: this.#context.clock.now() * 1000, n: 0 }
    try {
      const last = await this.#reader.last(signal)
      if (last !== undefined) place = { cursor: last.cursor, time: last.time, n: 1 }
    } catch (error) {
      // What is wrong is told by the reading that follows; what comes from now on is wanted all the same.
      if (!(error instanceof YarderError)) throw error
    }
    if (!signal.aborted) this.#positions.begin(place)
  }

  async #readOnce(emit: Emit, signal: AbortSignal): Promise<void> {
    const catchUp = async (): Promise<void> => {
      for (const lane of this.#lanes.values()) await this.#laneLoop(lane, emit, signal)
    }
    await catchUp()
    await this.#mainLoop(emit, signal)
    await catchUp()
  }

  async #follow(emit: Emit, outer: AbortSignal): Promise<void> {
    const broken = new AbortController()
    const signal = AbortSignal.any([outer, broken.signal])
    const loops = new Set<Promise<void>>()
    let bug: { error: unknown } | undefined
    const start = (work: Promise<void>): void => {
      const loop = work
        .catch((error: unknown) => {
          bug ??= { error }
          broken.abort()
        })
        .finally(() => loops.delete(loop))
      loops.add(loop)
    }
    this.#start = lane => start(this.#laneLoop(lane, emit, signal))
    for (const lane of this.#lanes.values()) this.#start(lane)
    start(this.#mainLoop(emit, signal))
    if (choosesByJournalctl(this.#settings)) start(this.#noteQuiet(signal))
    while (loops.size > 0) await Promise.all(loops)
    if (bug !== undefined) throw bug.error
  }

  /** Follows the journal, whatever becomes of journalctl; under `--once` up to its end. */
  async #mainLoop(emit: Emit, signal: AbortSignal): Promise<void> {
    const how = this.#context.once ? 'rest' : 'follow'
    await this.#persist(signal, async () => {
      for await (const entries of this.#reader.pass(this.#read, how, signal)) await this.#hand(entries, emit, signal)
      if (signal.aborted || this.#context.once) return true
      throw new YarderError('STORAGE', 'journalctl ended although it was to follow')
    })
  }

  /**
   * The last entry of a quiet unit is deleted one day, and nothing is lost by that. To know it then, it is noted up to
   * when there was nothing behind it.
   */
  async #noteQuiet(signal: AbortSignal): Promise<void> {
    const { clock } = this.#context
    for (;;) {
      await clock.wait(QUIET_MS, signal)
      if (signal.aborted) return
      const { cursor } = this.#read
      const until = (clock.now() - SETTLED_MS) * 1000
      const last = await this.#reader.last(signal).catch((error: unknown) => {
        if (error instanceof YarderError) return undefined
        throw error
      })
      if (last?.cursor === cursor) this.#positions.quiet(cursor, until)
    }
  }

  /** Reads what the output has missed. */
  async #laneLoop(lane: Lane, emit: Emit, signal: AbortSignal): Promise<void> {
    await this.#persist(signal, async () => {
      if (lane.handed.cursor === this.#read.cursor) return this.#caughtUp(lane)
      const [from, to] = [lane.handed, this.#read]
      for await (const entries of this.#reader.pass(from, 'rest', signal))
        if (await this.#again(lane, entries, emit, signal)) return true
      if (signal.aborted) return true
      if (lane.handed !== from || this.#read !== to) return false
      // The journal has deleted it meanwhile.
      this.#reader.lost(from, to)
      this.#positions.skip(lane.output, to)
      return this.#caughtUp(lane)
    })
  }

  /** Repeats `work` until it says that it is done; with waits when the journal can't be read. */
  async #persist(signal: AbortSignal, work: () => Promise<boolean>): Promise<void> {
    while (!signal.aborted) {
      try {
        if (await work()) return
      } catch (error) {
        if (signal.aborted) return
        if (!(error instanceof YarderError)) throw error
        await this.#trouble.wait(error, signal)
        if (this.#context.once && this.#trouble.failures > TRIES) return
      }
    }
  }

  async #hand(entries: readonly ReadEntry[], emit: Emit, signal: AbortSignal): Promise<void> {
    for (let at = 0; at < entries.length && !signal.aborted;) {
      const end = this.#endOfPart(entries, at)
      await this.#handPart(entries.slice(at, end), emit, signal)
      at = end
    }
  }

  /** Where entries for the same outputs end, as one that was ahead takes part from there on. */
  #endOfPart(entries: readonly ReadEntry[], from: number): number {
    for (let end = from; end < entries.length && this.#ahead.size > 0; end++) {
      const here = entries[end]!.place
      for (const [output, place] of this.#ahead)
        if (here.cursor === place.cursor) this.#ahead.set(output, here)
        else if (isPast(here, place)) {
          if (end > from) return end
          this.#ahead.delete(output)
        }
    }
    return entries.length
  }

  /** To all outputs that keep up. */
  async #handPart(entries: readonly ReadEntry[], emit: Emit, signal: AbortSignal): Promise<void> {
    const wanted = entries.filter(({ entry }) => this.#wants(entry))
    const end = entries.at(-1)!.place
    for (let at = 0; at < wanted.length && !signal.aborted;) {
      const content = this.#batcher.next(wanted.slice(at))
      at += content.count
      const before = this.#read
      this.#read = at === wanted.length ? end : content.places.at(-1)!
      this.#count(content)
      await emit(this.#batch(content, before, this.#read))
      // Nobody reads it any more, and it may be held for long by an output that waits.
      content.events.length = 0
    }
    if (wanted.length > 0 || signal.aborted) return
    this.#read = end
    for (const output of this.#positions.outputs)
      if (output === METRICS) this.#positions.counted(end)
      else if (!this.#isElsewhere(output)) this.#positions.skip(output, end)
  }

  #isElsewhere(output: string): boolean {
    return this.#lanes.has(output) || this.#ahead.has(output)
  }

  #batch(content: Content, before: Place, reached: Place): Batch {
    const positions = this.#positions
    const lanes = this.#lanes
    const behind = [...lanes.keys(), ...this.#ahead.keys()]
    const pieces = new Map<string, Piece>()
    for (const output of positions.outputs)
      if (output !== METRICS && !this.#isElsewhere(output)) pieces.set(output, positions.give(output, reached))
    const nobody = pieces.get('')
    if (nobody !== undefined) positions.settle('', nobody)
    return {
      ...content,
      behind,
      get awaited() {
        return behind.some(output => !lanes.has(output))
      },
      settle(output) {
        const piece = pieces.get(output)
        if (piece !== undefined) positions.settle(output, piece)
      },
      counted: lines => positions.counted(lines < content.count ? (content.places[lines - 1] ?? before) : reached),
      decline: output => {
        const piece = pieces.get(output)
        if (piece === undefined) return
        pieces.delete(output)
        positions.takeBack(output, piece)
        this.#leave(output, before, true)
      }
    }
  }

  /** The others go on without this output, which has everything up to there. */
  #leave(output: string, handed: Place, told: boolean): void {
    const lane: Lane = { output, handed, told }
    this.#lanes.set(output, lane)
    if (told)
      this.#context.log.warn(
        { output },
        'An output has no room for long; the others go on, and its part is read again when it has.'
      )
    this.#start?.(lane)
  }

  #caughtUp(lane: Lane): true {
    this.#lanes.delete(lane.output)
    if (lane.told) this.#context.log.info({ output: lane.output }, 'An output has caught up with the others.')
    return true
  }

  /** To the one output of a lane; true when it has caught up. */
  async #again(lane: Lane, entries: readonly ReadEntry[], emit: Emit, signal: AbortSignal): Promise<boolean> {
    for (let at = 0; at < entries.length && !signal.aborted;) {
      const here = entries.findIndex((read, i) => i >= at && this.#reaches(read.place))
      const part = entries.slice(at, here < 0 ? undefined : here + 1)
      at += part.length
      const last = part.at(-1)!.place
      await this.#handAgain(
        lane,
        part,
        here < 0 ? { ...last, n: Math.min(last.n, this.#read.n - 1) } : this.#read,
        emit
      )
      if (this.#reaches(last)) return this.#caughtUp(lane)
    }
    return false
  }

  async #handAgain(lane: Lane, part: readonly ReadEntry[], end: Place, emit: Emit): Promise<void> {
    const { output } = lane
    const wanted = part.filter(({ entry }) => this.#wants(entry))
    for (let at = 0; at < wanted.length;) {
      const content = this.#batcher.next(wanted.slice(at))
      at += content.count
      const last = content.places.at(-1)!
      const reached = at === wanted.length ? end : { ...last, n: Math.min(last.n, this.#read.n - 1) }
      const piece = this.#positions.give(output, reached)
      await emit({
        ...content,
        only: output,
        settle: by => {
          if (by === output) this.#positions.settle(output, piece)
        }
      })
      content.events.length = 0
    }
    if (wanted.length === 0) this.#positions.skip(output, end)
    lane.handed = end
  }

  /** It is where the first reading is, or beyond. */
  #reaches(place: Place): boolean {
    if (place.cursor === this.#read.cursor) return true
    const [a, b] = [parseCursor(place.cursor), parseCursor(this.#read.cursor)]
    return a !== undefined && a.sequence === b?.sequence && a.boot === b.boot && a.number >= b.number
  }

  #count({ count, size = 0, events }: Content): void {
    this.#lines(count)
    this.#bytes(size)
    const cut = events.reduce((n, event) => n + (event['tags'] === undefined ? 0 : 1), 0)
    if (cut > 0) this.#cut(cut)
  }
}

/** Whether an entry stands behind a place that has another one; in doubt it does, as twice is better than never. */
function isPast(here: Place, place: Place): boolean {
  const [a, b] = [parseCursor(here.cursor), parseCursor(place.cursor)]
  if (a !== undefined && a.sequence === b?.sequence && a.boot === b.boot) return a.number > b.number
  return here.n > place.n || here.time >= place.time
}
