// `slack`: a message in a channel of Slack, Mattermost or whatever else takes Slack's incoming webhooks.
import { hostname } from 'node:os'
import { defineNotify } from '../../core/component.ts'
import type { CheckState, Notification } from '../../core/component.ts'
import { duration, optional, string, url } from '../../core/field.ts'
import { lintTls, tls } from '../../core/tls-files.ts'
import { lineOf } from './document.ts'
import { createPost } from './post.ts'

/** As people of that trade expect them. */
const COLOURS: Record<CheckState, string> = {
  ok: '#2eb67d',
  warning: '#ecb22e',
  critical: '#e01e5a',
  unknown: '#888888'
}

export const slack = defineNotify({
  name: 'slack',
  summary: 'Writes into a channel of Slack, or of what takes its incoming webhooks, such as Mattermost.',
  description:
    'One message for each change, with a colour, the reason, and since when. Tried again as `webhook` is. The address is a secret; no message shows its path.',
  fields: {
    url: url('Address of the incoming webhook.', { example: 'https://hooks.slack.com/services/x', secret: true }),
    channel: optional(string('Channel, where the webhook lets one choose.', { example: '#oncall' })),
    timeout: duration('An answer that takes longer has failed.', { default: '10s', min: '100ms', max: '5m' }),
    tls
  },
  examples: [{ title: 'Those on call', yaml: 'type: slack\nurl: https://hooks.slack.com/services/x' }],
  *lint(o) {
    yield* lintTls(o.tls)
  },
  build(o, context) {
    const post = createPost({ url: o.url, method: 'POST', headers: {}, timeout: o.timeout, tls: o.tls }, context)
    const channel = o.channel === undefined ? {} : { channel: o.channel }
    return (notification, signal) => post({ ...channel, ...messageOf(notification, hostname()) }, signal)
  }
})

/** Slack reads `<…>` as links and `&` as the beginning of an entity. */
const plain = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

function messageOf(n: Notification, host: string): Record<string, unknown> {
  const field = (title: string, value: string) => ({ title, value: plain(value), short: true })
  const text = plain(lineOf(n, host))
  return {
    text,
    attachments: [
      {
        color: COLOURS[n.state],
        fallback: text,
        fields: [
          field('Before', `${n.previous} since ${new Date(n.previousSince).toISOString()}`),
          field('Reason', n.reason),
          ...(n.owner === undefined ? [] : [field('Owner', n.owner)])
        ],
        ts: Math.floor(n.since / 1000)
      }
    ]
  }
}
