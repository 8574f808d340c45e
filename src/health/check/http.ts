// `http` check: one request on a connection of its own, judged by status and body.
import { defineCheck } from '../../core/component.ts'
import type { CheckReason } from '../../core/component.ts'
import { describe, YarderError } from '../../core/errors.ts'
import { choice, map, oneOrMore, optional, regex, size, string, text, url } from '../../core/field.ts'
import { HttpClient } from '../../core/http.ts'
import type { HttpResponse } from '../../core/http.ts'
import { lintTls, tls } from '../../core/tls-files.ts'
import { networkReason } from '../reason.ts'

const STATUS = /^[1-5](\d\d|xx)$/i

export const http = defineCheck({
  name: 'http',
  summary: 'Requests a URL; healthy when status and body are as expected.',
  description:
    'Each request opens a connection of its own, as a new client would. Redirects are not followed: a 301 is its answer. Without `body_matches` the body is not read.',
  fields: {
    url: url('Address to request.', { example: 'http://127.0.0.1:8080/healthz' }),
    method: choice(['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS'], 'Request method.', { default: 'GET' }),
    headers: map(text('Value of the header.'), 'Sent with the request.', {
      default: {},
      example: { Host: 'shop.example.com' }
    }),
    body: optional(string('Sent with the request; give its `Content-Type` in `headers`.')),
    expect_status: oneOrMore(
      string('A status or a class of them.', { pattern: STATUS, must: 'a status such as 204, or a class such as 2xx' }),
      'Statuses that count as healthy: `204`, or classes such as `2xx`.',
      { default: ['2xx'], example: ['2xx', 301] }
    ),
    body_matches: optional(regex('Must match somewhere in the first `max_body` of the body.')),
    max_body: size('At most this much of the body is read, for `body_matches`.', {
      default: '64KiB',
      min: 1,
      max: '16MiB'
    }),
    tls
  },
  examples: [
    { title: 'A page', yaml: 'type: http\nurl: http://127.0.0.1/\nexpect_status: [2xx]' },
    {
      title: 'A health endpoint',
      yaml: 'type: http\nurl: http://127.0.0.1:9200/_cluster/health\nbody_matches: \'"status":"(green|yellow)"\''
    }
  ],
  *lint(o) {
    if (o.method === 'HEAD' && o.body_matches !== undefined)
      yield ['body_matches', 'needs a body, and HEAD has none; use method: GET']
    if ((o.method === 'HEAD' || o.method === 'GET') && o.body !== undefined)
      yield ['body', `is not sent with ${o.method}; use method: POST`]
    yield* lintTls(o.tls)
  },
  build(o, context) {
    const healthy = new Set(o.expect_status.map(s => s.toLowerCase()))
    const client = new HttpClient({
      tls: o.tls,
      configDir: context.configDir,
      log: context.log,
      connectTimeout: FOREVER
    })
    const headers = { 'user-agent': 'yarder', ...o.headers, connection: 'close' }
    const body = o.body === undefined ? undefined : Buffer.from(o.body)

    function judge({ status, body: answer }: HttpResponse): [reason: CheckReason, message: string] {
      if (!healthy.has(String(status)) && !healthy.has(`${Math.trunc(status / 100)}xx`))
        return ['status', `HTTP ${status}, expected ${o.expect_status.join(' or ')}`]
      if (o.body_matches !== undefined && !o.body_matches.test(answer.toString()))
        return ['body', `HTTP ${status}, but the body does not match ${o.body_matches.source}`]
      return ['ok', `HTTP ${status}`]
    }

    return async signal => {
      try {
        const response = await client.request({
          method: o.method,
          url: o.url,
          headers,
          ...(body === undefined ? {} : { body }),
          timeout: FOREVER,
          signal,
          maxResponseBytes: o.body_matches === undefined ? 0 : o.max_body
        })
        const [reason, message] = judge(response)
        return { state: reason === 'ok' ? 'ok' : 'critical', reason, message, values: { status: response.status } }
      } catch (error) {
        const reason = error instanceof YarderError && error.code === 'PROTOCOL' ? 'protocol' : networkReason(error)
        return { state: 'critical', reason, message: describe(error) }
      }
    }
  }
})

/** The time limit is the caller's, by the signal; as long as a timer can be. */
const FOREVER = 2 ** 31 - 1
