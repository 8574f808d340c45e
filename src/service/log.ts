// The agent's own log: pino behind core's Log, with a level per subsystem, as text for people or JSON lines.
import pino from 'pino'
import type { Log, LogData } from '../core/log.ts'
import { describe } from '../core/errors.ts'
import { Fold } from './fold.ts'
import type { FoldTimes, Line } from './fold.ts'
import type { LineWriter } from './stderr.ts'

/** Levels as Ceph's daemons have them: 0 errors only, 1 warnings too, 5 the life-cycle too, 10 to 20 each batch. */
const THRESHOLDS = { error: 0, warn: 1, info: 5, debug: 10 } as const
export type LevelName = keyof typeof THRESHOLDS
/** sd-daemon(3): priorities that journald takes from the start of a line. */
const PRIORITY = { error: 3, warn: 4, info: 6, debug: 7 } as const

export interface LogOptions {
  format: 'text' | 'json'
  level: LevelName
  environment: string
  writer: LineWriter
  /** The writer leads to the journal: lines get a priority and no time. */
  journal: boolean
  /** The writer leads to a terminal: no time either, it is noise there. */
  terminal: boolean
  now?: () => number
  /** The machine's when absent. */
  times?: FoldTimes
}

/** A line as it was logged, for whoever ships the agent's own errors. */
export interface LogLine {
  level: LevelName
  subsystem: string
  message: string
  /** Its data as JSON values, without the error. */
  labels: Record<string, unknown>
  error: { message: string; type: string; stack_trace: string } | undefined
}

/** What the configuration says about the log. */
export interface LogSettings {
  level: LevelName | undefined
  environment: string
  format: 'text' | 'json'
  /** Takes the configuration's secrets out of a text: the last door before a line leaves. */
  mask: (text: string) => string
}

export interface LogService {
  readonly root: Log
  /** Sets the level (0–20) of a subsystem (with all below it) or of `all`; takes it back after `forMs`. */
  setLevel(subsystem: string, level: number, forMs?: number): void
  /** The levels in force, and when a time-boxed one ends (ms since the epoch). */
  levels(): { subsystem: string; level: number; until: number | undefined }[]
  /** Called for each line at `error`. */
  onError: ((line: LogLine) => void) | undefined
  /** Called for each line that is held back, to be told once with the others like it. */
  onHeld: ((level: LevelName) => void) | undefined
  /** Tells what is held back. */
  flush(): void
  /** Changes what a reload may change. */
  configure(options: LogSettings): void
}

/** The number of a level by name or number; undefined for what is neither. */
export function parseLevel(text: string): number | undefined {
  const lower = text.toLowerCase()
  if (Object.hasOwn(THRESHOLDS, lower)) return THRESHOLDS[lower as LevelName]
  if (lower === 'warning') return THRESHOLDS.warn
  return /^\d{1,2}$/.test(text) && Number(text) <= 20 ? Number(text) : undefined
}

/** The name of the level that a number stands for. */
export const levelName = (level: number): LevelName =>
  level < 1 ? 'error' : level < 5 ? 'warn' : level < 10 ? 'info' : 'debug'

/** Untrusted text must not forge lines or steer a terminal: control characters become visible escapes. */
export function escapeControls(text: string): string {
  return text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/g,
    c => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`
  )
}

/** The same, and line ends and tabs too: what a log holds must not look like two lines. */
export const oneLine = (text: string): string => escapeControls(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t')

/** With quotes and backslashes escaped, so that no value can end where it likes and go on as another. */
const quoted = (text: string): string => `"${oneLine(text.replace(/["\\]/g, '\\$&'))}"`

function renderValue(value: unknown): string {
  if (typeof value === 'string') return /^[\w./:@%+,[\]-]+$/.test(value) ? value : quoted(value)
  try {
    const text = JSON.stringify(value) ?? String(value)
    return /[\s=]/.test(text) ? quoted(text) : oneLine(text)
  } catch {
    return '"[not printable]"'
  }
}

/** Stacks of an error and of its causes, one line each. */
function stackLines(error: unknown): string[] {
  if (!(error instanceof Error)) return [oneLine(String(error))]
  const lines = (error.stack ?? `${error.name}: ${error.message}`).split('\n').map(escapeControls)
  return error.cause === undefined
    ? lines
    : [...lines, ...stackLines(error.cause).map((l, i) => (i === 0 ? `caused by ${l}` : l))]
}

/** Sets the log up: the first thing the program does, so that what follows can say what is wrong. */
export function createLog(options: LogOptions): LogService {
  const { writer } = options
  const now = options.now ?? Date.now
  let { format, environment } = options
  let mask = (text: string): string => text
  const json = pino(
    {
      level: 'trace',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) }
    },
    { write: line => write(line) }
  )
  const set = new Map<string, { level: number; until: number | undefined; timer: NodeJS.Timeout | undefined }>()
  let base: number = THRESHOLDS[options.level]
  /** Grows with each change of levels. Loggers look theirs up again then; a list of all loggers would keep those of every reload. */
  let generation = 0

  interface Subsystem {
    readonly name: string
    level: number
    generation: number
  }

  function levelOf(name: string): number {
    for (let at = name; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
      const own = set.get(at)
      if (own !== undefined) return own.level
    }
    return set.get('all')?.level ?? base
  }

  function refresh(): void {
    generation++
  }

  function allows(subsystem: Subsystem, level: LevelName): boolean {
    if (subsystem.generation !== generation) {
      subsystem.level = levelOf(subsystem.name)
      subsystem.generation = generation
    }
    return THRESHOLDS[level] <= subsystem.level
  }

  function text(level: LevelName, subsystem: string, data: LogData, message: string): string {
    const { err, ...plain } = data
    const pairs = Object.entries(plain)
      .filter(([, v]) => v !== undefined)
      .map(([k, v]) => `${k}=${renderValue(v)}`)
    const reason = err === undefined ? '' : ` error=${renderValue(describe(err))}`
    const head = `[${environment}][${level.toUpperCase().padEnd(5)}] [${subsystem === '' ? 'yarder' : subsystem}] ${message}`
    const time =
      options.journal || options.terminal
        ? ''
        : `${new Date(now()).toISOString().replace('T', ' ').replace('.', ',').slice(0, 23)} `
    const first = `${time}${head}${pairs.length > 0 ? ` ${pairs.join(' ')}` : ''}${reason}`
    // An expected error needs no stack; anything else is a bug, and a bug without its place is no report.
    const stack =
      err instanceof Error && err.name !== 'YarderError' && !('errno' in err)
        ? stackLines(err).map(l => `    ${l}`)
        : []
    const prefix = options.journal ? `<${PRIORITY[level]}>` : ''
    return [first, ...stack].map(line => `${prefix}${line}\n`).join('')
  }

  const fold = new Fold({
    elapsed: () => performance.now(),
    later: (ms, act) => {
      const timer = setTimeout(act, ms).unref()
      return () => clearTimeout(timer)
    },
    ...options.times,
    held: level => service.onHeld?.(level),
    tell: (line, count, ms) => put(line, count, ms)
  })

  function emit(level: LevelName, subsystem: Subsystem, bound: LogData, data: LogData, message: string): void {
    if (!allows(subsystem, level)) return
    let all: LogData
    try {
      all = { ...bound, ...data }
    } catch (error) {
      all = { dataError: describe(error) }
    }
    const line = { level, subsystem: subsystem.name, message, data: all }
    if (fold.admit(line)) put(line, 1, 0)
  }

  /** Writes a line, or the last of `count` in `ms` milliseconds. */
  function put({ level, subsystem, message, data }: Line, count: number, ms: number): void {
    const seconds = Math.max(1, Math.round(ms / 1000))
    const told = count === 1 ? message : `${message} (repeated ${count.toLocaleString('en')} times in ${seconds} s)`
    try {
      if (format === 'text') write(text(level, subsystem, data, told))
      else json[level]({ env: environment, name: subsystem, ...(count > 1 && { repeated: count }), ...data }, told)
    } catch (error) {
      // Logging never breaks the program: a throwing getter or toJSON costs its data only.
      write(text(level, subsystem, { dataError: describe(error) }, told))
    }
    if (level === 'error' && service.onError !== undefined) service.onError(lineOf(level, subsystem, told, data))
  }

  function write(lines: string): void {
    fold.spend(lines.length)
    writer.write(mask(lines))
  }

  function lineOf(level: LevelName, subsystem: string, message: string, { err, ...plain }: LogData): LogLine {
    const error =
      err === undefined
        ? undefined
        : {
            message: mask(describe(err)),
            type: err instanceof Error ? err.name : typeof err,
            stack_trace: mask(stackLines(err).join('\n'))
          }
    let labels: Record<string, unknown> = {}
    try {
      labels = JSON.parse(mask(JSON.stringify(plain))) as Record<string, unknown>
    } catch {
      // What can't be printed isn't shipped either.
    }
    return { level, subsystem, message, labels, error }
  }

  function logger(name: string, bound: LogData): Log {
    const subsystem: Subsystem = { name, level: levelOf(name), generation }
    return {
      error: (data, message) => emit('error', subsystem, bound, data, message),
      warn: (data, message) => emit('warn', subsystem, bound, data, message),
      info: (data, message) => emit('info', subsystem, bound, data, message),
      debug: (data, message) => emit('debug', subsystem, bound, data, message),
      get debugs() {
        return allows(subsystem, 'debug')
      },
      child: (part, data = {}) => logger(name === '' ? part : `${name}.${part}`, { ...bound, ...data })
    }
  }

  const service: LogService = {
    root: logger('', {}),
    onError: undefined,
    onHeld: undefined,
    flush: () => fold.flush(),
    setLevel(subsystem, level, forMs) {
      clearTimeout(set.get(subsystem)?.timer)
      const timer =
        forMs === undefined
          ? undefined
          : setTimeout(() => {
              set.delete(subsystem)
              refresh()
              service.root.info({ subsystem }, 'Log level is back to what it was.')
            }, forMs)
      timer?.unref()
      set.set(subsystem, { level, until: forMs === undefined ? undefined : now() + forMs, timer })
      refresh()
    },
    levels: () => [
      { subsystem: 'default', level: base, until: undefined },
      ...[...set].map(([subsystem, s]) => ({ subsystem, level: s.level, until: s.until }))
    ],
    configure(o) {
      if (o.level !== undefined) base = THRESHOLDS[o.level]
      environment = o.environment
      format = o.format
      mask = o.mask
      refresh()
    }
  }
  return service
}
