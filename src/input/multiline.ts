// Which lines belong together: by a pattern, or by what stack traces of a language look like.
import { choice, duration, integer, object, optional, boolean, regex, size } from '../core/field.ts'
import type { Values } from '../core/field.ts'

/** Looks at the lines of one record after the other, in order. */
export interface Joiner {
  /** `line` is the first of a record; nothing before it counts any more. */
  begin(line: string): void
  /** True when `line` belongs to the record of the line before it. */
  continues(line: string): boolean
  /** True when the record can't grow, so that it needn't wait for the next line. */
  complete(): boolean
}

/** The rule in the form that `Splitter` uses. */
export interface Multiline {
  readonly joiner: Joiner
  readonly maxLines: number
  readonly maxBytes: number
  /** How long an open record waits for further lines, milliseconds. */
  readonly flushTimeout: number
  decode(bytes: Buffer, start: number, end: number): string
}

const PRESETS = ['java', 'python', 'go', 'node', 'ruby'] as const

const FIELDS = {
  preset: optional(choice(PRESETS, 'Joins stack traces of this language to the line above them.')),
  pattern: optional(
    regex('Lines that match are joined to the line before (or after, see `match`).', { example: '^\\s' })
  ),
  negate: boolean('Joins the lines that do not match instead.', { default: false }),
  match: choice(['after', 'before'], 'Where a joined line goes: after the line before it, or before the next one.', {
    default: 'after'
  }),
  max_lines: integer('A record of so many lines ends there; the next line begins a new one.', {
    default: 500,
    min: 2,
    max: 100_000
  }),
  max_bytes: size('A record of so many bytes ends there; the next line begins a new one.', {
    default: '1MiB',
    min: '1KiB',
    max: '16MiB'
  }),
  flush_timeout: duration('An open record waits so long for further lines.', {
    default: '5s',
    min: '100ms',
    max: '10m'
  })
}

/** The option `multiline` of inputs that read lines. */
export const multilineField = optional(
  object(FIELDS, 'Joins lines that belong together, such as stack traces, into one record.', {
    example: { preset: 'java' }
  })
)

type Options = Values<typeof FIELDS>

/** What is wrong with the combination of options; for an input's own `lint`. */
export function* lintMultiline(o: Options | undefined): Iterable<readonly ['multiline', string]> {
  if (o === undefined) return
  if (o.preset === undefined && o.pattern === undefined)
    yield ['multiline', `needs a preset (${PRESETS.join(', ')}) or a pattern`]
  if (o.preset !== undefined && o.pattern !== undefined) yield ['multiline', 'takes a preset or a pattern, not both']
}

/** Compiles the options of `multilineField`. */
export function compileMultiline(o: Options | undefined): Multiline | undefined {
  if (o === undefined) return undefined
  const limits = { maxLines: o.max_lines, maxBytes: o.max_bytes, flushTimeout: o.flush_timeout }
  const latin1 = (bytes: Buffer, start: number, end: number): string => bytes.latin1Slice(start, end)
  if (o.preset !== undefined) return { ...limits, joiner: MAKE[o.preset](), decode: latin1 }
  const pattern = o.pattern!
  const joiner = o.match === 'after' ? joinAfter(pattern, o.negate) : joinBefore(pattern, o.negate)
  // One byte a character is faster and as good, unless the pattern speaks of characters beyond ASCII.
  const ascii = !/[^\0-\x7f]|\\[upP]/.test(pattern.source)
  return {
    ...limits,
    joiner,
    decode: ascii ? latin1 : (bytes, start, end) => bytes.utf8Slice(start, end)
  }
}

const never = (): boolean => false

function joinAfter(pattern: RegExp, negate: boolean): Joiner {
  return { begin() {}, continues: line => pattern.test(line) !== negate, complete: never }
}

function joinBefore(pattern: RegExp, negate: boolean): Joiner {
  let wantsNext = false
  const look = (line: string): void => {
    wantsNext = pattern.test(line) !== negate
  }
  return {
    begin: look,
    continues: line => {
      const joined = wantsNext
      if (joined) look(line)
      return joined
    },
    complete: () => !wantsNext
  }
}

const simple = (pattern: RegExp) => (): Joiner => joinAfter(pattern, false)

/** Frames, causes, and the exception's own line when a logger put it below its message. */
const java = simple(
  /^(?:\s|Caused by:|Suppressed:|\.\.\. \d+ (?:more|common frames)|(?:[A-Za-z_$][\w$]*\.)+[A-Za-z_$][\w$]*(?:Exception|Error|Throwable)\b)/
)
/** Frames, and what util.inspect prints of an error's properties and cause. */
const node = simple(/^(?:\s|[}\])]|(?:[A-Z]\w*)?(?:Error|Exception)(?: \[\w+\])?: )/)
/** Backtraces, indented or as bare `file.rb:12:in` lines. */
const ruby = simple(/^(?:\s|from |\S+\.rb:\d+:in [`'][^']*'$)/)

/** A traceback's last line stands at the margin, and another traceback may follow after a sentence between blank lines. */
function python(): Joiner {
  const BETWEEN = /^(?:During handling of the above exception, another|The above exception was the direct cause)/
  const NAME = /^[A-Za-z_][\w.]*(?::|$)/
  let state: 'none' | 'frames' | 'named' | 'between' = 'none'
  const look = (line: string): boolean => {
    if (line.startsWith('Traceback (most recent call last)')) state = 'frames'
    else if (/^\s+\S/.test(line)) return true
    else if (state === 'frames' && NAME.test(line)) state = 'named'
    else if (state === 'named' && BETWEEN.test(line)) state = 'between'
    else return line === '' && (state === 'named' || state === 'between')
    return true
  }
  return {
    begin: line => {
      state = 'none'
      look(line)
    },
    continues: look,
    complete: never
  }
}

/** Between a panic and the end of its goroutines stand blank lines, calls at the margin and indented places. */
function go(): Joiner {
  const BEGINS = /^(?:panic: |fatal error: |goroutine \d+ \[)/
  const GOES_ON =
    /^(?:$|\s|goroutine |created by |\[signal |\[recovered\]|exit status |\.\.\.|[\w./*-]+[\w.]\(.*\)$|[\w./]+\.\(\*?\w+\)\.\S+\()/
  let panicking = false
  return {
    begin: line => {
      panicking = BEGINS.test(line)
    },
    continues: line => (panicking ? GOES_ON.test(line) : /^\s/.test(line)),
    complete: never
  }
}

const MAKE: Record<(typeof PRESETS)[number], () => Joiner> = { java, python, go, node, ruby }
