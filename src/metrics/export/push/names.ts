// Dotted names for StatsD and Graphite: the one place that builds them, prefix first, and the options of the prefix.
import { hostname } from 'node:os'
import type { Context } from '../../../core/component.ts'
import { OptionError } from '../../../core/errors.ts'
import * as f from '../../../core/field.ts'

/** Options of every exporter that sends dotted names. */
export const prefixFields = {
  prefix: f.text(
    'What every name begins with. `{region}` and `{environment}` are those of `agent`, `{host}` is the name of the host, `{secret}` the option of that name; in each of them dots and all but letters, digits, `_` and `-` become `_`. What it names must be set: the default needs `agent.region`.',
    { default: '{region}.{environment}.{host}', example: '{environment}.{host}' }
  ),
  secret: f.optional(
    f.string(
      'First part of every name, for receivers that take only names they know; never shown. Write it as `${file:/path}` or `${VAR}`.',
      {
        secret: true,
        pattern: /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/,
        must: 'letters, digits, _ and -, in parts that dots separate'
      }
    )
  )
}

export interface PrefixOptions {
  readonly prefix: string
  readonly secret: string | undefined
}

/** Names are at most 200 bytes for DogStatsD, so that many bytes of them are left for the metric. */
const MAX_PREFIX = 120

/**
 * The prefix with its placeholders filled in. A parent name can't be put right once there is data under it, so whatever
 * is missing throws OptionError instead of becoming a part of it.
 */
export function buildPrefix({ prefix: template, secret }: PrefixOptions, context: Context): string {
  const parts: Record<string, () => string> = {
    region: () => required(context.constants['region'], 'region', 'agent.region'),
    environment: () => required(context.constants['app_environment'], 'environment', 'agent.environment'),
    host: () => required(hostOf(context), 'host', 'the name of this host'),
    secret: () => {
      if (secret === undefined) throw new OptionError('secret', 'is required: the prefix has {secret} in it')
      return secret
    }
  }
  const filled = template.replace(/\{([^{}]*)\}/g, (whole, key: string) => {
    if (!Object.hasOwn(parts, key))
      throw new OptionError('prefix', `has an unknown placeholder ${whole}${f.didYouMean(key, Object.keys(parts))}`)
    return parts[key]!()
  })
  const prefix = secret === undefined || template.includes('{secret}') ? filled : join(secret, filled)
  if (prefix !== '' && !/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(prefix))
    throw new OptionError(
      'prefix',
      'must be parts of letters, digits, _ and -, with one dot between them, none of them empty'
    )
  if (prefix.length > MAX_PREFIX)
    throw new OptionError('prefix', `must not be longer than ${MAX_PREFIX} characters once filled in`)
  return prefix
}

function hostOf({ constants }: Context): unknown {
  const host = constants['host'] as { name?: unknown } | undefined
  return host?.name ?? hostname()
}

function required(value: unknown, key: string, from: string): string {
  if (typeof value !== 'string' || value === '')
    throw new OptionError(
      'prefix',
      `has {${key}} in it, and ${from} is not set; set it, or leave {${key}} out of the prefix`
    )
  return namePart(value)
}

/** What stands for the empty value of a label: another than what a value of signs that may not stand there becomes. */
export const EMPTY = 'none'

/** One part of a name. An empty one would make two dots, so it becomes `none`; a sign that may not stand there, `_`. */
export function namePart(text: string): string {
  if (text.length <= MAX_PART && /^[A-Za-z0-9_-]+$/.test(text)) return text
  const clean = text.slice(0, MAX_PART).replace(/[^A-Za-z0-9_-]/gu, '_')
  return clean === '' ? EMPTY : clean
}

/** Carbon makes a file or folder of each part, of at most 255 bytes with its suffix. */
const MAX_PART = 200

/** The dotted parts of a module's or metric's name; its own dots stay, empty parts go. */
const dotted = (name: string): string => {
  if (!name.includes('.')) return namePart(name)
  return name
    .split('.')
    .filter(part => part !== '')
    .map(namePart)
    .join('.')
}

const join = (...parts: readonly string[]): string => parts.filter(part => part !== '').join('.')

/**
 * A full name: prefix, the metric's name, then one part for each label value. Only `[A-Za-z0-9_.-]`, no empty part,
 * at most `most` bytes; of a longer one the end is cut.
 */
export function fullName(prefix: string, name: string, values: readonly string[], most: number): string {
  const full = join(prefix, dotted(name) || '_', ...values.map(namePart))
  return full.length <= most ? full : full.slice(0, most).replace(/\.+$/, '')
}
