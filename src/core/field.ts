// The kinds of options a component can declare: each reads, checks and documents itself.
import { compileCondition, ConditionError } from './condition.ts'
import type { Condition } from './condition.ts'
import { parseFieldRef } from './event.ts'
import type { Rate } from './rate.ts'
import { didYouMean } from './spelling.ts'
import { compileTemplate } from './template.ts'
import type { Template } from './template.ts'

export { didYouMean }

/** Collects what is wrong; `path` is relative to the option (`''` itself, `[2]`, `.key`). */
export type Report = (path: string, message: string) => void

export interface Field<T> {
  /** What it is for; a sentence that ends with a period. Shown to users. */
  readonly doc: string
  /** The kind of value in words, for the reference: `duration`, `list of string`. */
  readonly type: string
  /** The default as it would be written in YAML; absent when the option is required or `optional`. */
  readonly default?: unknown
  readonly optional?: boolean
  /** Its value is never shown: not in messages, dumps, logs. */
  readonly secret?: boolean
  /** Still read, but says what to use instead. */
  readonly deprecated?: string
  readonly example?: unknown
  /** Limits and choices in words, for the reference. */
  readonly limits?: string
  /** JSON Schema of the value, for editors. */
  readonly json: Record<string, unknown>
  /** Options of the map it takes, for the reference. */
  readonly fields?: Fields
  /** Checks and converts; reports every error and returns undefined when there was one. */
  read(value: unknown, report: Report): T | undefined
}

// `any` in the one place where TypeScript has no other word for "a field of whatever".
// oxlint-disable-next-line typescript/no-explicit-any
export type Fields = Record<string, Field<any>>
export type Values<F extends Fields> = { [K in keyof F]: F[K] extends Field<infer T> ? T : never }

interface Extra<T> {
  default?: T | string | number
  example?: unknown
  secret?: boolean
  deprecated?: string
}

const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

/** A text as it can stand in a YAML list in brackets, whatever it holds. */
const quoted = (text: string): string =>
  /^(?!(?:true|false|null)$)[A-Za-z/][\w./-]*$/.test(text) ? text : `'${text.replaceAll("'", "''")}'`

function field<T>(
  doc: string,
  type: string,
  json: Record<string, unknown>,
  read: Field<T>['read'],
  extra: Extra<T> & { limits?: string; fields?: Fields } = {}
): Field<T> {
  return { ...extra, doc, type, json, read }
}

/** A test with its rule: `must be RULE, got VALUE`. `convert` returns undefined when the value doesn't fit. */
function rule<T>(
  doc: string,
  type: string,
  json: Record<string, unknown>,
  must: string,
  convert: (v: unknown) => T | undefined,
  extra: Extra<T> & { limits?: string } = {}
): Field<T> {
  return field(
    doc,
    type,
    json,
    (value, report) => {
      const result = convert(value)
      if (result === undefined) report('', `must be ${must}, got ${extra.secret === true ? '***' : show(value)}`)
      return result
    },
    extra
  )
}

/** Text. Numbers and booleans are taken as they would print, since YAML makes them of bare words. */
export const string = (
  doc: string,
  extra: Extra<string> & { pattern?: Pick<RegExp, 'test'>; must?: string } = {}
): Field<string> =>
  rule(
    doc,
    extra.secret === true ? 'secret' : 'string',
    { type: ['string', 'number', 'boolean'], ...(extra.secret === true ? { writeOnly: true } : {}) },
    extra.must ?? 'a non-empty text',
    v => {
      const text = typeof v === 'string' ? v : typeof v === 'number' || typeof v === 'boolean' ? String(v) : ''
      return text !== '' && (extra.pattern === undefined || extra.pattern.test(text)) ? text : undefined
    },
    extra
  )

/** Text that may be empty, such as what replaces a match. */
export const text = (doc: string, extra: Extra<string> = {}): Field<string> =>
  rule(
    doc,
    'string',
    { type: ['string', 'number', 'boolean'] },
    'a text',
    v => (typeof v === 'string' ? v : typeof v === 'number' || typeof v === 'boolean' ? String(v) : undefined),
    extra
  )

/** A text that is never shown again. Write it as `${file:/path}` or `${VAR}` in the config. */
export const secret = (doc: string): Field<string> => string(doc, { secret: true })

const TRUE = ['yes', '1', 'true', 'on']
const FALSE = ['no', '0', 'false', 'off']

/** true or false; also yes/no, on/off, 1/0 in any case with blanks around, as environment variables have them. */
export const boolean = (doc: string, extra: Extra<boolean> = {}): Field<boolean> =>
  rule(
    doc,
    'boolean',
    { type: ['boolean', 'string', 'integer'] },
    'true or false',
    v => {
      if (typeof v === 'boolean') return v
      const word = typeof v === 'string' || typeof v === 'number' ? String(v).trim().toLowerCase() : ''
      return TRUE.includes(word) ? true : FALSE.includes(word) ? false : undefined
    },
    extra
  )

interface Limits {
  min?: number | string
  max?: number | string
}

/** A parsed unit and its limits, in one rule: `must be a duration such as … , at least 10ms`. */
function measured<T extends number>(
  doc: string,
  type: string,
  json: Record<string, unknown>,
  what: string,
  parse: (v: unknown) => number | undefined,
  extra: Extra<T> & Limits
): Field<number> {
  const min = extra.min === undefined ? -Infinity : parse(extra.min)!
  const max = extra.max === undefined ? Infinity : parse(extra.max)!
  const limits = [
    extra.min === undefined ? '' : `at least ${extra.min}`,
    extra.max === undefined ? '' : `at most ${extra.max}`
  ]
    .filter(s => s !== '')
    .join(', ')
  const must = limits === '' ? what : `${what}, ${limits}`
  return rule<number>(
    doc,
    type,
    json,
    must,
    v => {
      const n = parse(v)
      return n !== undefined && n >= min && n <= max ? n : undefined
    },
    { ...extra, ...(limits === '' ? {} : { limits }) } as Extra<number> & { limits?: string }
  )
}

const numeric = (v: unknown): number | undefined => {
  const n =
    typeof v === 'number'
      ? v
      : typeof v === 'string' && /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(v.trim())
        ? Number(v)
        : NaN
  return Number.isFinite(n) ? n : undefined
}

export const number = (doc: string, extra: Extra<number> & Limits = {}): Field<number> =>
  measured(doc, 'number', { type: 'number' }, 'a number', numeric, extra)

export const integer = (doc: string, extra: Extra<number> & Limits = {}): Field<number> =>
  measured(
    doc,
    'integer',
    { type: 'integer' },
    'a whole number',
    v => {
      const n = numeric(v)
      return n !== undefined && Number.isSafeInteger(n) ? n : undefined
    },
    extra
  )

const UNITS_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** Milliseconds of `500ms`, `5s`, `1m30s`, `2h`, `7d`; undefined when it is none. A bare 0 is taken, other bare numbers are not. */
export function parseDuration(v: unknown): number | undefined {
  if (v === 0 || v === '0') return 0
  if (typeof v !== 'string') return undefined
  const text = v.trim()
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d|w))+$/.test(text)) return undefined
  let ms = 0
  for (const m of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)) ms += Number(m[1]) * UNITS_MS[m[2]!]!
  return ms
}

/** Past the field it is milliseconds. */
export const duration = (doc: string, extra: Extra<number> & Limits = {}): Field<number> =>
  measured(
    doc,
    'duration',
    { type: ['string', 'integer'], pattern: '^(0|(\\d+(\\.\\d+)?(ms|s|m|h|d|w))+)$' },
    'a duration such as "500ms", "5s" or "1m"',
    parseDuration,
    extra
  )

const UNITS_BYTES: Record<string, number> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4
}

/** Bytes of `10MiB`, `64KiB`, `1MB`, or a bare number of bytes. */
export function parseSize(v: unknown): number | undefined {
  if (typeof v === 'number') return Number.isSafeInteger(v) && v >= 0 ? v : undefined
  const m = typeof v === 'string' ? /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(v.trim()) : null
  const unit = m === null ? undefined : UNITS_BYTES[m[2]!.toLowerCase()]
  return unit === undefined ? undefined : Math.round(Number(m![1]) * unit)
}

/** Past the field it is bytes. */
export const size = (doc: string, extra: Extra<number> & Limits = {}): Field<number> =>
  measured(doc, 'size', { type: ['string', 'integer'] }, 'a size such as "64KiB", "10MiB" or 4096', parseSize, extra)

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600 }

/** `1000/s` records, `2MiB/s` bytes, also by the minute and hour; undefined when it is none. */
export function parseRate(v: unknown): Rate | undefined {
  const m = typeof v === 'string' ? /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*\/\s*([smh])$/.exec(v.trim()) : null
  if (m === null) return undefined
  const amount = m[2] === '' ? Number(m[1]) : parseSize(`${m[1]}${m[2]}`)
  if (amount === undefined || amount <= 0) return undefined
  return { unit: m[2] === '' ? 'records' : 'bytes', perSecond: amount / SECONDS[m[3]!]! }
}

/** Past the field it is records or bytes a second. */
export const rate = (doc: string, extra: { example?: string } = {}): Field<Rate> =>
  rule(doc, 'rate', { type: 'string' }, 'a rate such as "1000/s", "5000/m" or "2MiB/s"', parseRate, extra)

/** One of a closed set. */
export const choice = <const C extends readonly string[]>(
  choices: C,
  doc: string,
  extra: Extra<C[number]> = {}
): Field<C[number]> =>
  rule<C[number]>(
    doc,
    choices.map(c => `\`${c}\``).join(' | '),
    { enum: choices },
    `one of ${choices.join(', ')}`,
    v =>
      typeof v === 'string' && choices.includes(v)
        ? v
        : typeof v === 'boolean' && choices.includes(String(v))
          ? String(v)
          : undefined,
    extra
  )

/** A JavaScript regular expression; Python's `(?P<name>…)` is understood. */
export const regex = (doc: string, extra: Extra<RegExp> & { flags?: string } = {}): Field<RegExp> =>
  field(
    doc,
    'regex',
    { type: 'string', format: 'regex' },
    (v, report) => {
      if (typeof v !== 'string' || v === '') return void report('', `must be a regular expression, got ${show(v)}`)
      try {
        return new RegExp(v.replaceAll('(?P<', '(?<'), extra.flags ?? '')
      } catch (error) {
        return void report(
          '',
          `must be a regular expression: ${(error as Error).message.replace(/^Invalid regular expression: /, '')}`
        )
      }
    },
    extra
  )

/** An address such as `http://host:9200/path`. */
export const url = (doc: string, extra: Extra<URL> & { protocols?: string[] } = {}): Field<URL> => {
  const protocols = extra.protocols ?? ['http', 'https']
  const named = protocols.length === 1 ? protocols[0]! : `${protocols.slice(0, -1).join(', ')} or ${protocols.at(-1)}`
  return rule(
    doc,
    'url',
    { type: 'string', format: 'uri' },
    `a ${named} URL`,
    v => {
      const parsed = typeof v === 'string' && URL.canParse(v) ? new URL(v) : undefined
      return parsed !== undefined && protocols.includes(parsed.protocol.slice(0, -1)) && parsed.hostname !== ''
        ? parsed
        : undefined
    },
    extra
  )
}

export interface HostPort {
  host: string
  port: number
}

/** `host:port`, `[::1]:port`; the port may be left out when the field has one by default. */
export const hostPort = (doc: string, extra: Extra<HostPort> & { defaultPort?: number } = {}): Field<HostPort> =>
  rule(
    doc,
    'host:port',
    { type: 'string' },
    extra.defaultPort === undefined
      ? 'an address such as "127.0.0.1:9680"'
      : `an address such as "127.0.0.1" or "127.0.0.1:${extra.defaultPort}"`,
    v => {
      const m = typeof v === 'string' ? /^(?:\[([0-9A-Fa-f:.%\w]+)\]|([^:\s/@]+))(?::(\d{1,5}))?$/.exec(v.trim()) : null
      const port = m === null ? NaN : m[3] === undefined ? (extra.defaultPort ?? NaN) : Number(m[3])
      return port >= 0 && port <= 65535 ? { host: (m![1] ?? m![2])!, port } : undefined
    },
    extra
  )

/** Name of a field, `a.b` or `[a][b]`. */
export const fieldRef = (doc: string, extra: Extra<string> = {}): Field<string> =>
  rule(
    doc,
    'field',
    { type: 'string' },
    'the name of a field, such as "message", "a.b" or "[a][b]"',
    v => (typeof v === 'string' && parseFieldRef(v) !== undefined ? v : undefined),
    extra
  )

/** A text with fields in it: `app-%{service}-%{+yyyy.MM.dd}`. */
export const template = (doc: string, extra: Extra<Template> = {}): Field<Template> =>
  field(
    doc,
    'template',
    { type: 'string' },
    (v, report) => {
      if (typeof v !== 'string' || v === '')
        return void report('', `must be a text such as "logs-%{service}-%{+yyyy.MM.dd}", got ${show(v)}`)
      try {
        return compileTemplate(v)
      } catch (error) {
        return void report('', (error as Error).message)
      }
    },
    extra
  )

/** Which records: `{response: {gte: 500}}`. */
export const condition = (doc: string, extra: Extra<Condition> = {}): Field<Condition> =>
  field(
    doc,
    'condition',
    { type: 'object' },
    (v, report) => {
      try {
        return compileCondition(v)
      } catch (error) {
        if (!(error instanceof ConditionError)) throw error
        return void report(error.path === '' ? '' : `.${error.path}`, error.message)
      }
    },
    extra
  )

/** Any YAML value; the component looks at it itself. */
export const anything = (doc: string, extra: Extra<unknown> = {}): Field<unknown> =>
  field(doc, 'any', {}, v => v, extra)

/** A list of one kind. */
export const list = <T>(
  item: Field<T>,
  doc: string,
  extra: { default?: readonly unknown[]; example?: unknown; min?: number } = {}
): Field<T[]> =>
  field<T[]>(
    doc,
    `list of ${item.type}`,
    { type: 'array', items: item.json, ...(extra.min === undefined ? {} : { minItems: extra.min }) },
    (v, report) => {
      if (!Array.isArray(v))
        return void report('', `must be a list, got ${show(v)}${typeof v === 'string' ? `; write [${quoted(v)}]` : ''}`)
      if (v.length < (extra.min ?? 0))
        return void report('', `must have at least ${extra.min} item${extra.min === 1 ? '' : 's'}`)
      let good = true
      const out = v.map((value, i) =>
        item.read(value, (path, message) => {
          good = false
          report(`[${i}]${path}`, message)
        })
      )
      return good ? (out as T[]) : undefined
    },
    { ...extra, ...(item.fields === undefined ? {} : { fields: item.fields }) } as Extra<T[]>
  )

/** One value or a list of them; past the field always a list. */
export const oneOrMore = <T>(
  item: Field<T>,
  doc: string,
  extra: { default?: readonly unknown[]; example?: unknown } = {}
): Field<T[]> => {
  const many = list(item, doc, { ...extra, min: 1 })
  return {
    ...many,
    type: `${item.type} or list`,
    json: { anyOf: [item.json, many.json] },
    read: (v, report) =>
      many.read(Array.isArray(v) ? v : [v], (path, message) =>
        report(Array.isArray(v) ? path : path.replace(/^\[0\]/, ''), message)
      )
  }
}

/** A map whose keys the user chooses. */
export const map = <T>(
  item: Field<T>,
  doc: string,
  extra: { default?: Record<string, unknown>; example?: unknown; min?: number } = {}
): Field<Record<string, T>> =>
  field<Record<string, T>>(
    doc,
    `map of ${item.type}`,
    { type: 'object', additionalProperties: item.json },
    (v, report) => {
      if (!isMap(v)) return void report('', `must be a map, got ${show(v)}`)
      if (Object.keys(v).length < (extra.min ?? 0)) return void report('', 'must have at least one entry')
      let good = true
      const out: Record<string, T> = {}
      for (const [key, value] of Object.entries(v)) {
        const read = item.read(value, (path, message) => {
          good = false
          report(`.${key}${path}`, message)
        })
        if (read !== undefined) out[key] = read
      }
      return good ? out : undefined
    },
    { ...extra, ...(item.fields === undefined ? {} : { fields: item.fields }) } as Extra<Record<string, T>>
  )

/** A map of named options. */
export const object = <F extends Fields>(
  fields: F,
  doc: string,
  extra: { default?: Record<string, unknown>; example?: unknown } = {}
): Field<Values<F>> =>
  field<Values<F>>(
    doc,
    'options',
    jsonSchemaOf(fields),
    (v, report) => readFields(fields, v, (path, message) => report(path === '' ? '' : `.${path}`, message)),
    { ...extra, fields } as Extra<Values<F>> & { fields: Fields }
  )

/** May be left out; past the field it is undefined then. */
export const optional = <T>(inner: Field<T>): Field<T | undefined> =>
  ({ ...inner, optional: true }) as Field<T | undefined>

/** The first kind that takes the value; when none does, the error of the last. */
export const either = <A, B>(
  first: Field<A>,
  second: Field<B>,
  doc: string,
  extra: { default?: unknown; example?: unknown } = {}
): Field<A | B> =>
  field<A | B>(
    doc,
    `${first.type} or ${second.type}`,
    { anyOf: [first.json, second.json] },
    (v, report) => {
      let good = true
      const taken = first.read(v, () => {
        good = false
      })
      return good ? taken : second.read(v, report)
    },
    extra as Extra<A | B>
  )

export const isMap = (v: unknown): v is Record<string, unknown> =>
  typeof v === 'object' && v !== null && !Array.isArray(v)

/** JSON Schema of a map of options. */
export function jsonSchemaOf(fields: Fields): Record<string, unknown> {
  const properties: Record<string, unknown> = {}
  const required: string[] = []
  for (const [name, f] of Object.entries(fields)) {
    properties[name] = {
      ...f.json,
      description: f.doc,
      ...(f.default === undefined ? {} : { default: f.default }),
      ...(f.deprecated === undefined ? {} : { deprecated: true })
    }
    if (f.default === undefined && f.optional !== true) required.push(name)
  }
  return { type: 'object', properties, additionalProperties: false, ...(required.length > 0 ? { required } : {}) }
}

/**
 * Reads a map of options: every unknown key, missing option and wrong value is reported (`path` is the option, `''`
 * the map itself). Returns undefined when anything was wrong.
 */
export function readFields<F extends Fields>(fields: F, value: unknown, report: Report): Values<F> | undefined {
  const given = value === null || value === undefined ? {} : value
  if (!isMap(given)) return void report('', `must be a map of options, got ${show(given)}`)
  let good = true
  const fault = (path: string, message: string): void => {
    good = false
    report(path, message)
  }
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(fields, key)) fault(key, `unknown option${didYouMean(key, Object.keys(fields))}`)
  }
  const out: Record<string, unknown> = {}
  for (const [name, f] of Object.entries(fields)) {
    const present = Object.hasOwn(given, name) && given[name] !== undefined
    if (!present && f.optional === true && f.default === undefined) out[name] = undefined
    else if (!present && f.default === undefined) fault(name, `is required: ${f.doc}`)
    else out[name] = f.read(present ? given[name] : f.default, (path, message) => fault(name + path, message))
  }
  return good ? (out as Values<F>) : undefined
}
