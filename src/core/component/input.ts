// What an input is, what it hands over, and what it says of itself.
import type { Event } from '../event.ts'

/** A stream of bytes or events, and all that is the same for everything in it. */
export interface Source {
  /** The configured name of the input. */
  readonly input: string
  /** Short and unique for ever: with an offset it makes a record's identity. '' when the stream can't be read again. */
  readonly id: string
  /** The file it is read from now, for messages and labels. */
  readonly path: string | undefined
  /** Fields every record of it carries (`host`, `input`, `log.file.path`, …), nested objects. Replaced, never changed in place. */
  readonly constants: Readonly<Event>
}

/**
 * A slice of one source, cut at line ends. Its holder settles it once per output; only then does the input move that
 * output's position. `bytes` may be reused by the input as soon as the promise of `emit` has resolved.
 */
export interface Batch {
  readonly source: Source
  /** When its bytes were first read, milliseconds since the epoch; the same again when the range is read again. */
  readonly arrival: number
  readonly count: number
  /** Lines: the bytes, and start and end of each line in them, line ending left out. A joined multiline is one span. */
  readonly bytes: Buffer
  readonly bounds: Uint32Array
  /** Position in the source of `bytes[0]`. */
  readonly offset: number
  /** 1 for a line that was cut at `max_line_bytes`; absent when none was. */
  readonly cut?: Uint8Array | undefined
  /** Set instead of lines (`bytes` empty) by inputs whose records are structured already. */
  readonly events?: readonly Event[] | undefined
  /** With `events`: the place and the time (milliseconds since the epoch) of each, where the input knows them. */
  readonly offsets?: Float64Array | undefined
  readonly times?: Float64Array | undefined
  /** With `events`: how many bytes they stand for, for `rate_limit`. */
  readonly size?: number | undefined
  /** Set when it was read again for this output, and is for no other: records that others had are not counted twice. */
  readonly only?: string | undefined
  /** Outputs that get it by a reading of their own: it is neither given to them nor settled for them here. */
  readonly behind?: readonly string[] | undefined
  /** True when one of these has it by now and waits for what comes next. */
  readonly awaited?: boolean
  /** The output has no room and gets it later, by a reading of its own; absent where nothing can be read again. */
  decline?(output: string): void
  /** Its first so many lines were taken into metrics; see METRICS. */
  counted?(lines: number): void
  /** `output` has taken over every record of the batch: delivered, refused with its dead letter on disk, or dropped by intention. */
  settle(output: string): void
}

/**
 * Stands among the outputs of an input whose records are counted: metrics have a position of their own, which is
 * committed together with their numbers, so that a record counts once also over a killed process. No output can be
 * called so.
 */
export const METRICS = '(metrics)'

/** Awaiting it is the back-pressure: no answer, no next read. Rejects only when the agent is stopping. */
export type Emit = (batch: Batch) => Promise<void>

/** Reads until `signal` aborts, then returns. Trouble with a file or a peer is retried inside; a rejection is a bug. */
export interface Input {
  run(emit: Emit, signal: AbortSignal): Promise<void>
  /** True once nothing more will come (`stdin` at its end, files with `--once`). `run` returns then. */
  readonly finite?: boolean
  /** For `yarder status`. */
  describe?(): InputDescription
}

/** One file of an input, or whatever else it reads. */
export interface FileStatus {
  readonly path: string
  /** Where its bytes lie when not under `path`, the name it was found under. */
  readonly at?: string | undefined
  readonly size: number
  /** How far it was read, and how far every output has acknowledged; bytes. */
  readonly read: number
  readonly acked: number
  /** `active`, `idle`, `unreadable`, … */
  readonly state: string
  readonly reason?: string | undefined
  readonly ledger?: FileLedger | undefined
  /** Seconds until unread bytes of it are rotated away; absent while that is not to be feared, or can't be known. */
  readonly expiresSeconds?: number | undefined
}

/** What became of the bytes of a file; `seen` is the sum of the others. */
export interface FileLedger {
  /** The largest size it is known to have had. */
  readonly seen: number
  /** Before the place where reading began: not asked for, or read before. */
  readonly skipped: number
  /** Taken over by every output. */
  readonly acked: number
  /** Handed out, and not acknowledged by every output yet. */
  readonly waiting: number
  readonly unread: number
  /** In no record: holes, and the rests of cut lines. */
  readonly leftOut: number
  /** Gone before they were read. */
  readonly lost: number
}

/** What an input says about itself when asked. */
export interface InputDescription {
  readonly message: string
  /** It cannot read all that it was told to read, and somebody has to see to it; `message` says what and why. */
  readonly degraded?: boolean
  readonly files: readonly FileStatus[]
}
