// Follows redirects as a browser does, but never in a circle, and never with secrets to another place.
import { shownUrl } from '../../../core/http.ts'
import { ConnectionError } from '../../connection.ts'
import { exchange } from './exchange.ts'
import type { Answer, Request } from './exchange.ts'

const REDIRECTS = [301, 302, 303, 307, 308]
/** Not sent on to another origin (RFC 9110, section 15.4). */
const PRIVATE = /^(authorization|cookie|proxy-authorization|host)$/i

export interface Followed extends Answer {
  readonly url: URL
  readonly redirects: number
}

/** The answer that is no redirect, or the first one when `most` is 0. Rejects with ConnectionError. */
export async function follow(first: Request, most: number, signal: AbortSignal): Promise<Followed> {
  const seen = new Set<string>()
  const phases: Record<string, number> = {}
  for (let request = first, redirects = 0; ; redirects++) {
    seen.add(`${request.method} ${request.url.href}`)
    const answer = await exchange(request, signal)
    for (const [phase, n] of Object.entries(answer.phases)) phases[phase] = (phases[phase] ?? 0) + n
    const to = answer.headers.location
    if (most === 0 || !REDIRECTS.includes(answer.status) || to === undefined)
      return { ...answer, phases, url: request.url, redirects }
    if (redirects === most)
      throw new ConnectionError('redirect', `more than ${most} redirects, the last to ${where(to)}`)
    const next = redirected(request, answer.status, to)
    if (seen.has(`${next.method} ${next.url.href}`))
      throw new ConnectionError('redirect', `${shownUrl(next.url)} is redirected to itself`)
    request = next
  }
}

const where = (location: string): string =>
  URL.canParse(location) ? shownUrl(new URL(location)) : location.slice(0, 200)

function redirected(r: Request, status: number, to: string): Request {
  if (!URL.canParse(to, r.url))
    throw new ConnectionError('redirect', `a redirect to ${JSON.stringify(to.slice(0, 200))}`)
  const url = new URL(to, r.url)
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new ConnectionError('redirect', `a redirect to a ${url.protocol.slice(0, -1)} address`)
  const get = status === 303 ? r.method !== 'HEAD' : (status === 301 || status === 302) && r.method === 'POST'
  const headers = Object.entries(r.headers).filter(
    ([name]) => (url.origin === r.url.origin || !PRIVATE.test(name)) && (!get || !/^content-/i.test(name))
  )
  return { ...r, url, headers: Object.fromEntries(headers), ...(get ? { method: 'GET', body: undefined } : {}) }
}
