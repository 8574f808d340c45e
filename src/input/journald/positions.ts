// How far each output has taken over the journal: the entry before which it owes nothing, kept in the state.
import { METRICS } from '../../core/component.ts'
import type { Context } from '../../core/component.ts'
import { isMap } from '../../core/field.ts'

/** An entry that was read. */
export interface Place {
  /** '' before the first one. */
  readonly cursor: string
  /**
   * Of the entry, later when nothing followed it, or from which on entries are wanted where there is none; microseconds
   * since the epoch, 0 for all.
   */
  readonly time: number
  /** Counts entries of this input, so that places can be compared. */
  readonly n: number
}

/** Entries that an output was given together, up to a place. */
export interface Piece {
  place: Place
  settled: boolean
}

export const NOWHERE: Place = { cursor: '', time: 0, n: 0 }

const scopeOf = (input: string): string => `journald/${input}`

export class Positions {
  readonly outputs: readonly string[]
  readonly #context: Context
  readonly #scope: string
  readonly #places = new Map<string, Place>()
  /** By output, in order: what it was given and has not settled, or has settled before what stands ahead of it. */
  readonly #given = new Map<string, Piece[]>()
  readonly #dirty = new Set<string>()
  #unhook: () => void = () => {}
  #closed = false

  constructor(context: Context) {
    this.#context = context
    this.#scope = scopeOf(context.name)
    const { outputs, metered } = context
    this.outputs = metered === true ? [...outputs, METRICS] : outputs.length > 0 ? outputs : ['']
  }

  /** Reads what is known; false when nothing is, so that the input runs for the first time. */
  open(): boolean {
    this.#unhook = this.#context.state.beforeCommit(() => this.#write())
    const known = new Map<string, Place>()
    for (const [output, place] of this.#context.state.entries(this.#scope))
      if (isPlace(place)) known.set(output, place)
      else this.#context.log.warn({ output }, 'A position is malformed and was ignored.')
    if (known.size === 0) return false
    const shipped = this.outputs.filter(o => o !== METRICS && known.has(o)).map(o => known.get(o)!)
    // A new output begins where the slowest of the others is. What any output has had before metrics were made is not counted.
    const slowest = least(shipped.length > 0 ? shipped : [...known.values()])
    const furthest = most([...known.values()])
    for (const output of this.outputs) this.#set(output, known.get(output) ?? (output === METRICS ? furthest : slowest))
    for (const output of known.keys())
      if (!this.outputs.includes(output)) this.#context.state.delete(this.#scope, output)
    return true
  }

  /** All begin here; durable when it returns, so that what comes from now on is read whatever happens. */
  begin(place: Place): void {
    for (const output of this.outputs) this.#set(output, place)
    this.#context.state.commit()
  }

  place(output: string): Place {
    return this.#places.get(output) ?? NOWHERE
  }

  /**
   * Where reading goes on. Metrics are made of the first reading alone, so it goes on where they are, though an output may
   * have got more by a reading of its own.
   */
  get next(): Place {
    return this.#places.get(METRICS) ?? most([...this.#places.values()])
  }

  /** It was given entries up to there. */
  give(output: string, place: Place): Piece {
    const piece = { place, settled: false }
    const given = this.#given.get(output)
    if (given === undefined) this.#given.set(output, [piece])
    else given.push(piece)
    return piece
  }

  /** It did not take them. */
  takeBack(output: string, piece: Piece): void {
    const given = this.#given.get(output) ?? []
    const at = given.indexOf(piece)
    if (at >= 0) given.splice(at, 1)
  }

  settle(output: string, piece: Piece): void {
    piece.settled = true
    const given = this.#given.get(output) ?? []
    let done = 0
    while (done < given.length && given[done]!.settled) done++
    if (done > 0) this.#set(output, given.splice(0, done).at(-1)!.place)
  }

  /** Entries up to there are not for it. */
  skip(output: string, place: Place): void {
    const last = this.#given.get(output)?.at(-1)
    if (last === undefined) this.#set(output, place)
    else last.place = place
  }

  /** Metrics have counted up to there. */
  counted(place: Place): void {
    if (place.n > this.place(METRICS).n) this.#set(METRICS, place)
  }

  /** There is nothing behind this entry up to a time, in microseconds since the epoch. */
  quiet(cursor: string, until: number): void {
    for (const [output, place] of this.#places)
      if (place.cursor === cursor && place.time < until) this.#set(output, { ...place, time: until })
  }

  /** The input has stopped; what is settled from now on goes to the state at once. */
  close(): void {
    this.#write()
    this.#unhook()
    this.#closed = true
  }

  #set(output: string, place: Place): void {
    this.#places.set(output, place)
    if (!this.#closed) {
      this.#dirty.add(output)
      return
    }
    // Another instance may have taken over by now (a reload).
    const known = this.#context.state.get(this.#scope, output)
    if (isPlace(known) && known.n < place.n) this.#context.state.set(this.#scope, output, place)
  }

  #write(): void {
    for (const output of this.#dirty) this.#context.state.set(this.#scope, output, this.#places.get(output)!)
    this.#dirty.clear()
  }
}

const least = (places: readonly Place[]): Place => places.reduce((a, b) => (b.n < a.n ? b : a))
const most = (places: readonly Place[]): Place => places.reduce((a, b) => (b.n > a.n ? b : a))

const isPlace = (v: unknown): v is Place =>
  isMap(v) && typeof v['cursor'] === 'string' && typeof v['time'] === 'number' && typeof v['n'] === 'number'
