// Reach and rights at each output: its own first contact, and what Elasticsearch says that the account may do.
import { userInfo } from 'node:os'
import type { Context, Output } from '../../core/component.ts'
import { describe, errnoOf, YarderError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { missingRights } from '../../output/elasticsearch/rights.ts'
import type { RightsOptions } from '../../output/elasticsearch/rights.ts'
import type { OutputUnit } from '../components.ts'
import { findingsOf, word } from './finding.ts'
import type { Finding } from './finding.ts'
import { outputFileFindings } from './host.ts'
import { curlWords, handshake, listening, lookAt } from './look.ts'
import type { Manners, Way } from './look.ts'

const { ok, problem } = findingsOf('outputs')

/** `contextOf` makes the context of an output; what it warns about goes to the log given. */
export type OutputContext = (name: string, log: Log) => Context

/** What one output comes to; never rejects. The signal bounds all of it. */
export async function outputFindings(
  unit: OutputUnit,
  contextOf: OutputContext,
  signal: AbortSignal
): Promise<Finding[]> {
  const warned: string[] = []
  let told = ''
  const log = hears((level, data, message) => {
    if (level !== 'info') warned.push(message)
    else if (message === 'Connected.')
      told = [data['product'], data['version']].filter(v => typeof v === 'string').join(' ')
  })
  const context = contextOf(unit.name, log)
  let output: Output | undefined
  let target: string | undefined
  try {
    output = unit.build(context) as Output
    target = output.target
    if ((unit.type as string) === 'file')
      return outputFileFindings(
        unit.name,
        target ?? String((unit.options as { path: unknown }).path),
        userInfo().username
      )
    if (output.probe === undefined) return [ok(`${unit.name}: ${unit.type}, nothing to be reached`)]
    await (output.examine?.(signal) ?? output.probe(signal))
    const way = wayTo(unit, target, context.configDir, '')
    const found = warned.map(text => problem(`${unit.name}: ${target ?? unit.type}: ${text}`, lookAt(way)))
    if (found.length > 0) return found
    const missing = await rights(unit, way, context, signal)
    return [ok(`${unit.name}: ${target ?? unit.type} ${reached(unit, told)}`), ...missing]
  } catch (error) {
    const text = describe(error)
    const mend = target === undefined ? undefined : remedy(error, wayTo(unit, target, context.configDir, text))
    return [problem(`${unit.name}: ${text}`, mend)]
  } finally {
    await output?.close()
  }
}

async function rights(unit: OutputUnit, way: Way, context: Context, signal: AbortSignal): Promise<Finding[]> {
  if ((unit.type as string) !== 'elasticsearch') return []
  const missing = await missingRights(unit.options as RightsOptions, context.configDir, signal)
  if (missing === undefined || missing.privileges.length === 0) return []
  const { user, index, privileges } = missing
  return [
    problem(
      `${unit.name}: ${user} may not ${privileges.join(', ')} on ${index}`,
      `curl -X PUT -H 'content-type: application/json' ${curlWords(way, new URL('_security/role/yarder', missing.url), 'elastic').join(' ')} -d ` +
        `'{"cluster":["monitor"],"indices":[{"names":["${index}"],"privileges":["create_doc","auto_configure"]}]}'`
    )
  ]
}

/** What to run to see more, or to mend it when that is known. */
function remedy(error: unknown, way: Way): string {
  const errno = errnoOf(error)
  const text = describe(error)
  if (error instanceof YarderError && error.code === 'STORAGE') return 'ls -l /etc/yarder'
  if (/CERT|SELF_SIGNED|SSL|TLS|ERR_TLS|ISSUER/.test(errno) || /certificate|self-signed/i.test(text))
    return handshake(way)
  const name = /\b(?:ENOTFOUND|EAI_AGAIN) ([^\s;]+)/.exec(text)?.[1]
  if (name !== undefined) return `getent hosts ${word(name)}`
  if (error instanceof YarderError && error.code === 'PROTOCOL' && !way.target.startsWith('http')) return handshake(way)
  // It may be a proxy that refused.
  const [, host, port] = /ECONNREFUSED (\S+):(\d+)/.exec(text) ?? []
  return host === undefined ? lookAt(way) : listening(host, port!)
}

/** How to get to the host that the text is about; else to the first of `https://a:9200/, https://b:9200/`. */
function wayTo(unit: OutputUnit, target: string | undefined, configDir: string, text: string): Way {
  const all = (target ?? '').split(', ')
  const options = unit.options as Manners & { readonly hosts?: readonly string[]; readonly url?: readonly URL[] }
  return { target: all.find(one => text.includes(one)) ?? all[0]!, options: withUser(options), configDir }
}

/** A user in the address comes before the one beside it. */
function withUser(o: Manners & { readonly hosts?: readonly unknown[]; readonly url?: readonly URL[] }): Manners {
  const first = o.url?.[0]?.href ?? o.hosts?.[0]
  if (typeof first !== 'string' || !URL.canParse(first)) return o
  const { username, password } = new URL(first)
  // A name without a password may be a token.
  return password === '' ? o : { ...o, username: decodeURIComponent(username) }
}

/** What is known when nothing was refused. */
function reached(unit: OutputUnit, told: string): string {
  const type: string = unit.type
  if (type === 'elasticsearch') return told === '' ? 'answers' : `answers: ${told}`
  if ((unit.options as Manners).protocol === 'udp') return 'refuses nothing; more UDP does not tell'
  const only = type === 'logstash' ? 'connects, and does not object to the first words' : 'connects'
  return `${only}; that it takes records shows with the first one`
}

type Heard = (level: 'error' | 'warn' | 'info', data: Record<string, unknown>, message: string) => void

/** A log that only hands on what is said. */
function hears(hear: Heard): Log {
  const log: Log = {
    error: (data, message) => hear('error', data, message),
    warn: (data, message) => hear('warn', data, message),
    info: (data, message) => hear('info', data, message),
    debug() {},
    debugs: false,
    child: () => log
  }
  return log
}
