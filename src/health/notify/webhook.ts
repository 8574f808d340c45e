// `webhook`: a POST with JSON for each change of a check.
import { hostname } from 'node:os'
import { defineNotify } from '../../core/component.ts'
import { choice, duration, map, text, url } from '../../core/field.ts'
import { lintTls, tls } from '../../core/tls-files.ts'
import { documentOf } from './document.ts'
import { createPost } from './post.ts'

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
    const post = createPost(o, context)
    return (notification, signal) => post(documentOf(notification, hostname()), signal)
  }
})
