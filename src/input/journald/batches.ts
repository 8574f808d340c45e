// Entries to batches: each of one source, with the identity, time and record of every entry.
import type { Batch, Context, Source } from '../../core/component.ts'
import type { Event } from '../../core/event.ts'
import { portionOf } from '../../core/rate.ts'
import { parseCursor, sourceIdOf } from './cursor.ts'
import type { CursorParts } from './cursor.ts'
import type { Entry } from './export.ts'
import type { Place } from './positions.ts'
import { recordOf } from './record.ts'
import type { Host } from './record.ts'

/** Records a batch: few enough that the loop gets its turns. */
const MAX_RECORDS = 1024
const NOTHING = Buffer.alloc(0)
const NO_BOUNDS = new Uint32Array(0)

/** An entry with the place that is reached by it. */
export interface ReadEntry {
  readonly entry: Entry
  readonly place: Place
}

/** What a batch is made of; who settles it is the input's matter. */
export type Content = Pick<
  Batch,
  'source' | 'arrival' | 'count' | 'bytes' | 'bounds' | 'offset' | 'offsets' | 'times' | 'size'
> & { readonly events: Event[]; readonly places: readonly Place[]; readonly cut: undefined }

export class Batcher {
  readonly #context: Context
  readonly #host: Host
  readonly #most: number
  readonly #mostBytes: number
  readonly #sources = new Map<string, Source>()

  constructor(context: Context) {
    this.#context = context
    this.#host = (context.constants['host'] as Host | undefined) ?? {}
    const { records, bytes } = portionOf(context.rate)
    this.#most = Math.min(MAX_RECORDS, records)
    this.#mostBytes = bytes
  }

  /** The longest batch that begins with the first of these. */
  next(entries: readonly ReadEntry[]): Content {
    const first = parseCursor(entries[0]!.entry.cursor)
    const events: Event[] = []
    const offsets: number[] = []
    const times: number[] = []
    const places: Place[] = []
    let size = 0
    for (const { entry, place } of entries) {
      const at = parseCursor(entry.cursor)
      const record = recordOf(entry, this.#host)
      const bytes = Buffer.byteLength(record['message'] as string) + 1
      const full = events.length >= this.#most || size + bytes > this.#mostBytes
      if (events.length > 0 && (full || !sameSource(first, at))) break
      events.push(record)
      offsets.push(at?.number ?? 0)
      times.push(entry.time / 1000)
      places.push(place)
      size += bytes
    }
    return {
      source: this.#source(first),
      arrival: this.#context.clock.now(),
      count: events.length,
      bytes: NOTHING,
      bounds: NO_BOUNDS,
      cut: undefined,
      offset: offsets[0]!,
      offsets: Float64Array.from(offsets),
      times: Float64Array.from(times),
      events,
      places,
      size
    }
  }

  /** One object each while it is in use: constants are rendered once for it. */
  #source(at: CursorParts | undefined): Source {
    const id = at === undefined ? '' : sourceIdOf(at)
    const known = this.#sources.get(id)
    if (known !== undefined) return known
    // Sequences and boots of a journal are few; a folder of many machines must not grow without end.
    if (this.#sources.size > 100) this.#sources.clear()
    const { name, constants } = this.#context
    const source = { input: name, id, path: undefined, constants: { ...constants, input: { type: 'journald' } } }
    this.#sources.set(id, source)
    return source
  }
}

const sameSource = (a: CursorParts | undefined, b: CursorParts | undefined): boolean =>
  a?.sequence === b?.sequence && a?.boot === b?.boot
