// Records to JSON bytes: what is the same for a source is rendered once, the rest per record.
import { isMap } from '../core/field.ts'
import { REMOVED, timeOf } from '../core/event.ts'
import type { Cursor, Event } from '../core/event.ts'
import type { Source } from '../core/component.ts'

/** Writes documents of one batch after the other into a buffer that grows with the largest. */
export interface Encoder {
  /**
   * Starts a batch of this source, writing into `into` (which may be replaced by a larger one: see `buffer`). `anyFields`:
   * records come with fields of their own, which may be called as constants are.
   */
  begin(source: Source, into: Buffer, anyFields?: boolean): void
  /** Appends one document and its '\n'; returns the end of the document in `buffer`. */
  add(event: Event, cursor: Cursor): number
  /** For who writes a document's own fields itself: makes room, then `open` says where to, and `close` completes it. */
  reserve(bytes: number): void
  /** Where the fields go that follow the time: at `end + HEAD`, in `buffer`. */
  readonly end: number
  /** Completes the document whose fields end at `at`; -1 (and nothing is written) when the time has no usual length. */
  close(at: number, time: number, offset: number): number
  /** Forgets what was written past `end`: an interrupted slice is run again. */
  rewind(end: number): void
  readonly buffer: Buffer
}

const COMMA = 44
const TIME = '@timestamp'
/** Bytes of `{"@timestamp":"2026-01-02T03:04:05.006Z"`. */
export const HEAD = 40

interface Rendered {
  constants: Readonly<Event>
  keys: string[]
  /** Closes a document: the constants, and `log.offset` where the source has places. */
  tail: Buffer
  located: boolean
}

/** The end of a document: `,"host":{…},"log":{"file":{…},"offset":`; the offset and what closes it follow. */
function tailOf(constants: Event, log: unknown, located: boolean): Buffer {
  const fixed = withoutLoneSurrogates(JSON.stringify(constants)).slice(1, -1)
  const start = fixed === '' ? '' : `,${fixed}`
  if (!located) return Buffer.from(`${start}}\n`)
  const opened = withoutLoneSurrogates(JSON.stringify(isMap(log) ? log : {})).slice(0, -1)
  return Buffer.from(`${start},"log":${opened}${opened === '{' ? '' : ','}"offset":`)
}

/** Renders what is the same for every document of a source. */
function render(source: Source): Rendered {
  const { log, ...others } = source.constants
  const located = source.id !== '' && isMap(log)
  return {
    constants: source.constants,
    keys: Object.keys(source.constants),
    located,
    tail: tailOf(located ? others : source.constants, log, located)
  }
}

/** Plain assignment but for the one name that would change the object's prototype instead of its fields. */
function define(holder: Event, key: string, value: unknown): void {
  if (key !== '__proto__') holder[key] = value
  else Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true })
}

/** A record's own fields over the source's constants: objects are merged, lists joined, a plain value beside an object becomes its `value`. */
function merge(constant: unknown, own: unknown): unknown {
  if (own === undefined) return constant
  if (Array.isArray(constant) && Array.isArray(own))
    return [...new Set([...(constant as unknown[]), ...(own as unknown[])])]
  if (!isMap(constant)) return own
  if (!isMap(own)) return { ...constant, value: own }
  const out: Event = { ...constant }
  for (const [key, value] of Object.entries(own))
    // An undefined that is there was put by a step that removed the constant's.
    define(out, key, value !== undefined && Object.hasOwn(constant, key) ? merge(constant[key], value) : value)
  return out
}

/**
 * JSON.stringify writes a lone surrogate (which a JSON line can bring in as `"\ud800"`, and an expression that cuts a
 * character in two can make) as an escape; Elasticsearch and Logstash refuse or mangle it, so it becomes U+FFFD. A `\\`
 * pair is consumed whole so that text about escapes stays.
 */
const withoutLoneSurrogates = (json: string): string =>
  json.includes('\\ud') ? json.replace(/\\(?:\\|ud[89a-f][0-9a-f]{2})/g, m => (m === '\\\\' ? m : '\\ufffd')) : json

/**
 * `writes` are the top-level fields the pipeline's steps may write: when none is the name of a constant, the constants
 * need no look-up per record.
 */
export function createEncoder(writes: ReadonlySet<string> | 'any'): Encoder {
  let rendered: Rendered | undefined
  let writesConstants = true
  let mayCollide = true
  let buffer: Buffer = Buffer.alloc(0)
  let end = 0
  let lastTime = NaN
  let head: Buffer = Buffer.alloc(0)

  const collides = (event: Event, keys: readonly string[]): boolean => {
    if (event[TIME] !== undefined) return true
    if (mayCollide) for (let i = 0; i < keys.length; i++) if (event[keys[i]!] !== undefined) return true
    return false
  }

  /** The record's fields without the constants' names, and an end of its own. */
  function resolve(event: Event, source: Rendered): { own: Event; tail: Buffer } {
    const own: Event = {}
    for (const [key, value] of Object.entries(event)) {
      // The time is the cursor's; a field that a line or a step calls so must not stand in the document a second time.
      if (value !== REMOVED) define(own, key === TIME ? `_${TIME}` : key, value)
    }
    const constants: Event = {}
    for (const key of source.keys) {
      if (event[key] !== REMOVED) constants[key] = merge(source.constants[key], own[key])
      delete own[key]
    }
    if (!source.located) return { own, tail: tailOf(constants, undefined, false) }
    const { log, ...others } = constants
    const { offset: _, ...logFields } = isMap(log) ? log : {}
    return { own, tail: tailOf(others, logFields, true) }
  }

  function reserve(bytes: number): void {
    if (end + bytes <= buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, end + bytes))
    buffer.copy(larger, 0, 0, end)
    buffer = larger
  }

  function stamp(time: number): void {
    if (time === lastTime) return
    head = Buffer.from(`{"@timestamp":"${new Date(time).toISOString()}"`)
    lastTime = time
  }

  function finish(at: number, source: Rendered, tail: Buffer, offset: number): number {
    buffer.set(tail, at)
    at += tail.length
    if (source.located) at += buffer.latin1Write(`${offset}}}\n`, at)
    end = at
    return at
  }

  return {
    begin(source, into, anyFields = false) {
      if (
        rendered?.constants !== source.constants ||
        rendered.located !== (source.id !== '' && isMap(source.constants['log']))
      ) {
        rendered = render(source)
        writesConstants = writes === 'any' || rendered.keys.some(k => writes.has(k))
      }
      mayCollide = writesConstants || anyFields
      buffer = into
      end = 0
    },
    // One flat text is stringified per record and everything else copied from bytes that are ready: joining the pieces
    // as text first costs half as much again (bench/encode.ts).
    add(event, cursor) {
      const source = rendered!
      stamp(timeOf(cursor))
      const special = collides(event, source.keys) ? resolve(event, source) : undefined
      const json = withoutLoneSurrogates(JSON.stringify(special === undefined ? event : special.own))
      const tail = special === undefined ? source.tail : special.tail
      reserve(head.length + json.length * 3 + tail.length + 20)
      let at = end
      buffer.set(head, at)
      at += head.length
      if (json !== '{}') {
        // Its opening brace becomes the comma after the time; its closing one is written over by the tail.
        const n = buffer.utf8Write(json, at)
        buffer[at] = COMMA
        at += n - 1
      }
      return finish(at, source, tail, cursor.offset)
    },
    reserve: bytes => reserve(bytes + HEAD + rendered!.tail.length + 20),
    close(at, time, offset) {
      stamp(time)
      if (head.length !== HEAD) return -1
      buffer.set(head, end)
      return finish(at, rendered!, rendered!.tail, offset)
    },
    get end() {
      return end
    },
    rewind(to) {
      end = to
    },
    get buffer() {
      return buffer
    }
  }
}
