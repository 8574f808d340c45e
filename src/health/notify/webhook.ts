// `webhook`: a POST with JSON for each change of a check.
import { hostname } from 'node:os'
import { defineNotify } from '../../core/component.ts'
import { anything, choice, duration, isMap, map, optional, template, text, url } from '../../core/field.ts'
import { lintTls, tls } from '../../core/tls-files.ts'
import { documentOf, lineOf } from './document.ts'
import { createPost } from './post.ts'
import { compilePayload, fillingOf, lintPayload, lintTemplate, TEMPLATE_DOC, worded } from './templates.ts'

export const webhook = defineNotify({
  name: 'webhook',
  summary: 'Sends a JSON document to a URL.',
  description: `One request for each change, with \`text\` (a line for people, where Slack and its like look for it), \`host\`, \`check\`, \`type\`, \`state\`, \`previous\`, \`reason\`, \`message\`, \`since\`, \`previous_since\`, \`recovered\` and \`owner\`. \`title\` and \`body\` word it anew, \`payload\` is another document altogether. ${TEMPLATE_DOC} An answer of 2xx is a receipt; 408, 429 and 5xx are tried again with growing waits for an hour; anything else is refused for good. Paths of such addresses are often secret, so no message shows them.`,
  fields: {
    url: url('Address to send to.', { example: 'https://hooks.example.com/x', secret: true }),
    method: choice(['POST', 'PUT'], 'Request method.', { default: 'POST' }),
    headers: map(text('Value of the header.'), 'Sent with the request.', {
      default: {},
      example: { Authorization: 'Bearer ${file:/etc/yarder/token}' }
    }),
    title: optional(
      template('Sent as `title`; there is none when absent.', { example: '%{check} on %{host} is %{state}' })
    ),
    body: optional(
      template('Sent as `text` instead of the line for people.', { example: '%{message} (since %{since})' })
    ),
    payload: optional(
      anything(
        'The whole document instead: JSON whose texts are templates. A text that is one field only, such as `"%{recovered}"`, keeps its type.',
        { example: { event_action: '%{action}', dedup_key: '%{key}' } }
      )
    ),
    timeout: duration('An answer that takes longer has failed.', { default: '10s', min: '100ms', max: '5m' }),
    tls
  },
  examples: [
    { title: 'Those on call', yaml: 'type: webhook\nurl: https://hooks.example.com/x' },
    {
      title: 'A document that another service prescribes',
      yaml: 'type: webhook\nurl: https://events.example.com/v2/enqueue\npayload:\n  routing_key: ${ROUTING_KEY}\n  event_action: "%{action}"\n  dedup_key: "%{key}"\n  payload:\n    summary: "%{text}"\n    source: "%{host}"\n    severity: critical'
    }
  ],
  *lint(o) {
    yield* lintTemplate('title', o.title)
    yield* lintTemplate('body', o.body)
    if (o.payload !== undefined) {
      if (!isMap(o.payload) && !Array.isArray(o.payload)) yield ['payload', 'must be a map or a list']
      if ((o.title ?? o.body) !== undefined) yield ['payload', 'goes without title and body; write their texts into it']
      yield* lintPayload('payload', o.payload)
    }
    yield* lintTls(o.tls)
  },
  build(o, context) {
    const post = createPost(o, context)
    const payload = o.payload === undefined ? undefined : compilePayload(o.payload)
    return (notification, signal) => {
      const host = hostname()
      const filling = fillingOf(notification, host)
      if (payload !== undefined) return post(payload(filling), signal)
      const title = o.title === undefined ? {} : { title: worded(o.title, filling, '') }
      const line = worded(o.body, filling, lineOf(notification, host))
      return post({ ...documentOf(notification, host), ...title, text: line }, signal)
    }
  }
})
