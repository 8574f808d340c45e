// `http` output: records as JSON to a Logstash http input, a webhook, or whatever else takes them by HTTP.
import type { Context, Output } from '../core/component.ts'
import { defineOutput } from '../core/component.ts'
import { OptionError } from '../core/errors.ts'
import * as f from '../core/field.ts'
import type { Values } from '../core/field.ts'
import { HttpClient, shownUrl } from '../core/http.ts'
import { networkFields } from '../core/network-fields.ts'
import { lintTls } from '../core/tls-files.ts'
import { hostMeters } from './host-meters.ts'
import { Hosts } from './hosts.ts'
import { addressOf, httpHost } from './http-hosts.ts'
import { compileShape, CONTENT_TYPES } from './http/body.ts'
import { Sender } from './http/sender.ts'
import { STATUS_PATTERN } from './http/verdict.ts'

const status = f.string('A status, or a class of them.', {
  pattern: STATUS_PATTERN,
  must: 'a status such as 204, or a class such as 2xx'
})

/** RFC 9110, 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

const fields = {
  url: f.oneOrMore(
    f.url('Address to send to.'),
    'Where to: of several one, the next when it fails. A query is sent and never shown.',
    { example: 'http://127.0.0.1:8080/' }
  ),
  method: f.choice(['POST', 'PUT', 'PATCH'], 'Request method.', { default: 'POST' }),
  format: f.choice(
    ['json', 'ndjson', 'single'],
    'A request has a JSON array of records, a record a line, or one record alone.',
    { default: 'json' }
  ),
  body: f.optional(
    f.map(
      f.anything('A text with fields in it, a number, a list, a map.'),
      'What is sent of a record instead of its document: JSON whose texts are templates. A text that is one field alone, as `%{bytes}`, keeps its type.',
      { min: 1, example: { text: '%{host.name}: %{message}' } }
    )
  ),
  headers: f.map(f.string('Value of the header.'), 'Further headers of every request.', {
    default: {},
    example: { 'x-team': 'storefront' }
  }),
  username: f.optional(f.string('User for basic authentication.')),
  password: f.optional(f.secret('Password of the user.')),
  token: f.optional(f.secret('Bearer token.')),
  compression_level: f.integer('gzip level of requests, 0 for none; the server must understand `content-encoding`.', {
    default: 0,
    min: 0,
    max: 9
  }),
  success_statuses: f.oneOrMore(status, 'Answers that say that the records were taken.', {
    default: ['2xx'],
    example: ['200', '202']
  }),
  retry_statuses: f.oneOrMore(
    status,
    'Answers after which the same is sent again, besides those that are never about a record (3xx, 401, 403, 404 and the like, 5xx).',
    { default: ['408', '409', '425', '429'], example: ['429', '423'] }
  ),
  idempotency_header: f.text(
    'Header with a text that is the same whenever the same records are sent again in one request; empty for none. Records from a pipe have none.',
    { default: 'Idempotency-Key' }
  ),
  ...networkFields,
  timeout: f.duration('A request without a whole answer by then has failed.', {
    default: '30s',
    min: '100ms',
    max: '1h'
  })
}

type Options = Values<typeof fields>

export const http = defineOutput({
  name: 'http',
  summary: 'Sends records as JSON to a Logstash http input, a webhook or another HTTP server.',
  description:
    'Records are delivered when the answer is one of `success_statuses`. Too large a request (413) is sent in halves, and its limit is remembered. An answer about the request as a whole (a redirect, 401, 403, 404, 5xx) holds everything until it changes, heeding `Retry-After`, and shows in the state of the output. Any other 4xx is about a record: it is looked for by halves and becomes a dead letter with the words of the server, and those beside it arrive.\n\nA server that has taken nothing yet, or has refused a hundred in a row, is doubted rather than the records: they wait and are tried one at a time, the state says so until one is taken, and only after five tries one of them is given up, so that a wrong `url` or `format` does not bury a log.\n\nBefore the first record a server is only connected to, since any request would be a record to some; that a path or a password is wrong shows with the first one.\n\nA request whose answer was lost is sent again, so a record can arrive twice; a server that heeds `Idempotency-Key` can tell, in particular with `format: single`, where the key belongs to one record for ever.',
  fields,
  examples: [
    {
      title: 'The http input of Logstash',
      yaml: 'type: http\nurl: https://logs.example:8080/\nusername: agent\npassword: ${file:/etc/yarder/logstash.password}\ntls: {ca_file: /etc/yarder/ca.pem}'
    },
    {
      title: 'A line each to a chat, at most one a second',
      yaml: "type: http\nurl: https://hooks.example.com/x\nformat: single\nbody: {text: '%{host.name}: %{message}'}\nin_flight: 1\nbatch: {max_events: 1}\nrate_limit: 1/s"
    },
    {
      title: 'NDJSON, compressed, with a token',
      yaml: 'type: http\nurl: https://ingest.example/v1/logs\nformat: ndjson\ntoken: ${file:/etc/yarder/ingest.token}\ncompression_level: 1'
    }
  ],
  lint,
  build
})

function* lint(o: Options): Iterable<readonly [string, string]> {
  if ((o.username === undefined) !== (o.password === undefined))
    yield ['username', 'username and password go together; give both or none']
  const given = Object.keys(o.headers).map(name => name.toLowerCase())
  const ways = [
    o.username !== undefined && 'username',
    o.token !== undefined && 'token',
    o.url.some(url => url.username !== '') && 'a user in url',
    given.includes('authorization') && 'an authorization header'
  ].filter(way => way !== false)
  if (ways.length > 1) yield ['url', `only one way to authenticate can be used, got ${ways.join(' and ')}`]
  for (const name of Object.keys(o.headers))
    if (!TOKEN.test(name)) yield ['headers', `"${name}" can't be the name of a header`]
  if (o.idempotency_header !== '' && !TOKEN.test(o.idempotency_header))
    yield ['idempotency_header', `"${o.idempotency_header}" can't be the name of a header`]
  for (const name of ['content-length', 'content-encoding', 'transfer-encoding'])
    if (given.includes(name)) yield ['headers', `${name} is for the output to set`]
  const shown = o.url.map(shownUrl)
  const twice = shown.find((url, i) => shown.indexOf(url) !== i)
  if (twice !== undefined) yield ['url', `${twice} is there twice`]
  try {
    if (o.body !== undefined) compileShape(o.body)
  } catch (error) {
    yield ['body', (error as Error).message]
  }
  yield* lintTls(o.tls)
}

function build(o: Options, ctx: Context): Output {
  const client = new HttpClient({
    tls: o.tls,
    configDir: ctx.configDir,
    maxSockets: o.in_flight,
    connectTimeout: Math.min(10_000, o.timeout),
    log: ctx.log
  })
  const headers = { 'user-agent': 'yarder', 'content-type': CONTENT_TYPES[o.format], ...lowered(o.headers) }
  const targets = o.url.map(url => {
    const address = addressOf(url, o, 'url')
    return httpHost(address, signal => client.connect(address.url, signal))
  })
  const meters = hostMeters(ctx)
  let shape
  try {
    shape = o.body && compileShape(o.body)
  } catch (error) {
    throw new OptionError('body', (error as Error).message)
  }
  return new Sender({
    client,
    hosts: new Hosts({ hosts: targets, loadbalance: false, clock: ctx.clock, log: ctx.log, onChange: meters.host }),
    target: targets.map(target => shownUrl(target.url)).join(', '),
    method: o.method,
    headers,
    format: o.format,
    shape,
    idempotencyHeader: o.idempotency_header.toLowerCase(),
    success: o.success_statuses,
    retry: o.retry_statuses,
    timeout: o.timeout,
    compressionLevel: o.compression_level,
    clock: ctx.clock,
    onOpen: () => meters.open(targets, () => client.connections)
  })
}

const lowered = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
