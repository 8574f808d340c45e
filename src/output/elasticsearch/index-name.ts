// Which index a record goes to: by its time, with a guard against absurd dates, and by fields, confined to safe names.
import type { Records } from '../../core/component.ts'
import { compileTemplate } from '../../core/template.ts'
import type { Template } from '../../core/template.ts'

export const DEFAULT_INDEX = 'logstash-%{+yyyy.MM.dd}'

const DAY_MS = 86_400_000
/** Before this no log was written that an agent could tail: such a time is a broken clock or a wrongly read format. */
const EARLIEST_MS = Date.UTC(2000, 0, 1)
const AHEAD_MS = 2 * DAY_MS
/** Elasticsearch's limit, in bytes; our names are ASCII. */
const MAX_NAME = 255
const CACHE_ENTRIES = 1000
const HOUR_MS = 3_600_000
/** Takes the place of every field in the name of the index for what is too much. */
const OVERFLOW = 'overflow'
/** Stands for a date within a name until the (guarded) time is known. Private use, so no real name has it. */
const HOLE = '\u{E000}'

const TIME_PIECE = /%\{\s*\+([^}]*)\}/g

/** What is wrong with a template as the name of an index; '' when it is fine. */
export function indexFault(text: string): string {
  const constant = text.replace(/%\{[^}]*\}/g, '')
  const prefix = text.slice(0, text.includes('%{') ? text.indexOf('%{') : undefined)
  if (prefix === '') return 'must begin with a constant text, so that no line of a log can choose any index it likes'
  if (constant !== constant.toLowerCase()) return 'must be in lower case; the names of indices are'
  if (!/^[a-z0-9]/.test(prefix)) return 'must begin with a letter or a digit'
  const odd = /[^a-z0-9._+-]/.exec(constant)
  if (odd !== null) return `must not have "${odd[0]}" in it; only a-z 0-9 . _ + - may stand in the name of an index`
  return ''
}

/** A rendered name as the server takes it: lower case, only safe characters, not too long. */
export function confine(name: string): string {
  const slug = name.toLowerCase().replace(/[^a-z0-9._+\u{E000}-]/gu, '_')
  return slug.length <= MAX_NAME - 64 ? slug : slug.slice(0, MAX_NAME - 64)
}

export class IndexNames {
  /** The template the pipeline must render for each record; undefined when the time alone decides. */
  readonly key: Template | undefined
  /** Records whose time was absurd and gave way to that of their arrival. */
  absurd = 0
  /** Called for the first of them, with both times in milliseconds. */
  onAbsurd: ((time: number, arrival: number) => void) | undefined
  /** Records that would have made more names of their fields in an hour than are allowed. */
  overflows = 0
  /** Called for the first of each hour with the part of the name that was refused. */
  onOverflow: ((refused: string) => void) | undefined
  readonly #template: Template
  readonly #times: Template
  readonly #granularity: number
  readonly #cache = new Map<string, { bucket: number; name: string }>()
  readonly #most: number
  readonly #elapsed: () => number
  readonly #overflow: string
  /** What fields have made of names in this hour. */
  readonly #admitted = new Set<string>()
  #hour = NaN
  #told = false
  #lastBucket = NaN
  #lastKey = ''
  #lastName = ''

  /** `most` names an hour may be made of fields; `elapsed` are monotonic milliseconds. */
  constructor(template: Template, most = Infinity, elapsed = (): number => 0) {
    this.#template = template
    this.#most = most
    this.#elapsed = elapsed
    this.#overflow = template.text.replace(TIME_PIECE, HOLE).replace(/%\{[^}]*\}/g, OVERFLOW)
    const pieces = [...template.text.matchAll(TIME_PIECE)].map(m => m[1]!)
    this.#granularity = pieces.length === 0 ? Infinity : /[Hms]/.test(pieces.join('')) ? 1000 : DAY_MS
    this.key = template.timeOnly ? undefined : compileTemplate(template.text.replace(TIME_PIECE, HOLE))
    this.#times = compileTemplate(pieces.length === 0 ? ' ' : pieces.map(p => `%{+${p}}`).join(HOLE))
  }

  /** The index of a record; the same text object while nothing changes, so that callers can compare cheaply. */
  of(records: Records, row: number): string {
    if (this.key !== undefined) this.#turnHour()
    const ms = this.#guarded(records, row)
    const bucket = this.#granularity === Infinity ? 0 : Math.floor(ms / this.#granularity)
    const key = this.key === undefined ? '' : this.#admit(records.keys.get(this.key.text)?.[row] ?? '')
    if (bucket === this.#lastBucket && key === this.#lastKey) return this.#lastName
    this.#lastBucket = bucket
    this.#lastKey = key
    return (this.#lastName = this.#cached(bucket, key, ms))
  }

  #turnHour(): void {
    const hour = Math.floor(this.#elapsed() / HOUR_MS)
    if (hour === this.#hour) return
    this.#hour = hour
    this.#told = false
    this.#admitted.clear()
  }

  /** Each name is an index, which costs the cluster memory for good: a log must not be able to make them at will. */
  #admit(key: string): string {
    if (key === this.#lastKey || this.#admitted.has(key)) return key
    if (this.#admitted.size < this.#most) {
      this.#admitted.add(key)
      return key
    }
    this.overflows++
    if (!this.#told) this.onOverflow?.(confine(key).replaceAll(HOLE, '*'))
    this.#told = true
    return this.#overflow
  }

  #guarded(records: Records, row: number): number {
    const ms = records.times[row]!
    const { arrival } = records.batch
    // The arrival is kept with the range, so a resend decides the same.
    if (ms >= EARLIEST_MS && ms <= arrival + AHEAD_MS) return ms
    if (this.#granularity !== Infinity && this.absurd++ === 0) this.onAbsurd?.(ms, arrival)
    return arrival
  }

  #cached(bucket: number, key: string, ms: number): string {
    const known = this.#cache.get(key)
    if (known !== undefined && known.bucket === bucket) return known.name
    const name = this.key === undefined ? this.#template.at(ms) : this.#filled(key, ms)
    if (this.#cache.size >= CACHE_ENTRIES) this.#cache.clear()
    this.#cache.set(key, { bucket, name })
    return name
  }

  #filled(key: string, ms: number): string {
    const texts = this.#granularity === Infinity ? [] : this.#times.at(ms).split(HOLE)
    const slug = confine(key)
    // A field may carry a hole of its own, and a cut name may have lost one: the date then goes where the holes are, or last.
    let next = 0
    const name = slug.replaceAll(HOLE, () => texts[next++] ?? '_')
    return next < texts.length ? `${name}-${texts.slice(next).join('-')}` : name
  }
}
