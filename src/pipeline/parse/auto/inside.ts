// What stands around and inside of a message: the prefix of Docker Compose, a level, a logger, a request.
import type { Cursor, Event } from '../../../core/event.ts'

const PIPE = 124

/** The length of `app_1  | `, 0 when the line has no such prefix. */
export function servicePrefix(line: string): number {
  let at = 0
  for (;;) {
    const c = line.charCodeAt(at)
    const ofName =
      (c >= 97 && c <= 122) || (c >= 48 && c <= 57) || c === 95 || c === 45 || (c >= 65 && c <= 90) || c === 46
    if (!ofName || at > 63) break
    at++
  }
  if (at === 0 || line.charCodeAt(at) !== 32) return 0
  while (line.charCodeAt(at) === 32) at++
  if (line.charCodeAt(at) !== PIPE) return 0
  // A second blank may belong to the line (` * Running on …`).
  return line.charCodeAt(at + 1) === 32 ? at + 2 : at + 1
}

const LEVEL_THERE =
  /^\[ *(trace|debug|info|notice|warn|warning|error|err|fatal|crit|critical) *\](?: \[([\w.:-]+)\])? ?/i
const REQUEST_THERE =
  /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|TRACE) (\/[^ ]*|\*)(?: HTTP\/(\d(?:\.\d)?))?(?: (\d{3})\b)?/

/** Takes the level, logger and request out of the message proper, where the frame around it had none. */
export function insideText(text: string, event: Event, _cursor?: Cursor): void {
  let rest = text
  if (text.charCodeAt(0) === 91) {
    const m = LEVEL_THERE.exec(text)
    if (m !== null) {
      event['level'] ??= m[1]
      if (m[2] !== undefined) event['logger'] ??= m[2]
      rest = text.slice(m[0].length)
    }
  }
  const first = rest.charCodeAt(0)
  if (first < 65 || first > 90) return
  const request = REQUEST_THERE.exec(rest)
  if (request === null) return
  event['verb'] ??= request[1]
  event['request'] ??= request[2]
  if (request[3] !== undefined) event['httpversion'] ??= request[3]
  if (request[4] !== undefined) event['response'] ??= Number(request[4])
}
