// `webhook`: a POST with JSON for each change of a check.
import { hostname } from 'node:os'
import { defineNotify } from '../../core/component.ts'
import type { Notification } from '../../core/component.ts'
import { YarderError } from '../../core/errors.ts'
import { choice, duration, map, text, url } from '../../core/field.ts'
import { HttpClient, retryAfter } from '../../core/http.ts'
import type { HttpResponse } from '../../core/http.ts'
import { lintTls, tls } from '../../core/tls-files.ts'

export const webhook = defineNotify({
  name: 'webhook',
  summary: 'Sends a JSON document to a URL.',
  description:
    'One request for each change, with `text` (a line for people, where Slack and its like look for it), `host`, `check`, `type`, `state`, `previous`, `reason`, `message`, `since`, `previous_since`, `recovered` and `owner`. An answer of 2xx is a receipt; 408, 429 and 5xx are tried again with growing waits for an hour; anything else is refused for good. Paths of such addresses are often secret, so no message shows them.',
  fields: {
    url: url('Address to send to.', { example: 'https://hooks.example.com/x', secret: true }),
    method: choice(['POST', 'PUT'], 'Request method.', { default: 'POST' }),
    headers: map(text('Value of the header.'), 'Sent with the request.', {
      default: {},
      example: { Authorization: 'Bearer ${file:/etc/yarder/token}' }
    }),
    timeout: duration('An answer that takes longer has failed.', { default: '10s', min: '100ms', max: '5m' }),
    tls
  },
  examples: [{ title: 'Those on call', yaml: 'type: webhook\nurl: https://hooks.example.com/x' }],
  *lint(o) {
    yield* lintTls(o.tls)
  },
  build(o, context) {
    const client = new HttpClient({ tls: o.tls, configDir: context.configDir, log: context.log })
    const headers = { 'content-type': 'application/json', 'user-agent': 'yarder', ...o.headers, connection: 'close' }
    const what = `notifying ${o.url.host}`
    return async (notification, signal) => {
      const body = Buffer.from(JSON.stringify(documentOf(notification)))
      const request = {
        method: o.method,
        url: o.url,
        headers,
        body,
        timeout: o.timeout,
        signal,
        maxResponseBytes: 4096
      }
      const response = await client.request(request).catch((error: unknown) => {
        // Its message names the path.
        throw error instanceof YarderError ? new YarderError(error.code, what, { cause: error.cause }) : error
      })
      judge(response, what, context.clock.now())
    }
  }
})

function documentOf(n: Notification): Record<string, unknown> {
  const host = hostname()
  return {
    text: `${n.state.toUpperCase()} ${n.check} on ${host}: ${n.message}`,
    host,
    check: n.check,
    type: n.type,
    state: n.state,
    previous: n.previous,
    reason: n.reason,
    message: n.message,
    since: new Date(n.since).toISOString(),
    previous_since: new Date(n.previousSince).toISOString(),
    recovered: n.state === 'ok',
    ...(n.owner === undefined ? {} : { owner: n.owner })
  }
}

function judge({ status, headers }: HttpResponse, what: string, now: number): void {
  if (status >= 200 && status < 300) return
  const passing = status === 408 || status === 429 || status >= 500
  throw new YarderError(passing ? 'REFUSED' : 'CONFIG', `${what}: HTTP ${status}`, {
    retryAfterMs: retryAfter(headers, now)
  })
}
