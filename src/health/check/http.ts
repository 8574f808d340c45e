// `http` check: one request on a connection of its own, judged by status, headers, body, time and certificate.
import type { IncomingHttpHeaders } from 'node:http'
import { defineCheck } from '../../core/component.ts'
import type { CheckReason } from '../../core/component.ts'
import { describe } from '../../core/errors.ts'
import { choice, integer, map, oneOrMore, optional, regex, secret, size, string, text, url } from '../../core/field.ts'
import type { Values } from '../../core/field.ts'
import { lintTls, tls, TlsFiles } from '../../core/tls-files.ts'
import { earliestExpiry, expiryFields, judgeExpiry } from '../certificate.ts'
import { ConnectionError } from '../connection.ts'
import { judge, lintRanges, rangeFields, SCALES, worst } from '../range.ts'
import type { Part } from '../range.ts'
import { networkReason } from '../reason.ts'
import { follow } from './http/follow.ts'
import type { Followed } from './http/follow.ts'
import { jsonFault, jsonField } from './http/json.ts'

const STATUS = /^[1-5](\d\d|xx)$/i

const fields = {
  url: url('Address to request.', { example: 'http://127.0.0.1:8080/healthz' }),
  method: choice(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'], 'Request method.', { default: 'GET' }),
  headers: map(text('Value of the header.'), 'Sent with the request.', {
    default: {},
    example: { Host: 'shop.example.com' }
  }),
  username: optional(string('Sent with `password`, as Basic authentication.', { example: 'probe' })),
  password: optional(secret('Sent with `username`.')),
  bearer_token: optional(secret('Sent as `Authorization: Bearer`.')),
  body: optional(string('Sent with the request; give its `Content-Type` in `headers`.')),
  follow_redirects: integer('So many redirects are followed; with 0 a 301 is the answer.', {
    default: 0,
    min: 0,
    max: 20
  }),
  expect_status: oneOrMore(
    string('A status or a class of them.', { pattern: STATUS, must: 'a status such as 204, or a class such as 2xx' }),
    'Statuses that count as healthy: `204`, or classes such as `2xx`.',
    { default: ['2xx'], example: ['2xx', 301] }
  ),
  expect_headers: map(regex('Must match in the value.'), 'Headers that the answer must have.', {
    default: {},
    example: { 'content-type': '^application/json' }
  }),
  body_matches: optional(regex('Must match somewhere in the first `max_body` of the body.')),
  body_lacks: optional(regex('Must match nowhere in the first `max_body` of the body.', { example: 'Fatal error' })),
  expect_json: optional(
    jsonField(
      'Values of a JSON body by their path, as `when` of a step has them; a number in a path counts in a list.',
      {
        example: { status: ['green', 'yellow'], 'nodes.0.load': { lt: 8 } }
      }
    )
  ),
  max_body: size('At most this much of the body is read, and only when something looks at it.', {
    default: '64KiB',
    min: 1,
    max: '16MiB'
  }),
  ...rangeFields('A time until the answer is there', SCALES.duration, ['500ms', '2s']),
  ...expiryFields(),
  tls
}
type Options = Values<typeof fields>

export const http = defineCheck({
  name: 'http',
  summary: 'Requests a URL; healthy when status, headers and body are as expected.',
  description:
    'Each request opens a connection of its own, as a new client would. The time of each phase (`resolve`, `connect`, `tls`, `processing`, `transfer`) is kept. A body that nothing looks at is not read. To another origin, redirects take no `Authorization`, `Cookie` or `Host` along.',
  fields,
  examples: [
    { title: 'A page', yaml: 'type: http\nurl: http://127.0.0.1/\nexpect_status: [2xx]' },
    {
      title: 'A health endpoint',
      yaml: 'type: http\nurl: http://127.0.0.1:9200/_cluster/health\nexpect_json: { status: [green, yellow] }'
    },
    {
      title: 'A dead man’s switch: somebody elsewhere alarms when this comes no more',
      yaml: 'type: http\nmethod: POST\nurl: https://beats.example.com/ping/web-1\nevery: 1m'
    },
    {
      title: 'Fast enough, and with a certificate that lasts',
      yaml: 'type: http\nurl: https://shop.example.com/\nfollow_redirects: 3\nwarning: 500ms\ncritical: 2s\nexpires_warning: 21d'
    }
  ],
  *lint(o) {
    for (const option of ['body_matches', 'body_lacks', 'expect_json'] as const)
      if (o.method === 'HEAD' && o[option] !== undefined)
        yield [option, 'needs a body, and HEAD has none; use method: GET']
    if ((o.method === 'HEAD' || o.method === 'GET') && o.body !== undefined)
      yield ['body', `is not sent with ${o.method}; use method: POST`]
    if ((o.username === undefined) !== (o.password === undefined))
      yield ['username', 'goes with password; give both or none']
    if (o.username !== undefined && o.bearer_token !== undefined)
      yield ['bearer_token', 'goes without username; leave one out']
    if (
      o.url.protocol === 'http:' &&
      o.follow_redirects === 0 &&
      (o.expires_warning ?? o.expires_critical) !== undefined
    )
      yield ['expires_warning', 'is for https']
    yield* lintRanges(o.warning, o.critical)
    yield* lintTls(o.tls)
  },
  build(o, context) {
    const files = new TlsFiles(o.tls, context.configDir, context.log)
    const looks = [o.body_matches, o.body_lacks, o.expect_json].some(option => option !== undefined)
    const request = {
      method: o.method,
      url: o.url,
      headers: { 'user-agent': 'yarder', ...authorization(o), ...o.headers },
      body: o.body === undefined ? undefined : Buffer.from(o.body),
      maxBody: looks ? o.max_body : 0,
      env: process.env
    }
    const content = contentJudge(o)
    return async signal => {
      try {
        const material = o.url.protocol === 'https:' || o.follow_redirects > 0 ? await files.read() : undefined
        const answer = await follow({ ...request, tls: material }, o.follow_redirects, signal)
        const seconds = Object.values(answer.phases).reduce((a, b) => a + b, 0)
        const parts: [Part, ...Part[]] = [content(answer)]
        if (o.warning ?? o.critical) parts.push(judge(seconds, o, 'slow', `answered in ${seconds.toFixed(3)} s`))
        if (answer.chain.length > 0) {
          const limits = { warning: o.expires_warning, critical: o.expires_critical }
          parts.push(judgeExpiry(answer.chain, limits, context.clock.now()))
        }
        return { ...worst(parts), values: valuesOf(answer) }
      } catch (error) {
        const reason = error instanceof ConnectionError ? error.reason : networkReason(error)
        return { state: 'critical', reason, message: describe(error) }
      }
    }
  }
})

function authorization(o: Options): Record<string, string> {
  if (o.bearer_token !== undefined) return { authorization: `Bearer ${o.bearer_token}` }
  if (o.username === undefined) return {}
  return { authorization: `Basic ${Buffer.from(`${o.username}:${o.password}`).toString('base64')}` }
}

/** Judges what an answer says; the first thing that is wrong is told. */
function contentJudge(o: Options): (answer: Followed) => Part {
  const healthy = new Set(o.expect_status.map(s => s.toLowerCase()))

  function fault({ status, headers, body }: Followed): [reason: CheckReason, message: string] | undefined {
    if (!healthy.has(String(status)) && !healthy.has(`${Math.trunc(status / 100)}xx`))
      return ['status', `HTTP ${status}, expected ${o.expect_status.join(' or ')}`]
    for (const [name, pattern] of Object.entries(o.expect_headers)) {
      const is = headerOf(headers, name)
      if (is === undefined) return ['header', `HTTP ${status}, but without the header ${name}`]
      if (!pattern.test(is))
        return [
          'header',
          `HTTP ${status}, but ${name} is ${JSON.stringify(is.slice(0, 80))}, expected ${pattern.source}`
        ]
    }
    const said = body.toString()
    if (o.body_matches !== undefined && !o.body_matches.test(said))
      return ['body', `HTTP ${status}, but the body does not match ${o.body_matches.source}`]
    if (o.body_lacks?.test(said) === true)
      return ['body', `HTTP ${status}, but the body matches ${o.body_lacks.source}`]
    const json = o.expect_json === undefined ? undefined : jsonFault(said, o.expect_json)
    return json === undefined ? undefined : ['body', `HTTP ${status}, but ${json}`]
  }

  return answer => {
    const [reason, message] = fault(answer) ?? ['ok', `HTTP ${answer.status}`]
    return { state: reason === 'ok' ? 'ok' : 'critical', reason, message }
  }
}

function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name.toLowerCase()]
  return Array.isArray(value) ? value.join(', ') : value
}

function valuesOf({ status, phases, chain, redirects, body }: Followed): Record<string, number> {
  return {
    status,
    ...Object.fromEntries(Object.entries(phases).map(([phase, seconds]) => [`${phase}_seconds`, seconds])),
    ...(chain.length === 0 ? {} : { certificate_expires: earliestExpiry(chain) / 1000 }),
    ...(redirects === 0 ? {} : { redirects }),
    ...(body.length === 0 ? {} : { body_bytes: body.length })
  }
}
