// A change of a check as programs and people elsewhere get it.
import type { Notification } from '../../core/component.ts'

/** JSON data; `text` is a line for people. */
export function documentOf(n: Notification, host: string): Record<string, unknown> {
  return {
    text: lineOf(n, host),
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

/** `CRITICAL homepage on web1: HTTP 500, expected 2xx`. */
export const lineOf = (n: Notification, host: string): string =>
  `${n.state.toUpperCase()} ${n.check} on ${host}: ${n.message}`
