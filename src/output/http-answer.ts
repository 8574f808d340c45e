// What an HTTP server that takes records says when it doesn't: as an error, as one line, and whose trouble it is.
import { wantsTls } from '../core/connection-words.ts'
import { YarderError } from '../core/errors.ts'
import type { HttpResponse } from '../core/http.ts'

const PHRASES: Record<number, string> = {
  401: 'unauthorised',
  403: 'forbidden',
  404: 'not found',
  405: 'method refused',
  406: 'content type refused',
  413: 'too large',
  415: 'content type refused',
  429: 'too many requests'
}

/** What to do where the server's own words seldom say it. */
const ADVICE: Record<number, string> = {
  401: 'check user and password, key or token',
  404: 'is the path right?'
}

/** Whether another host might do better with the same request. */
export const isHostTrouble = (status: number): boolean => status === 502 || status === 503 || status === 504

/** The error for a whole request that was not taken; its first words make the state's message. `words` are the server's. */
export function refusal(what: string, response: HttpResponse, words: string, retryAfterMs?: number): YarderError {
  const { status, headers } = response
  const phrase =
    PHRASES[status] ??
    (status >= 500
      ? 'unavailable'
      : status >= 400
        ? 'refused'
        : status >= 300
          ? 'redirects are not followed'
          : 'odd answer')
  const to = status >= 300 && status < 400 && headers.location !== undefined ? ` to ${oneLine(headers.location)}` : ''
  const said = words === '' ? '' : `: ${words}`
  const known = wantsTls(words) ? 'write https://' : ADVICE[status]
  const advice = known === undefined ? '' : `; ${known}`
  return new YarderError('REFUSED', `${phrase}: ${what} answered ${status}${to}${said}${advice}`, {
    retryAfterMs,
    overloaded: status === 429
  })
}

/** The beginning of an answer's body as one line. */
export const firstWords = ({ body }: HttpResponse): string => oneLine(body.subarray(0, 400).toString('utf8'))

/** Servers and proxies answer in pages and traces; a line of the log is enough. */
export const oneLine = (text: string): string => {
  const line = text
    .replace(/<[^>]*>/g, ' ')
    .replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .trim()
  return line.length > 1000 ? `${line.slice(0, 999)}…` : line
}
