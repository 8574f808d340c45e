// What a pipeline is made of, what it makes of a batch, and who looks at that.
import type { Condition } from '../condition.ts'
import type { Cursor, Event, Step } from '../event.ts'
import type { Batch } from './input.ts'

/** What a step is once built. */
export interface BuiltStep {
  readonly run: Step
  /** Top-level fields it may write or remove; 'any' when only the data tells. Lets the encoder skip look-ups. */
  readonly writes: readonly string[] | 'any'
}

/** What a pipeline made of a batch: one JSON document a record. The same bytes serve every output. */
export interface Records {
  readonly batch: Batch
  readonly count: number
  /** The documents, UTF-8, each ended by '\n'. Never changed, never reused. */
  readonly bytes: Buffer
  /** End of each document in `bytes`, its '\n' included; a document starts where the one before it ended. */
  readonly ends: Uint32Array
  /** The time of each record, milliseconds since the epoch. */
  readonly times: Float64Array
  /** Where in the source each record starts; with `batch.source.id` its identity. */
  readonly offsets: Float64Array
  /** For each template that an output asked for (`Output.keys`), by its text, the rendered text of each record. */
  readonly keys: ReadonlyMap<string, readonly string[]>
  /** What each record had when it was sent the first time, and gets again: those of dead letters have it. */
  readonly given?: readonly Given[]
  /** What each output gets that chooses or changes records, by its name: of the same batch, with the same identities. */
  readonly selected?: ReadonlyMap<string, Records>
  /** How many records of the batch are not among these, since the output does not want them. */
  readonly unwanted?: number
  /** How many records before each share its offset, where the rows can't tell it since others were left out. */
  readonly within?: Uint32Array | undefined
}

/** Looks at a record that leaves a pipeline. Never throws, and keeps nothing of it: the next one may be the same object. */
export interface Observer {
  (event: Event, cursor: Cursor): void
  /** References of the fields it reads; absent when it may read any. Others need not be there. */
  readonly reads?: readonly string[]
}

/** Which records an output gets, and in which form. */
export interface Selection {
  readonly output: string
  /** Absent: all. */
  readonly takes?: Condition | undefined
  /** Absent: as they are. */
  readonly changes?: Changes | undefined
}

/** What of the documents is another for one output. */
export interface Changes {
  /** References of fields that are left out; the time always stays. Objects that become empty go, too. */
  readonly drop: readonly string[]
  /** Put into the object `fields` of each, over what is there. */
  readonly fields: Readonly<Event>
}

/** Identity of a record, and where it went (an index name) if that was known. */
export interface Given {
  readonly id: string
  readonly target: string | undefined
}

/** Records `from` up to (not including) `to` of one `Records`. */
export interface Part {
  readonly records: Records
  readonly from: number
  readonly to: number
}

/** What one `send` carries, in order. Its records are numbered through from 0. */
export interface Parcel {
  readonly parts: readonly Part[]
  readonly count: number
  readonly bytes: number
}
