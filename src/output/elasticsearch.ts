// `elasticsearch` output: documents by `_bulk` to Elasticsearch 7 to 9 or OpenSearch, each once.
import type { Context, Output } from '../core/component.ts'
import { defineOutput } from '../core/component.ts'
import { OptionError } from '../core/errors.ts'
import * as f from '../core/field.ts'
import type { Values } from '../core/field.ts'
import { HttpClient, shownUrl } from '../core/http.ts'
import { networkFields } from '../core/network-fields.ts'
import { lintTls } from '../core/tls-files.ts'
import { Reminder } from './delivery/reminder.ts'
import { BulkBody } from './elasticsearch/bulk.ts'
import type { Injection, Naming } from './elasticsearch/bulk.ts'
import { DEFAULT_INDEX, indexFault, IndexNames } from './elasticsearch/index-name.ts'
import { elasticsearchMeters } from './elasticsearch/meters.ts'
import { knock, Sender } from './elasticsearch/sender.ts'
import { hostMeters } from './host-meters.ts'
import { Hosts } from './hosts.ts'
import { addressOf, httpHost } from './http-hosts.ts'
import type { Credentials, HttpAddress } from './http-hosts.ts'

const streamPart = (doc: string, fallback: string, pattern: RegExp): f.Field<string> =>
  f.string(doc, {
    default: fallback,
    pattern,
    must: 'lower case letters, digits, "_" and "." (no "-" but in a namespace), up to 100'
  })

const plainHost = f.string('Address such as `https://es1:9200`; without a scheme `http`, and then without a port 9200.')
const hostField: f.Field<string> = {
  ...plainHost,
  read: (value, report) => {
    const text = plainHost.read(value, report)
    if (text === undefined || urlOf(text) !== undefined) return text
    return void report('', `"${withoutSecret(text)}" is no http or https address`)
  }
}

const fields = {
  hosts: f.oneOrMore(
    hostField,
    'Hosts of one cluster, taken in turn; `es1:9200` means `http://es1:9200`. One that failed three times in a row is left out until it answers again.',
    { example: ['http://127.0.0.1:9200'] }
  ),
  index: f.template(
    'Index of a record: text, its time in UTC, and fields. It must begin with a constant text; what fields give is put into lower case and safe characters. A time before 2000 or over two days ahead of the arrival is taken for wrong, and the arrival decides.',
    { default: DEFAULT_INDEX }
  ),
  max_indices: f.integer(
    'Names of indices that the fields in `index` may make in an hour. Records beyond go to the index that has `overflow` in place of the fields, and are counted: no log can make a cluster full of indices.',
    { default: 100, min: 1, max: 10_000 }
  ),
  require_alias: f.boolean(
    'The name in `index` must be an alias, as that of a rollover is. While it is missing records wait, instead of making an index of that name.',
    { default: false }
  ),
  data_stream: f.optional(
    f.object(
      {
        type: streamPart('First part of the name.', 'logs', /^[a-z0-9_.]{1,100}$/),
        dataset: streamPart('Second part of the name.', 'generic', /^[a-z0-9_.]{1,100}$/),
        namespace: streamPart('Third part of the name.', 'default', /^[a-z0-9_.-]{1,100}$/)
      },
      'Writes to the data stream `type-dataset-namespace` instead of an index, and puts these three into every document.',
      { example: { dataset: 'nginx' } }
    )
  ),
  pipeline: f.optional(f.string('Ingest pipeline that the documents go through.')),
  rescue_conflicts: f.boolean(
    'When the mapping has no room for a field of a record (a text where a number belongs), the record is sent again with that field moved aside: as text `field=value` in `_conflict`, and tagged `_mappingconflict`. Up to four fields; else, and without this option, it becomes a dead letter.',
    { default: false }
  ),
  username: f.optional(f.string('User for basic authentication.')),
  password: f.optional(f.secret('Password of the user.')),
  api_key: f.optional(f.secret('API key, as `id:key` or in the encoded form.')),
  token: f.optional(f.secret('Bearer token, such as that of a service account.')),
  headers: f.map(f.string('Value of the header.'), 'Further headers of every request.', { default: {} }),
  compression_level: f.integer(
    'gzip level of requests, 0 for none. 1 makes them a tenth for about 3 ms of CPU a megabyte: worth it on a slow or paid line, not on a LAN.',
    { default: 0, min: 0, max: 9 }
  ),
  ...networkFields
}

type Options = Values<typeof fields>

export const elasticsearch = defineOutput({
  name: 'elasticsearch',
  summary: 'Sends records to Elasticsearch 7 to 9 or OpenSearch, each stored once however often it has to be sent.',
  description:
    'Each record gets an `_id` made of where it came from, and is only created, never replaced: one that is there already counts as delivered. Across a rollover of the index the promise is at least once. Records the server refuses for themselves become dead letters with its reason; anything else is tried again for ever.',
  fields,
  examples: [
    {
      title: 'One host, daily indices',
      yaml: "type: elasticsearch\nhosts: ['http://127.0.0.1:9200']\nindex: 'logstash-%{+yyyy.MM.dd}'"
    },
    {
      title: 'A data stream with an API key',
      yaml: "type: elasticsearch\nhosts: ['https://es1.example:9200', 'https://es2.example:9200']\napi_key: ${file:/etc/yarder/es.key}\ntls: {ca_file: /etc/yarder/ca.pem}\ndata_stream: {dataset: nginx}"
    }
  ],
  *lint(o) {
    const fault = indexFault(o.index.text)
    if (fault !== '') yield ['index', fault]
    if (o.data_stream !== undefined && o.index.text !== DEFAULT_INDEX)
      yield ['index', 'has no effect beside data_stream; give one of the two']
    if (o.data_stream !== undefined && o.require_alias)
      yield ['require_alias', 'cannot be used beside data_stream; a data stream is no alias']
    for (const [i, host] of o.hosts.entries()) {
      if (/^[^/]*:443(?:\/|$)/.test(host)) yield [`hosts[${i}]`, `would be asked by http; write "https://${host}"`]
    }
    if ((o.username === undefined) !== (o.password === undefined))
      yield ['username', 'username and password go together; give both or none']
    const ways = [
      o.username !== undefined && 'username',
      o.api_key !== undefined && 'api_key',
      o.token !== undefined && 'token',
      o.hosts.some(host => (urlOf(host)?.username ?? '') !== '') && 'a user in hosts'
    ].filter(way => way !== false)
    if (ways.length > 1) yield ['hosts', `only one way to authenticate can be used, got ${ways.join(' and ')}`]
    yield* lintTls(o.tls)
  },
  build
})

const TAKEN = {
  rescued: 'Records were stored with fields moved aside that the mapping has no room for.',
  failure_store: 'Records went into the failure store of the data stream; the server could not take them as they are.'
}

function build(o: Options, ctx: Context): Output {
  const stream = o.data_stream
  const index = stream === undefined ? new IndexNames(o.index, o.max_indices, () => ctx.clock.elapsed()) : undefined
  const streamName = stream && `${stream.type}-${stream.dataset}-${stream.namespace}`
  const own: Naming = index ?? { of: () => streamName! }
  // A dead letter goes again to where it went the first time.
  const names: Naming = { of: (records, row) => records.given?.[row]?.target ?? own.of(records, row) }
  const injection: Injection | undefined = stream && { key: 'data_stream', value: stream }
  const query = new URLSearchParams({ filter_path: 'errors,items.*.error,items.*.status,items.*.failure_store' })
  if (o.pipeline !== undefined) query.set('pipeline', o.pipeline)
  if (o.require_alias) query.set('require_alias', 'true')
  const client = new HttpClient({
    tls: o.tls,
    configDir: ctx.configDir,
    maxSockets: o.in_flight,
    connectTimeout: Math.min(10_000, o.timeout),
    log: ctx.log
  })
  const headers = { 'user-agent': 'yarder', ...o.headers }
  const hosts = o.hosts.map(text => {
    const address = hostOf(text, o)
    return httpHost(address, signal => knock(client, address, headers, signal))
  })
  const meters = elasticsearchMeters(ctx, index)
  const ofHosts = hostMeters(ctx)
  if (index !== undefined) {
    index.onAbsurd = (time, arrival) =>
      ctx.log.warn(
        { time, arrival },
        'A record has an absurd time; its arrival chooses the index. Told once, counted always.'
      )
  }
  if (index !== undefined) {
    index.onOverflow = refused =>
      ctx.log.error(
        { refused, max_indices: o.max_indices },
        'Fields of records made too many names of indices within an hour; further ones go to the overflow index.'
      )
  }
  const reminders = { rescued: new Reminder(ctx.clock), failure_store: new Reminder(ctx.clock) }
  const onTaken = (how: 'rescued' | 'failure_store', records: number): void => {
    meters.taken(how, records)
    const due = reminders[how].due(records)
    if (due > 0) ctx.log.warn({ records: due }, TAKEN[how])
  }
  return new Sender({
    client,
    hosts: new Hosts({ hosts, loadbalance: true, clock: ctx.clock, log: ctx.log, onChange: ofHosts.host }),
    path: `_bulk?${query.toString().replaceAll('%2C', ',').replaceAll('%2A', '*')}`,
    headers,
    timeout: o.timeout,
    compressionLevel: o.compression_level,
    names,
    keys: index?.key === undefined ? [] : [index.key],
    makeBody: () => new BulkBody(names, injection, o.batch.max_bytes + o.batch.max_events * 256),
    target: hosts.map(host => shownUrl(host.url)).join(', '),
    clock: ctx.clock,
    log: ctx.log,
    home: {
      schema: ctx.schema,
      name: streamName ?? o.index.text,
      kind: stream !== undefined ? 'data stream' : o.require_alias && o.index.constant ? 'alias' : 'index'
    },
    rescue: o.rescue_conflicts,
    awaitsIndex: o.require_alias,
    onOpen: () => {
      const ends = [meters.open(), ofHosts.open(hosts, () => client.connections)]
      return () => ends.forEach(end => end())
    },
    onTaken
  })
}

/** `localhost:9200` as Logstash takes it, or a URL. */
function urlOf(text: string): URL | undefined {
  const bare = !text.includes('://')
  const full = bare ? `http://${text}` : text
  if (!URL.canParse(full)) return undefined
  const url = new URL(full)
  if (!['http:', 'https:'].includes(url.protocol) || url.hostname === '') return undefined
  if (bare && url.port === '' && !/:80(\/|$)/.test(text)) url.port = '9200'
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  url.search = url.hash = ''
  return url
}

/** What a host and its account are made of. */
export type HostOptions = Credentials & Pick<Options, 'api_key'>

/** Throws OptionError for what is no address. */
export function hostOf(text: string, o: HostOptions): HttpAddress {
  const url = urlOf(text)
  if (url === undefined) throw new OptionError('hosts', `"${withoutSecret(text)}" is no http or https address`)
  const address = addressOf(url, o, 'hosts')
  if (o.api_key === undefined) return address
  const encoded = o.api_key.includes(':') ? Buffer.from(o.api_key).toString('base64') : o.api_key
  return { ...address, authorization: `ApiKey ${encoded}` }
}

function withoutSecret(text: string): string {
  return text.replace(/\/\/[^/@]*@/, '//***@')
}
