// Options that are one text, one of a few, or something a text stands for.
import { ConditionError, compileCondition } from '../condition.ts'
import type { Condition } from '../condition.ts'
import { parseFieldRef } from '../event.ts'
import { compileTemplate } from '../template.ts'
import type { Template } from '../template.ts'
import { field, rule, show } from './kind.ts'
import type { Extra, Field } from './kind.ts'

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

/** One of a closed set. With `words`, other names of the same are taken too, and all of them in any case. */
export const choice = <const C extends readonly string[]>(
  choices: C,
  doc: string,
  { words, ...extra }: Extra<C[number]> & { words?: Readonly<Record<string, C[number]>> } = {}
): Field<C[number]> => {
  const named = (word: string): C[number] | undefined => {
    if (choices.includes(word)) return word
    const lower = word.toLowerCase()
    if (words === undefined) return undefined
    return choices.includes(lower) ? lower : Object.hasOwn(words, lower) ? words[lower] : undefined
  }
  return rule<C[number]>(
    doc,
    choices.map(c => `\`${c}\``).join(' | '),
    { enum: words === undefined ? choices : [...choices, ...Object.keys(words)] },
    `one of ${choices.join(', ')}`,
    v => (typeof v === 'string' || typeof v === 'boolean' ? named(String(v)) : undefined),
    {
      ...extra,
      ...(words === undefined ? {} : { limits: `taken too: ${Object.keys(words).join(', ')}, and upper case` })
    }
  )
}

/** What loggers call the levels of syslog. */
export const LEVEL_WORDS = {
  emergency: 'emerg',
  panic: 'emerg',
  critical: 'crit',
  fatal: 'crit',
  error: 'err',
  warn: 'warning',
  information: 'info'
} as const

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
    { type: 'string', format: 'uri', ...(extra.secret === true ? { writeOnly: true } : {}) },
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
    { type: 'object', $ref: '#/$defs/condition' },
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
