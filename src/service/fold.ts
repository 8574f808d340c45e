// Holds back what the agent would say too often or too much, and tells it once, with a count.
import type { LogData } from '../core/log.ts'

type Level = 'error' | 'warn' | 'info' | 'debug'

/** One call of a logger that its level lets pass. */
export interface Line {
  readonly level: Level
  readonly subsystem: string
  readonly message: string
  readonly data: LogData
}

/** Time, so that a test can hold it. */
export interface FoldTimes {
  /** Monotonic, milliseconds. */
  elapsed(): number
  /** Calls back once, unless what it returns was called before. */
  later(ms: number, act: () => void): () => void
}

export interface FoldOptions extends FoldTimes {
  /** The last of `count` lines that were held back since `ms` milliseconds. */
  tell(line: Line, count: number, ms: number): void
  /** A line was held back. */
  held(level: Level): void
}

/** What was held back is told after this long. */
export const WINDOW_MS = 60_000
/** So many equal lines pass at once; debug lines come with every batch, and whoever turns them on wants to see some. */
export const BURST: Record<Level, number> = { error: 50, warn: 20, info: 20, debug: 500 }
/** Bytes that all lines together may take at once, and then for each second: at most 700 MB a day, whatever goes wrong. */
const BUCKET = 1024 * 1024
const A_SECOND = 8 * 1024
/** What of the bucket each level leaves to those above it. */
const RESERVE: Record<Level, number> = { error: 0, warn: BUCKET / 8, info: BUCKET / 4, debug: BUCKET / 2 }
/** Kinds of lines that are told apart. Messages are constant, so more than that means that something makes them up. */
const MAX_KINDS = 500
/** Names of components as they stand in a line's data. */
const COMPONENTS = ['input', 'output', 'check', 'metrics', 'exporter', 'pipeline', 'notify', 'host'] as const

interface Kind {
  /** Since when lines are counted. */
  since: number
  /** So many more may pass in this window. */
  left: number
  held: number
  last: Line
  /** It stands for the kinds for which there is no place; they are only counted. */
  readonly rest: boolean
}

/** Changes of a state are rare by their nature, and nobody may miss one: outputs and checks tell them so. */
const isChange = ({ data }: Line): boolean => 'prevState' in data || 'previous' in data

function keyOf({ level, subsystem, message, data }: Line): string {
  let key = `${level}\0${subsystem}\0${message}`
  for (const name of COMPONENTS) if (typeof data[name] === 'string') key += `\0${data[name]}`
  return key
}

/** One for a log. While nothing is held back it has no timer and costs a look into a map for each line. */
export class Fold {
  readonly #options: FoldOptions
  readonly #kinds = new Map<string, Kind>()
  #bucket = BUCKET
  #filledAt: number
  #cancel: (() => void) | undefined

  constructor(options: FoldOptions) {
    this.#options = options
    this.#filledAt = options.elapsed()
  }

  /** True when the line may be written now; otherwise it is told later. */
  admit(line: Line): boolean {
    if (isChange(line)) return true
    const now = this.#options.elapsed()
    const kind = this.#kindOf(line, now)
    if (kind.left > 0 && this.#room(now) > RESERVE[line.level]) {
      kind.left--
      return true
    }
    kind.held++
    if (!kind.rest) kind.last = line
    this.#options.held(line.level)
    this.#cancel ??= this.#options.later(WINDOW_MS, () => this.#sweep())
    return false
  }

  /** So many bytes were written. */
  spend(bytes: number): void {
    this.#bucket -= bytes
  }

  /** Tells what is held back, now. */
  flush(): void {
    this.#cancel?.()
    this.#cancel = undefined
    const now = this.#options.elapsed()
    for (const [key, kind] of this.#kinds) this.#close(key, kind, now)
  }

  #room(now: number): number {
    this.#bucket = Math.min(BUCKET, this.#bucket + ((now - this.#filledAt) / 1000) * A_SECOND)
    this.#filledAt = now
    return this.#bucket
  }

  #kindOf(line: Line, now: number): Kind {
    const key = keyOf(line)
    const known = this.#kinds.get(key)
    if (known !== undefined && now - known.since < WINDOW_MS) return known
    if (known !== undefined) this.#close(key, known, now)
    const going = this.#kinds.get(key)
    if (going !== undefined) return going
    if (this.#kinds.size >= MAX_KINDS) this.#forgetQuiet(now)
    if (this.#kinds.size >= MAX_KINDS) return this.#rest(line, now)
    const kind = { since: now, left: BURST[line.level], held: 0, last: line, rest: false }
    this.#kinds.set(key, kind)
    return kind
  }

  #rest({ level, subsystem, message }: Line, now: number): Kind {
    const known = this.#kinds.get(level)
    if (known !== undefined) return known
    const last = { level, subsystem, message: 'Messages of too many kinds were left out.', data: { such_as: message } }
    const kind = { since: now, left: 0, held: 0, last, rest: true }
    this.#kinds.set(level, kind)
    return kind
  }

  #forgetQuiet(now: number): void {
    for (const [key, kind] of this.#kinds) if (kind.held === 0 && now - kind.since >= WINDOW_MS) this.#kinds.delete(key)
  }

  /** Ends a window. Where something was held back the next one lets only one line pass, until it is quiet again. */
  #close(key: string, { since, held, last, rest }: Kind, now: number): void {
    if (held === 0 || rest) this.#kinds.delete(key)
    else this.#kinds.set(key, { since: now, left: 1, held: 0, last, rest })
    if (held > 0) this.#options.tell(last, held, now - since)
  }

  #sweep(): void {
    this.#cancel = undefined
    const now = this.#options.elapsed()
    let next = Infinity
    for (const [key, kind] of this.#kinds) {
      if (now - kind.since >= WINDOW_MS) this.#close(key, kind, now)
      else if (kind.held > 0) next = Math.min(next, kind.since + WINDOW_MS - now)
    }
    if (next < Infinity) this.#cancel ??= this.#options.later(next, () => this.#sweep())
  }
}
