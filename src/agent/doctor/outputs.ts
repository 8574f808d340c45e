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
  try {
    output = unit.build(context) as Output
    const { target } = output
    if ((unit.type as string) === 'file')
      return outputFileFindings(
        unit.name,
        target ?? String((unit.options as { path: unknown }).path),
        userInfo().username
      )
    if (output.probe === undefined) return [ok(`${unit.name}: ${unit.type}, nothing to be reached`)]
    await output.probe(signal)
    const found = warned.map(text => problem(`${unit.name}: ${target ?? unit.type}: ${text}`, lookAt(target)))
    if (found.length > 0) return found
    const missing = await rights(unit, context, signal)
    return [ok(`${unit.name}: ${target ?? unit.type} answers${told === '' ? '' : `: ${told}`}`), ...missing]
  } catch (error) {
    return [problem(`${unit.name}: ${describe(error)}`, remedy(error, output?.target))]
  } finally {
    await output?.close()
  }
}

async function rights(unit: OutputUnit, context: Context, signal: AbortSignal): Promise<Finding[]> {
  if ((unit.type as string) !== 'elasticsearch') return []
  const missing = await missingRights(unit.options as RightsOptions, context.configDir, signal)
  if (missing === undefined || missing.privileges.length === 0) return []
  const { user, index, privileges } = missing
  return [
    problem(
      `${unit.name}: ${user} may not ${privileges.join(', ')} on ${index}`,
      `curl -X PUT -u elastic -H 'content-type: application/json' ${word(`${missing.url}_security/role/yarder`)} -d ` +
        `'{"cluster":["monitor"],"indices":[{"names":["${index}"],"privileges":["create_doc","auto_configure"]}]}'`
    )
  ]
}

/** What to run to see more, or to mend it when that is known. */
function remedy(error: unknown, target: string | undefined): string {
  const errno = errnoOf(error)
  const text = describe(error)
  const { host, port } = addressIn(target)
  if (/CERT|SELF_SIGNED|SSL|TLS|ERR_TLS|ISSUER/.test(errno) || /certificate|self-signed/i.test(text))
    return `openssl s_client -connect ${word(`${host}:${port}`)} -servername ${word(host)} -showcerts </dev/null`
  if (/^(?:ENOTFOUND|EAI_AGAIN)$/.test(errno)) return `getent hosts ${word(host)}`
  if (/\b401\b|\b403\b/.test(text)) return lookAt(target)
  // It may be a proxy that refused.
  if (errno === 'ECONNREFUSED') return `ss -ltn 'sport = :${/ECONNREFUSED \S+:(\d+)/.exec(text)?.[1] ?? port}'`
  if (error instanceof YarderError && error.code === 'STORAGE') return 'ls -l /etc/yarder'
  return lookAt(target)
}

const lookAt = (target: string | undefined): string => {
  const { host, port } = addressIn(target)
  return target?.startsWith('http') === true
    ? `curl -sS -i -m 10 ${word(target.split(', ')[0]!)}`
    : `timeout 5 openssl s_client -connect ${word(`${host}:${port}`)} </dev/null`
}

/** Of the first host of `https://a:9200/, https://b:9200/` or `a:5044, b:5044`. */
function addressIn(target: string | undefined): { host: string; port: string } {
  const first = (target ?? '').split(', ')[0]!
  const text = first.includes('://') ? first.slice(first.indexOf('://') + 3).replace(/\/.*$/, '') : first
  const colon = text.lastIndexOf(':')
  const known = colon > 0 && /^\d+$/.test(text.slice(colon + 1))
  const standard = first.startsWith('https') ? '443' : first.startsWith('http') ? '80' : '5044'
  return known ? { host: text.slice(0, colon), port: text.slice(colon + 1) } : { host: text, port: standard }
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
