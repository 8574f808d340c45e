// A record as one syslog message, by RFC 5424 or in the older form of RFC 3164. Nothing in a record can begin a second one.
import type { Records } from '../../core/component.ts'
import { fieldReader } from '../../core/event.ts'
import type { Cursor, Event } from '../../core/event.ts'
import { startOf } from '../../core/parcel.ts'
import { textOf } from '../../core/template.ts'
import type { Template } from '../../core/template.ts'
import { facilityOf, severityOf } from './priority.ts'

export interface LineOptions {
  readonly format: 'rfc5424' | 'rfc3164'
  /** Each of these is looked for in the record itself when it is not given. */
  readonly facility: Template
  readonly severity: Template | undefined
  readonly hostname: Template | undefined
  readonly appName: Template | undefined
  readonly procId: Template | undefined
  readonly msgId: Template | undefined
  readonly structuredData:
    | { readonly id: string; readonly params: ReadonlyArray<readonly [string, Template]> }
    | undefined
  readonly content: 'message' | 'json'
  readonly template: Template | undefined
  /** A longer message is cut. */
  readonly maxBytes: number
  /** Of this machine, for records without one. */
  readonly hostName: string
  /** IANA zone of the times of RFC 3164, which name none. */
  readonly timezone: string
}

const USER = 1
const INFO = 6
const NIL = '-'

const LEVEL_FIELDS = ['log.level', 'level', 'loglevel', 'severity']
const HOST_FIELDS = ['host.hostname', 'host.name', 'host', 'logsource']
const APP_FIELDS = ['log.syslog.appname', 'program', 'process.name', 'service.name']
const PROC_FIELDS = ['log.syslog.procid', 'process.pid', 'pid']

type Read = (event: Event, cursor: Cursor) => string

/** The first of the fields that has a plain value; '' when none has. */
function firstOf(refs: readonly string[]): Read {
  const readers = refs.map(fieldReader)
  return (event, cursor) => {
    for (const read of readers) {
      const value = read(event, cursor)
      if (typeof value === 'string' ? value !== '' : typeof value === 'number') return textOf(value)
    }
    return ''
  }
}

const reading = (template: Template | undefined, refs: readonly string[]): Read =>
  template === undefined ? firstOf(refs) : (event, cursor) => template.render(event, cursor)

/** A header's word: printable ASCII without blanks, of a length the RFC allows; `-` for none. */
const word = (text: string, most: number): string => {
  const clean = text.replace(/[^\x21-\x7e]/g, '_')
  return clean === '' ? NIL : clean.length <= most ? clean : clean.slice(0, most)
}

// Controls of ASCII and of ISO 8859, and what Unicode counts as ends of lines; a tab ends nothing.
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/g

/** Written as JSON writes them, so that a document stays one. */
const escaped = (c: string): string =>
  c === '\n' ? '\\n' : c === '\r' ? '\\r' : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`

/** The text with what could end a line or trouble a terminal written out: `\n`, `\u001b`. */
export const oneLineText = (text: string): string => text.replace(CONTROLS, escaped)

export class LineMaker {
  /** Messages that were longer than allowed, so far. */
  cut = 0
  readonly #o: LineOptions
  readonly #level: Read
  readonly #host: Read
  readonly #app: Read
  readonly #proc: Read
  readonly #month: (ms: number) => string

  constructor(options: LineOptions) {
    this.#o = options
    this.#level = reading(options.severity, LEVEL_FIELDS)
    this.#host = reading(options.hostname, HOST_FIELDS)
    this.#app = reading(options.appName, APP_FIELDS)
    this.#proc = reading(options.procId, PROC_FIELDS)
    this.#month = monthTimes(options.timezone)
  }

  /** The message of a record, without framing. */
  make(records: Records, row: number): Buffer {
    const json = records.bytes.toString('utf8', startOf(records, row), records.ends[row]! - 1)
    const event = JSON.parse(json) as Event
    const time = records.times[row]!
    // All fields stand in the document; what a step took away must not come back from the constants.
    const source = { ...records.batch.source, constants: {} }
    const cursor = { source, time, arrival: records.batch.arrival, offset: records.offsets[row]!, failed: '' }
    const head = this.#o.format === 'rfc5424' ? this.#head5424(event, cursor) : this.#head3164(event, cursor)
    return this.#fitted(`${head} ${oneLineText(this.#content(json, event, cursor))}`)
  }

  #content(json: string, event: Event, cursor: Cursor): string {
    const { template, content } = this.#o
    if (template !== undefined) return template.render(event, cursor)
    const { message } = event
    return content === 'json' || typeof message !== 'string' ? json : message
  }

  #pri(event: Event, cursor: Cursor): number {
    const facility = facilityOf(this.#o.facility.render(event, cursor)) ?? USER
    const severity = severityOf(this.#level(event, cursor)) ?? INFO
    return facility * 8 + severity
  }

  #head5424(event: Event, cursor: Cursor): string {
    const { hostName, msgId } = this.#o
    return [
      `<${this.#pri(event, cursor)}>1`,
      isoTime(cursor.time),
      word(this.#host(event, cursor) || hostName, 255),
      word(this.#app(event, cursor) || 'yarder', 48),
      word(this.#proc(event, cursor), 128),
      word(msgId?.render(event, cursor) ?? '', 32),
      this.#data(event, cursor)
    ].join(' ')
  }

  #head3164(event: Event, cursor: Cursor): string {
    const host = word(this.#host(event, cursor) || this.#o.hostName, 255)
    const proc = word(this.#proc(event, cursor), 128).replace(/[[\]:]/g, '_')
    // A tag ends at the first of these.
    const tag = word(this.#app(event, cursor) || 'yarder', 48).replace(/[[\]:]/g, '_')
    const pid = proc === NIL ? '' : `[${proc}]`
    return `<${this.#pri(event, cursor)}>${this.#month(cursor.time)} ${host} ${tag}${pid}:`
  }

  #data(event: Event, cursor: Cursor): string {
    const { structuredData } = this.#o
    if (structuredData === undefined) return NIL
    let out = ''
    for (const [name, template] of structuredData.params) {
      const value = template.render(event, cursor)
      if (value !== '') out += ` ${name}="${oneLineText(value.replace(/["\\\]]/g, '\\$&'))}"`
    }
    return out === '' ? NIL : `[${structuredData.id}${out}]`
  }

  #fitted(text: string): Buffer {
    const { maxBytes } = this.#o
    const bytes = Buffer.from(text)
    if (bytes.length <= maxBytes) return bytes
    this.cut++
    let end = maxBytes
    // Never within a character.
    while ((bytes[end]! & 0xc0) === 0x80) end--
    return bytes.subarray(0, end)
  }
}

function isoTime(ms: number): string {
  const text = Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : ''
  // RFC 3339 has years of four digits.
  return text.length === 24 ? text : NIL
}

/** `Nov  2 09:05:00` in a zone. */
function monthTimes(timezone: string): (ms: number) => string {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23'
  })
  let second = NaN
  let text = ''
  return ms => {
    const now = Math.floor(ms / 1000)
    if (now === second) return text
    const parts = Object.fromEntries(format.formatToParts(now * 1000).map(p => [p.type, p.value]))
    second = now
    text = `${parts['month']} ${parts['day']!.padStart(2)} ${parts['hour']}:${parts['minute']}:${parts['second']}`
    return text
  }
}
