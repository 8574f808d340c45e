// Types of the fields of both schemas, for the index template: what must be a number, an address, a word, a text.
import type { Context } from '../../../core/component.ts'
import { ASIDE } from '../rescue.ts'

type Mapping = Record<string, unknown>

const WORD: Mapping = { type: 'keyword', ignore_above: 1024 }
const TEXT: Mapping = { type: 'text' }
/** Logstash's own template does it so, and what is made for its data in Kibana asks for `field.keyword`. */
const TEXT_AND_WORD: Mapping = { type: 'text', fields: { keyword: { type: 'keyword', ignore_above: 256 } } }
/** A value that is none leaves the record searchable by everything else, instead of refusing it. */
const lenient = (type: string): Mapping => ({ type, ignore_malformed: true })
const LONG = lenient('long')
const IP = lenient('ip')
const DATE = lenient('date')

/** Type by field name, and whose they are: lists of names joined by blanks. */
type Types = ReadonlyArray<readonly [names: string, mapping: Mapping]>

/** What every record of the agent carries, in either schema. */
const COMMON: Types = [
  // Strict, since it is what everything is sorted by; yarder writes no other form.
  ['@timestamp', { type: 'date' }],
  ['message', TEXT],
  ['tags input.type ecs.version app_environment region', WORD],
  ['host.name host.hostname host.id host.architecture host.mac', WORD],
  ['host.ip', IP],
  ['host.containerized', { type: 'boolean' }],
  ['host.os.name host.os.version host.os.codename host.os.platform host.os.family host.os.kernel', WORD],
  ['log.level log.logger log.file.path', WORD],
  ['log.offset', LONG],
  ['data_stream.type data_stream.dataset data_stream.namespace', WORD],
  [ASIDE, WORD]
]

/** Names of the legacy grok patterns, and of what `auto` finds. */
const LOGSTASH: Types = [
  ['@version', WORD],
  ['clientip', IP],
  ['bytes response pid tid port clientport sourceline proxy_errorcode syslog_pri syslog_severity_code', LONG],
  ['syslog_facility_code', LONG],
  ['verb httpversion ident auth level loglevel severity program logsource service logger thread type', WORD]
]

/** Of the Elastic Common Schema 9: fields that web, system and application logs have. */
const ECS: Types = [
  ['event.created event.ingested event.start event.end', DATE],
  ['event.duration event.severity event.sequence', LONG],
  ['event.original', { type: 'keyword', index: false, doc_values: false }],
  ['event.kind event.category event.type event.outcome event.action event.code event.module event.dataset', WORD],
  ['source.ip client.ip destination.ip server.ip network.forwarded_ip', IP],
  ['source.port source.bytes client.port client.bytes destination.port destination.bytes server.port', LONG],
  ['source.address source.domain client.address destination.address server.address', WORD],
  ['http.request.bytes http.request.body.bytes http.response.bytes http.response.body.bytes', LONG],
  ['http.response.status_code', LONG],
  ['http.version http.request.method http.request.id http.request.referrer', WORD],
  ['url.original url.full url.path url.query url.domain url.scheme url.extension', WORD],
  ['url.port', LONG],
  ['user.name user.id user.domain user_agent.original user_agent.name user_agent.version', WORD],
  ['process.pid process.thread.id process.exit_code', LONG],
  ['process.name process.executable process.thread.name', WORD],
  ['service.name service.type service.version service.environment service.node.name', WORD],
  ['log.syslog.priority log.syslog.facility.code log.syslog.severity.code log.origin.file.line', LONG],
  ['log.syslog.appname log.syslog.procid log.syslog.msgid log.syslog.hostname log.origin.file.name', WORD],
  ['error.message error.stack_trace', TEXT],
  ['error.type error.code error.id trace.id span.id transaction.id', WORD],
  ['agent.type agent.name agent.version agent.id agent.ephemeral_id', WORD]
]

/** How fields are typed that no list names. A text never becomes a date: the next one may not be one. */
function dynamicTemplates(schema: Context['schema']): Mapping[] {
  const named = (name: string, match: Mapping, mapping: Mapping): Mapping => ({ [name]: { ...match, mapping } })
  if (schema === 'logstash') return [named('texts', { match_mapping_type: 'string' }, TEXT_AND_WORD)]
  return [
    named('ips', { path_match: '*.ip', match_mapping_type: 'string' }, IP),
    named('ports', { path_match: '*.port' }, LONG),
    named('bytes', { path_match: '*.bytes' }, LONG),
    named('messages', { path_match: '*.message', match_mapping_type: 'string' }, TEXT),
    named('labels', { path_match: 'labels.*' }, WORD),
    named('words', { match_mapping_type: 'string' }, WORD)
  ]
}

/** The `mappings` of an index that gets records in this schema. */
export function mappingsOf(schema: Context['schema']): Mapping {
  const properties: Mapping = {}
  for (const [names, mapping] of [...COMMON, ...(schema === 'ecs' ? ECS : LOGSTASH)])
    for (const name of names.split(' ')) place(properties, name.split('.'), mapping)
  return { date_detection: false, dynamic_templates: dynamicTemplates(schema), properties }
}

function place(properties: Mapping, [key, ...rest]: readonly string[], mapping: Mapping): void {
  if (rest.length === 0) return void (properties[key!] = mapping)
  const holder = (properties[key!] ??= { properties: {} }) as { properties: Mapping }
  place(holder.properties, rest, mapping)
}
