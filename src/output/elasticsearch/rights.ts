// Asks Elasticsearch what the account of an output may do, for `yarder doctor`; the agent itself finds out by sending.
import { HttpClient } from '../../core/http.ts'
import type { Template } from '../../core/template.ts'
import type { TlsOptions } from '../../core/tls-files.ts'
import { hostOf } from '../elasticsearch.ts'
import type { HostOptions } from '../elasticsearch.ts'

/** Those of the output's options that it takes. */
export interface RightsOptions extends HostOptions {
  readonly hosts: readonly string[]
  readonly index: Template
  readonly data_stream: { readonly type: string; readonly dataset: string; readonly namespace: string } | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly tls: TlsOptions | undefined
}

export interface MissingRights {
  readonly user: string
  /** Pattern of the indices that are written to. */
  readonly index: string
  /** Empty when nothing is missing. */
  readonly privileges: readonly string[]
  /** Of the cluster, without an account. */
  readonly url: string
}

/** To add documents, and to make the index they go into. */
const NEEDED = ['create_doc', 'auto_configure']

interface Answer {
  readonly username?: unknown
  readonly index?: Readonly<Record<string, Readonly<Record<string, boolean>>>>
}

/**
 * Undefined when nobody says: security is off, another product, or the account may not even ask. See "Has privileges"
 * (`POST /_security/user/_has_privileges`), which any account may ask about itself.
 */
export async function missingRights(
  o: RightsOptions,
  configDir: string,
  signal: AbortSignal
): Promise<MissingRights | undefined> {
  const { url, authorization } = hostOf(o.hosts[0]!, o)
  if (authorization === undefined) return undefined
  const client = new HttpClient({ tls: o.tls, configDir })
  const index = namesOf(o)
  try {
    const answer = await client.request({
      method: 'POST',
      url: new URL('_security/user/_has_privileges', url),
      headers: { 'user-agent': 'yarder', ...o.headers, authorization, 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify({ index: [{ names: [index], privileges: NEEDED }] })),
      timeout: 5000,
      signal
    })
    if (answer.status !== 200) return undefined
    const { username, index: told } = JSON.parse(answer.body.toString('utf8')) as Answer
    const has = told?.[index]
    if (has === undefined) return undefined
    const user = typeof username === 'string' ? username : 'the account'
    return { user, index, privileges: NEEDED.filter(name => has[name] === false), url: url.href }
  } catch {
    // That it can't be reached was told by the output itself.
    return undefined
  } finally {
    client.close()
  }
}

function namesOf({ index, data_stream: stream }: RightsOptions): string {
  if (stream !== undefined) return `${stream.type}-${stream.dataset}-${stream.namespace}`
  const constant = index.text.split('%{', 1)[0]!
  return constant === index.text ? constant : `${constant}*`
}
