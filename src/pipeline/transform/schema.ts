// The names of legacy grok and Logstash in ECS (Elastic Common Schema), and how a record gets them.
import type { Event } from '../../core/event.ts'
import { putPath } from '../parse/put.ts'

/** What becomes of the value on the way. */
type Kind = 'text' | 'integer' | 'lower'

/** Legacy name to ECS name; ECS 9, and the names of the `ecs-v1` grok patterns where ECS has none. */
const NAMES: ReadonlyMap<string, readonly [path: string, kind: Kind]> = new Map([
  ['clientip', ['source.address', 'text']],
  ['ident', ['apache.access.user.identity', 'text']],
  ['auth', ['user.name', 'text']],
  ['verb', ['http.request.method', 'text']],
  ['request', ['url.original', 'text']],
  ['httpversion', ['http.version', 'text']],
  ['response', ['http.response.status_code', 'integer']],
  ['bytes', ['http.response.body.bytes', 'integer']],
  ['referrer', ['http.request.referrer', 'text']],
  ['agent', ['user_agent.original', 'text']],
  ['forwarded_for', ['network.forwarded_ip', 'text']],
  ['vhost', ['url.domain', 'text']],
  ['port', ['source.port', 'integer']],
  ['level', ['log.level', 'lower']],
  ['loglevel', ['log.level', 'lower']],
  ['logger', ['log.logger', 'text']],
  ['thread', ['process.thread.name', 'text']],
  ['tid', ['process.thread.id', 'integer']],
  ['pid', ['process.pid', 'integer']],
  ['program', ['process.name', 'text']],
  ['logsource', ['log.syslog.hostname', 'text']],
  ['syslog_pri', ['log.syslog.priority', 'integer']],
  ['msgid', ['log.syslog.msgid', 'text']],
  ['service', ['service.name', 'text']],
  ['app_environment', ['service.environment', 'text']],
  ['version', ['service.version', 'text']],
  ['sourcefile', ['log.origin.file.name', 'text']],
  ['sourceline', ['log.origin.file.line', 'integer']],
  ['user', ['user.name', 'text']],
  ['database', ['db.name', 'text']],
  ['exception', ['error.type', 'text']],
  ['request_id', ['http.request.id', 'text']],
  ['format', ['event.dataset', 'text']]
])

/** The top-level fields that `toEcs` may write. */
export const ECS_TOP_FIELDS: readonly string[] = [...new Set([...NAMES.values()].map(([path]) => path.split('.')[0]!))]

/**
 * Renames the legacy fields of a record to ECS, in place: numbers become numbers, levels small letters, the quotes that
 * legacy grok keeps go, and so does a `-` for "nothing". Fields of other names, and objects (which are ECS already),
 * stay. Meant for what `auto` found and for patterns with the legacy names; the `ecs-v1` grok patterns need it not.
 */
export function toEcs(event: Event): void {
  for (const name of Object.keys(event)) {
    const entry = NAMES.get(name)
    if (entry === undefined) continue
    const value = event[name]
    if (typeof value !== 'string' && typeof value !== 'number') continue
    event[name] = undefined
    const clean = typeof value === 'string' ? cleaned(value, entry[1]) : value
    if (clean !== undefined) putPath(event, entry[0], clean)
  }
}

function cleaned(text: string, kind: Kind): string | number | undefined {
  const bare = text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
  if (bare === '-' || bare === '') return undefined
  if (kind === 'lower') return bare.toLowerCase()
  return kind === 'integer' && /^\d{1,15}$/.test(bare) ? Number(bare) : bare
}
