// Records to JSON bytes: what is the same for a source is rendered once, the rest per record.
import { isMap } from '../core/field.ts'
import { REMOVED, timeOf } from '../core/event.ts'
import type { Cursor, Event } from '../core/event.ts'
import type { Source } from '../core/component.ts'

/** Writes documents of one batch after the other into a buffer that grows with the largest. */
export interface Encoder {
  /** Starts a batch of this source, writing into `into` (which may be replaced by a larger one: see `buffer`). */
  begin(source: Source, into: Buffer): void
  /** Appends one document and its '\n'; returns the end of the document in `buffer`. */
  add(event: Event, cursor: Cursor): number
  /** Forgets what was written past `end`: an interrupted slice is run again. */
  rewind(end: number): void
  readonly buffer: Buffer
}

interface Rendered {
  constants: Readonly<Event>
  keys: string[]
  /** Closes a document: the constants, and `log.offset` where the source has places. */
  tail: string
  afterOffset: string
  located: boolean
}

/** Renders the end of every document of a source: `,"host":{…},"log":{"file":{…},"offset":` + offset + `}}\n`. */
function render(source: Source): Rendered {
  const { log, ...others } = source.constants
  const located = source.id !== '' && isMap(log)
  const fixed = JSON.stringify(located ? others : source.constants).slice(1, -1)
  const start = fixed === '' ? '' : `,${fixed}`
  return {
    constants: source.constants,
    keys: Object.keys(source.constants),
    located,
    tail: located ? `${start},"log":${JSON.stringify(log).slice(0, -1)},"offset":` : start,
    afterOffset: located ? '}}\n' : '}\n'
  }
}

/** A record's own fields over the source's constants: objects are merged, a plain value beside an object becomes its `value`. */
function merge(constant: unknown, own: unknown): unknown {
  if (own === undefined) return constant
  if (!isMap(constant)) return own
  if (!isMap(own)) return { ...constant, value: own }
  const out: Event = { ...constant }
  for (const [key, value] of Object.entries(own))
    out[key] = Object.hasOwn(constant, key) ? merge(constant[key], value) : value
  return out
}

/**
 * JSON.stringify writes a lone surrogate (which a JSON line can bring in as `"\ud800"`) as an escape; Elasticsearch and
 * Logstash refuse or mangle it, so it becomes U+FFFD. A `\\` pair is consumed whole so that text about escapes stays.
 */
const replaceLoneSurrogates = (json: string): string =>
  json.replace(/\\(?:\\|ud[89a-f][0-9a-f]{2})/g, m => (m === '\\\\' ? m : '\\ufffd'))

/**
 * `writes` are the top-level fields the pipeline's steps may write: when none is the name of a constant, the constants
 * need no look-up per record.
 */
export function createEncoder(writes: ReadonlySet<string> | 'any'): Encoder {
  let rendered: Rendered | undefined
  let mayCollide = true
  let buffer: Buffer = Buffer.alloc(0)
  let end = 0
  let lastTime = NaN
  let stamp = ''

  function body(event: Event, source: Rendered): { json: string; tail: string } {
    if (mayCollide) {
      for (const key of source.keys) if (event[key] !== undefined) return collided(event, source)
    }
    return { json: JSON.stringify(event), tail: source.tail }
  }

  function collided(event: Event, source: Rendered): { json: string; tail: string } {
    const own: Event = {}
    for (const [key, value] of Object.entries(event)) if (value !== REMOVED) own[key] = value
    const constants: Event = {}
    for (const key of source.keys) {
      if (event[key] !== REMOVED) constants[key] = merge(source.constants[key], own[key])
      delete own[key]
    }
    const log = source.located ? constants['log'] : undefined
    if (log !== undefined) delete constants['log']
    const rest = JSON.stringify(constants).slice(1, -1)
    const start = rest === '' ? '' : `,${rest}`
    if (!source.located) return { json: JSON.stringify(own), tail: start }
    const { offset: _, ...logFields } = isMap(log) ? log : {}
    const opened = JSON.stringify(logFields).slice(0, -1)
    return { json: JSON.stringify(own), tail: `${start},"log":${opened}${opened === '{' ? '' : ','}"offset":` }
  }

  return {
    begin(source, into) {
      if (
        rendered?.constants !== source.constants ||
        rendered.located !== (source.id !== '' && isMap(source.constants['log']))
      ) {
        rendered = render(source)
        mayCollide = writes === 'any' || rendered.keys.some(k => writes.has(k))
      }
      buffer = into
      end = 0
    },
    add(event, cursor) {
      const source = rendered!
      const time = timeOf(cursor)
      if (time !== lastTime) {
        stamp = new Date(time).toISOString()
        lastTime = time
      }
      let { json, tail } = body(event, source)
      if (writes === 'any' && json.includes('\\ud')) json = replaceLoneSurrogates(json)
      const fields = json === '{}' ? '' : `,${json.slice(1, -1)}`
      const close = source.located ? cursor.offset + source.afterOffset : source.afterOffset
      const text = `{"@timestamp":"${stamp}"${fields}${tail}${close}`
      const most = text.length * 3
      if (end + most > buffer.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, end + most))
        buffer.copy(larger, 0, 0, end)
        buffer = larger
      }
      end += buffer.utf8Write(text, end)
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
