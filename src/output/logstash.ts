// `logstash` output: records by the Lumberjack protocol to a Logstash `beats` input, as Filebeat sends them.
import { readFileSync } from 'node:fs'
import { assetPath } from '../core/assets.ts'
import type { Context, Output } from '../core/component.ts'
import { defineOutput } from '../core/component.ts'
import * as f from '../core/field.ts'
import type { Values } from '../core/field.ts'
import { networkFields } from '../core/network-fields.ts'
import { lintTls, TlsFiles } from '../core/tls-files.ts'
import { nameOf } from './dial.ts'
import type { Proxy } from './dial.ts'
import { MOST_EVENTS, WindowFrames } from './logstash/frames.ts'
import { Hosts } from './hosts.ts'
import { Link } from './logstash/link.ts'
import { connectionsOf, hostMeters } from './host-meters.ts'
import { Sender } from './logstash/sender.ts'
import { SlowStart } from './logstash/window.ts'
import { accountOf } from './url-account.ts'

/** RFC 1928. */
const SOCKS_PORT = 1080

const fields = {
  hosts: f.oneOrMore(
    f.hostPort('Address of a `beats` input; without a port 5044.', { defaultPort: 5044 }),
    'Logstash hosts: one at a time, the next when it fails, the first by chance; with `loadbalance` all at once. One that failed three times in a row is left out until it answers again.',
    { example: ['127.0.0.1:5044'] }
  ),
  loadbalance: f.boolean('Send to all hosts at the same time, the least busy first.', { default: false }),
  proxy_url: f.optional(
    f.url(
      'SOCKS5 proxy in front of the hosts, with user and password in the address where it wants them; port 1080 when none is named.',
      {
        protocols: ['socks5'],
        secret: true,
        example: 'socks5://proxy.example:1080'
      }
    )
  ),
  proxy_use_local_resolver: f.boolean('Look up names of hosts here instead of at the proxy.', { default: false }),
  index: f.string('Name in `[@metadata][beat]`, which Logstash configurations make index names of.', {
    default: 'yarder'
  }),
  compression_level: f.integer(
    'zlib level of windows, 0 for none. The default makes access logs about a tenth, for 1 µs of CPU an event; on a LAN 0 saves CPU at both ends.',
    { default: 3, min: 0, max: 9 }
  ),
  slow_start: f.boolean(
    'Begin with windows of 10 records, half as many again after each that was acknowledged, half as many after a failure: spares a Logstash that comes back.',
    { default: false }
  ),
  ttl: f.duration(
    'Connections are made anew after this long, so that a balancer in front can spread them again; what is under way is acknowledged first. 0 never.',
    { default: '0s', max: '30d' }
  ),
  pipelining: f.optional(
    f.integer(
      'At most this many windows on one connection before the first is acknowledged. Without it all of `in_flight`, or with `loadbalance` each host its share.',
      { min: 1, max: 16 }
    )
  ),
  ...networkFields,
  timeout: f.duration(
    'A connection without an answer for so long has failed. Logstash answers every 5 s while it works at a window, so a slow pipeline is no failure.',
    { default: '30s', min: '100ms', max: '1h' }
  ),
  in_flight: f.integer('At most this many windows at the same time, over all hosts.', { default: 2, min: 1, max: 16 }),
  batch: f.object(
    {
      max_events: f.integer('A window has at most this many records.', { default: 2048, min: 1, max: MOST_EVENTS }),
      max_bytes: f.size('A window has at most this many bytes of documents, before packing; one record always fits.', {
        default: '4MiB',
        min: '1KiB',
        max: '64MiB'
      }),
      timeout: f.duration('A record waits at most this long for others.', { default: '1s', max: '1m' })
    },
    'How records are gathered into windows.',
    { default: {} }
  )
}

type Options = Values<typeof fields>

export const logstash = defineOutput({
  name: 'logstash',
  summary: 'Sends records to the `beats` input of Logstash, or whatever else speaks Lumberjack 2.',
  description:
    'A record is delivered when Logstash has acknowledged it; what a broken connection leaves open is sent again, so a record can arrive twice. Each carries its identity in `[@metadata][_id]`: with `document_id => "%{[@metadata][_id]}"` in the elasticsearch output of Logstash it is stored once all the same.\n\nA record that Logstash breaks the connection at, three times and all by itself while it takes others, becomes a dead letter.',
  fields,
  examples: [
    { title: 'Logstash on this host', yaml: "type: logstash\nhosts: ['127.0.0.1:5044']" },
    {
      title: 'From a network that only a proxy leads out of',
      yaml: "type: logstash\nhosts: ['logs.example:5044']\nproxy_url: socks5://agent:${file:/etc/yarder/proxy.password}@proxy.example:1080\ntls: {ca_file: /etc/yarder/ca.pem}"
    },
    {
      title: 'Two hosts side by side, each knowing the other by certificate',
      yaml: "type: logstash\nhosts: ['logs1.example', 'logs2.example']\nloadbalance: true\nin_flight: 4\ntls: {ca_file: /etc/yarder/ca.pem, cert_file: /etc/yarder/host.pem, key_file: /etc/yarder/host.key}"
    }
  ],
  *lint(o) {
    const names = o.hosts.map(nameOf)
    const twice = names.find((name, i) => names.indexOf(name) !== i)
    if (twice !== undefined) yield ['hosts', `${twice} is there twice; one connection to each host is enough`]
    for (const { host, port } of o.hosts) if (port === 0) yield ['hosts', `${host}:0 is no address to send to`]
    if (o.pipelining !== undefined && o.pipelining > o.in_flight)
      yield ['pipelining', `${o.pipelining} windows never come together; raise in_flight (${o.in_flight}) as well`]
    if (o.proxy_use_local_resolver && o.proxy_url === undefined)
      yield ['proxy_use_local_resolver', 'has no effect without proxy_url']
    yield* lintTls(o.tls)
  },
  build
})

function build(o: Options, ctx: Context): Output {
  const tls = o.tls === undefined ? undefined : new TlsFiles(o.tls, ctx.configDir, ctx.log)
  const share = o.loadbalance ? Math.ceil(o.in_flight / o.hosts.length) : o.in_flight
  const proxy = proxyOf(o)
  const links = o.hosts.map(
    address =>
      new Link({
        address,
        proxy,
        tls,
        timeout: o.timeout,
        ttl: o.ttl,
        pipelining: o.pipelining ?? share,
        clock: ctx.clock,
        log: ctx.log
      })
  )
  const meters = hostMeters(ctx)
  const metadata = { beat: o.index, version: ownVersion() }
  return new Sender({
    links,
    hosts: new Hosts({
      hosts: links,
      loadbalance: o.loadbalance,
      clock: ctx.clock,
      log: ctx.log,
      onChange: meters.host
    }),
    makeFrames: () => new WindowFrames(metadata, o.compression_level, o.batch.max_bytes + o.batch.max_events * 256),
    slowStart: o.slow_start ? new SlowStart(o.batch.max_events) : undefined,
    onOpen: () => meters.open(links, () => connectionsOf(links))
  })
}

function proxyOf({ proxy_url: url, proxy_use_local_resolver: localResolver }: Options): Proxy | undefined {
  if (url === undefined) return undefined
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const address = { host, port: url.port === '' ? SOCKS_PORT : Number(url.port) }
  return { address, ...accountOf(url, 'proxy_url'), localResolver }
}

const ownVersion = (): string =>
  (JSON.parse(readFileSync(assetPath('package.json'), 'utf8')) as { version: string }).version
