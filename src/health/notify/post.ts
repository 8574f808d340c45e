// One POST of a notification, and what its answer means.
import type { Context } from '../../core/component.ts'
import { YarderError } from '../../core/errors.ts'
import { HttpClient, retryAfter } from '../../core/http.ts'
import type { TlsOptions } from '../../core/tls-files.ts'

export interface PostOptions {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  /** Milliseconds. */
  readonly timeout: number
  readonly tls: TlsOptions | undefined
}

/**
 * Sends JSON. 2xx is a receipt; on 408, 429 and 5xx it rejects with an error that is worth another try, on all else
 * with one that is not. No message shows the path, which is often secret.
 */
export function createPost(o: PostOptions, context: Context): (body: unknown, signal: AbortSignal) => Promise<void> {
  const client = new HttpClient({ tls: o.tls, configDir: context.configDir, log: context.log })
  const headers = { 'content-type': 'application/json', 'user-agent': 'yarder', ...o.headers, connection: 'close' }
  const what = `notifying ${o.url.host}`
  return async (body, signal) => {
    const request = {
      method: o.method,
      url: o.url,
      headers,
      body: Buffer.from(JSON.stringify(body)),
      timeout: o.timeout,
      signal,
      maxResponseBytes: 4096
    }
    const response = await client.request(request).catch((error: unknown) => {
      // Its message names the path.
      throw error instanceof YarderError ? new YarderError(error.code, what, { cause: error.cause }) : error
    })
    const { status } = response
    if (status >= 200 && status < 300) return
    const passing = status === 408 || status === 429 || status >= 500
    throw new YarderError(passing ? 'REFUSED' : 'CONFIG', `${what}: HTTP ${status}`, {
      retryAfterMs: retryAfter(response.headers, context.clock.now())
    })
  }
}
