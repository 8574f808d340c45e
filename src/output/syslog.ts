// `syslog` output: records as syslog messages by UDP, TCP or TLS to rsyslog, syslog-ng or whatever collects them.
import { hostname } from 'node:os'
import type { Context, Output } from '../core/component.ts'
import { defineOutput } from '../core/component.ts'
import * as f from '../core/field.ts'
import type { Values } from '../core/field.ts'
import { networkFields } from '../core/network-fields.ts'
import type { Template } from '../core/template.ts'
import { lintTls, TlsFiles } from '../core/tls-files.ts'
import { Reminder } from './delivery/reminder.ts'
import { nameOf } from './dial.ts'
import { connectionsOf, hostMeters } from './host-meters.ts'
import { Hosts } from './hosts.ts'
import { DatagramLink } from './syslog/datagram.ts'
import { LineMaker } from './syslog/line.ts'
import { FACILITY_NAMES, facilityOf, SEVERITY_NAMES, severityOf } from './syslog/priority.ts'
import { Sender } from './syslog/sender.ts'
import type { SyslogLink } from './syslog/sender.ts'
import { StreamLink } from './syslog/stream.ts'

const PORT = 514
/** RFC 5425. */
const TLS_PORT = 6514
/** What a datagram can hold by IPv4. */
const DATAGRAM_BYTES = 65_507

/** SD-NAME of RFC 5424. */
// oxlint-disable-next-line no-control-regex
const SD_NAME = /^[\x21\x23-\x3c\x3e-\x5c\x5e-\x7e]{1,32}$/

const fields = {
  hosts: f.oneOrMore(
    f.string('Address of a receiver; without a port 514, with `tls` 6514.', {
      pattern: { test: text => addressOf(text, PORT) !== undefined },
      must: 'an address such as "127.0.0.1" or "logs.example:514"'
    }),
    'Receivers: one at a time, the next when it fails, the first by chance. One that failed three times in a row is left out until it can be reached again.',
    { example: ['127.0.0.1:514'] }
  ),
  protocol: f.choice(['tcp', 'udp'], 'How messages travel; `tls` makes TCP a TLS connection.', { default: 'tcp' }),
  framing: f.choice(
    ['octet_counting', 'newline'],
    'How messages are told apart on a TCP connection (RFC 6587): by their length in front, or by a line feed behind.',
    { default: 'octet_counting' }
  ),
  format: f.choice(['rfc5424', 'rfc3164'], 'The form of a message; the older one has times without year and zone.', {
    default: 'rfc5424'
  }),
  facility: f.template('Name or number; of a record that gives none that is known, `user`.', {
    default: 'user',
    example: 'local0'
  }),
  severity: f.optional(
    f.template(
      "Name, number, or the word a logger has for it (`WARN`, `fatal`, pino's 40); when none is known, `info`. Without this option the first of the fields `log.level`, `level`, `loglevel`, `severity`.",
      { example: '%{log.level}' }
    )
  ),
  hostname: f.optional(
    f.template(
      'Without it, or when it gives nothing, the name in `host.hostname`, `host.name`, `host` or `logsource`; else that of this machine.'
    )
  ),
  app_name: f.optional(
    f.template(
      'Name of the application. Without it the first of `log.syslog.appname`, `program`, `process.name`, `service.name`; else `yarder`.',
      { example: 'nginx' }
    )
  ),
  proc_id: f.optional(
    f.template('Without it the first of `log.syslog.procid`, `process.pid`, `pid`; else none.', { example: '%{pid}' })
  ),
  msg_id: f.optional(f.template('Kind of the message; none without it.', { example: 'access' })),
  structured_data: f.optional(
    f.object(
      {
        id: f.string('Name of the element: one that is registered, or `name@` and an enterprise number.', {
          pattern: SD_NAME,
          must: 'up to 32 printable characters without blanks, =, ] and "',
          example: 'app@32473'
        }),
        params: f.map(f.template('Its value.'), 'Parameters by their names; one without a value is left out.', {
          min: 1
        })
      },
      'Fields as structured data of RFC 5424.',
      { example: { id: 'app@32473', params: { client: '%{clientip}', status: '%{response}' } } }
    )
  ),
  content: f.choice(
    ['message', 'json'],
    'The text: the field `message` (of a record without one, its document), or always the document as JSON.',
    { default: 'message' }
  ),
  template: f.optional(f.template('The text instead of `content`.', { example: '%{verb} %{request} %{response}' })),
  max_bytes: f.size(
    'A longer message is cut, and counted as such; its header counts, the framing does not. The default is the most that rsyslog takes unless its `maxMessageSize` says otherwise: what is longer it cuts, and takes the rest for a second message.',
    { default: '8096B', min: 480, max: '1MiB' }
  ),
  confirm: f.duration(
    'On TCP a record waits at most this long until its connection is ended, which shows that the receiver has read it all. 0 keeps the connection, and what the kernel has taken counts as delivered.',
    { default: '5s', max: '1m' }
  ),
  ...networkFields,
  timeout: f.duration('A connection without progress for so long has failed.', {
    default: '30s',
    min: '100ms',
    max: '1h'
  }),
  in_flight: f.integer(
    'At most this many batches whose records are not known to be read; half of them share a connection.',
    { default: 8, min: 1, max: 64 }
  ),
  batch: f.object(
    {
      max_events: f.integer('A batch has at most this many records.', { default: 2000, min: 1, max: 100_000 }),
      max_bytes: f.size('A batch has at most this many bytes of documents; one record always fits.', {
        default: '1MiB',
        min: '1KiB',
        max: '64MiB'
      }),
      timeout: f.duration('A record waits at most this long for others.', { default: '1s', max: '1m' })
    },
    'How records are gathered into batches.',
    { default: {} }
  )
}

type Options = Values<typeof fields>

export const syslog = defineOutput({
  name: 'syslog',
  summary: 'Sends records as syslog messages to rsyslog, syslog-ng or another collector.',
  description:
    'Syslog has no acknowledgement. On TCP and TLS one is made of the end of a connection: after `confirm`, or half of `in_flight` batches, the connection is closed from here, and when the receiver closes its side without a reset it has read every byte. Only then are the records delivered. What a broken connection leaves open, up to `in_flight` batches, is sent again, so as many can arrive twice; lost is only what the receiver had read and lost itself, or what reached a receiver that closed all by itself in the very round trip in which the agent did. A receiver that never closes its side can be served with `confirm: 0`: then a break loses what stood in the buffers of the two kernels, some megabytes at most, and nobody is told.\n\nBy UDP a record is delivered when the kernel has taken it. A host that answers at once that nobody listens is taken for down, and the batch is sent again; whatever else is lost on the way is lost. `rate_limit` keeps bursts from a receiver that is slow.\n\nLine feeds and other control characters within a record are written as `\\n` and `\\u001b`, so that no line of a log can pass for a second message. With several batches in flight lines can overtake each other; `in_flight: 1` keeps their order.',
  fields,
  examples: [
    {
      title: 'The system log host by TLS',
      yaml: "type: syslog\nhosts: ['logs.example']\ntls: {ca_file: /etc/yarder/ca.pem}\nfacility: local0\napp_name: storefront"
    },
    {
      title: 'UDP in the older form, a thousand messages a second at most',
      yaml: "type: syslog\nhosts: ['10.0.0.5']\nprotocol: udp\nformat: rfc3164\nrate_limit: 1000/s"
    },
    {
      title: 'Fields as structured data, the whole record as text',
      yaml: "type: syslog\nhosts: ['127.0.0.1:601']\ncontent: json\nstructured_data: {id: 'web@32473', params: {client: '%{clientip}', status: '%{response}'}}"
    }
  ],
  lint,
  build
})

function* lint(o: Options): Iterable<readonly [string, string]> {
  const names = o.hosts.map(host => nameOf(addressOf(host, PORT)!))
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) yield ['hosts', `${twice} is there twice; one way to each host is enough`]
  if (o.protocol === 'udp') {
    if (o.tls !== undefined) yield ['tls', 'has no effect with protocol udp; use tcp']
    if (o.max_bytes > DATAGRAM_BYTES) yield ['max_bytes', `a datagram holds at most ${DATAGRAM_BYTES} bytes`]
  }
  if (o.format === 'rfc3164') {
    if (o.structured_data !== undefined) yield ['structured_data', 'rfc3164 has none; use format rfc5424']
    if (o.msg_id !== undefined) yield ['msg_id', 'rfc3164 has none; use format rfc5424']
  }
  yield* unknownWord('facility', o.facility, facilityOf, FACILITY_NAMES)
  yield* unknownWord('severity', o.severity, severityOf, SEVERITY_NAMES)
  for (const name of Object.keys(o.structured_data?.params ?? {}))
    if (!SD_NAME.test(name)) yield ['structured_data', `"${name}" can't be the name of a parameter`]
  yield* lintTls(o.tls)
}

/** A constant that means nothing would silently become the default. */
function* unknownWord(
  option: string,
  template: Template | undefined,
  parse: (text: string) => number | undefined,
  known: readonly string[]
): Iterable<readonly [string, string]> {
  if (template?.constant === true && parse(template.text) === undefined)
    yield [option, `"${template.text}" is no ${option}${f.didYouMean(template.text, known)}`]
}

function addressOf(text: string, port: number): f.HostPort | undefined {
  const address = f.hostPort('', { defaultPort: port }).read(text, () => {})
  return address === undefined || address.port === 0 ? undefined : address
}

function build(o: Options, ctx: Context): Output {
  const tls = o.tls === undefined ? undefined : new TlsFiles(o.tls, ctx.configDir, ctx.log)
  const { clock } = ctx
  const links = o.hosts.map((text): SyslogLink => {
    const address = addressOf(text, tls === undefined ? PORT : TLS_PORT)!
    if (o.protocol === 'udp') return new DatagramLink({ address, clock })
    const most = Math.ceil(o.in_flight / 2)
    return new StreamLink({ address, tls, timeout: o.timeout, confirm: o.confirm, most, clock })
  })
  const meters = hostMeters(ctx)
  const cut = ctx.instruments.counter('yarder_output_cut_total', 'Messages that were longer than `max_bytes`.', [
    'output'
  ])
  const reminder = new Reminder(clock)
  return new Sender({
    lines: new LineMaker({
      format: o.format,
      facility: o.facility,
      severity: o.severity,
      hostname: o.hostname,
      appName: o.app_name,
      procId: o.proc_id,
      msgId: o.msg_id,
      structuredData: o.structured_data && {
        id: o.structured_data.id,
        params: Object.entries(o.structured_data.params)
      },
      content: o.content,
      template: o.template,
      maxBytes: o.max_bytes,
      hostName: hostname(),
      timezone: ctx.timezone
    }),
    framing: o.framing,
    links,
    hosts: new Hosts({ hosts: links, loadbalance: false, clock, log: ctx.log, onChange: meters.host }),
    onOpen: () => meters.open(links, () => connectionsOf(links)),
    onCut: count => {
      cut.add(count, ctx.name)
      const told = reminder.due(count)
      if (told > 0)
        ctx.log.warn({ messages: told, max_bytes: o.max_bytes }, 'Messages were longer than max_bytes, and cut.')
    }
  })
}
