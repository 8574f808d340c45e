// HTTP servers that take the same records: where they are, who we are to them, and the first of them that answers.
import type { HttpResponse } from '../core/http.ts'
import { shownUrl } from '../core/http.ts'
import type { Destination, Hosts } from './hosts.ts'
import { firstWords, isHostTrouble, refusal } from './http-answer.ts'
import { accountOf } from './url-account.ts'

/** Where to send to, and as whom. */
export interface HttpAddress {
  /** Without credentials. */
  readonly url: URL
  /** Value of the header of that name. */
  readonly authorization: string | undefined
}

export interface HttpHost extends HttpAddress, Destination {
  busy: number
}

export const httpHost = (address: HttpAddress, knock: Destination['knock']): HttpHost => ({
  ...address,
  name: address.url.host,
  busy: 0,
  knock
})

/** Ways to say who we are; a user in the address comes before the one beside it. */
export interface Credentials {
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly token?: string | undefined
}

/** `option` is where the address stands. Throws OptionError. */
export function addressOf(given: URL, o: Credentials, option: string): HttpAddress {
  const url = new URL(given)
  const own = accountOf(url, option)
  const { user, password } = own.user === undefined ? { user: o.username, password: o.password } : own
  url.username = url.password = ''
  const basic = user === undefined ? undefined : `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`
  return { url, authorization: o.token === undefined ? basic : `Bearer ${o.token}` }
}

/** The first that answers; one that doesn't, or only passes on that something behind it is down, gives way to the next. */
export async function firstToAnswer(
  hosts: Hosts<HttpHost>,
  ask: (host: HttpHost) => Promise<HttpResponse>,
  signal: AbortSignal
): Promise<HttpResponse> {
  let last: { response: HttpResponse } | { error: unknown } = { error: new Error('no host') }
  for (const host of hosts.order()) {
    host.busy++
    try {
      const response = await ask(host)
      if (!isHostTrouble(response.status)) {
        hosts.good(host)
        return response
      }
      last = { response }
      hosts.bad(host, refusal(shownUrl(host.url), response, firstWords(response)))
    } catch (error) {
      if (signal.aborted) throw error
      last = { error }
      hosts.bad(host, error)
    } finally {
      host.busy--
    }
  }
  if ('response' in last) return last.response
  throw last.error
}
