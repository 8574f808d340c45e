// One HTTP exchange on a connection of its own, with the time of each phase and the certificates the peer has shown.
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { TLSSocket } from 'node:tls'
import type { DetailedPeerCertificate } from 'node:tls'
import { errnoOf } from '../../../core/errors.ts'
import { shownUrl } from '../../../core/http.ts'
import type { TlsMaterial } from '../../../core/tls-files.ts'
import { chainOf, ConnectionError } from '../../connection.ts'
import { networkReason } from '../../reason.ts'

export interface Request {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | undefined
  /** Read of the answer's body; with 0 none of it. */
  readonly maxBody: number
  readonly tls: TlsMaterial | undefined
  /** Where HTTPS_PROXY and its like are looked up. */
  readonly env: NodeJS.ProcessEnv
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Longer than `maxBody`. */
  readonly truncated: boolean
  /** Seconds, by phase; a phase that there was not is absent. */
  readonly phases: Readonly<Record<string, number>>
  /** The peer's own certificate first; empty without TLS. */
  readonly chain: readonly DetailedPeerCertificate[]
}

/** A server has no business with longer ones; Node would take 16 KiB too, but says so less clearly. */
const MAX_HEADERS = 64 * 1024

/** Rejects with ConnectionError, which names the stage. */
export async function exchange(r: Request, signal: AbortSignal): Promise<Answer> {
  const secure = r.url.protocol === 'https:'
  const agent = secure
    ? new HttpsAgent({
        keepAlive: false,
        proxyEnv: r.env,
        secureContext: r.tls?.secureContext,
        rejectUnauthorized: r.tls?.rejectUnauthorized ?? true,
        ...(r.tls?.servername === undefined ? {} : { servername: r.tls.servername })
      })
    : new HttpAgent({ keepAlive: false, proxyEnv: r.env })
  const target = new URL(r.url)
  target.username = target.password = ''
  try {
    const req = (secure ? httpsRequest : httpRequest)(target, {
      method: r.method,
      agent,
      signal,
      maxHeaderSize: MAX_HEADERS,
      headers: {
        ...r.headers,
        connection: 'close',
        ...(r.body === undefined ? {} : { 'content-length': r.body.length })
      }
    })
    return await converse(req, r)
  } catch (cause) {
    const errno = errnoOf(cause)
    const what = `${r.method} ${shownUrl(r.url)}`
    const why = errno === 'HPE_HEADER_OVERFLOW' ? `${what}: more than ${MAX_HEADERS / 1024} KiB of headers` : what
    throw new ConnectionError(networkReason(cause), why, { cause })
  } finally {
    agent.destroy()
  }
}

async function converse(req: ClientRequest, r: Request): Promise<Answer> {
  const timed = timePhases(req)
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  let chain: readonly DetailedPeerCertificate[] = []
  req.on('response', resolve)
  // Stays for the request's life: an error may follow the end.
  req.on('error', reject)
  req.on('socket', socket =>
    socket.once('secureConnect', () => {
      if (socket instanceof TLSSocket) chain = chainOf(socket)
    })
  )
  req.end(r.body)
  const response = await promise
  const processed = timed('processing')
  const { body, truncated } =
    r.maxBody === 0 ? { body: Buffer.alloc(0), truncated: false } : await read(response, r.maxBody)
  const phases = r.maxBody === 0 ? processed : timed('transfer')
  req.destroy()
  return { status: response.statusCode ?? 0, headers: response.headers, body, truncated, phases, chain }
}

/** Each phase ends where the next begins; calling it ends one and gives all so far, in seconds. */
function timePhases(req: ClientRequest): (phase: string) => Record<string, number> {
  const phases: Record<string, number> = {}
  let since = performance.now()
  const end = (phase: string): Record<string, number> => {
    const now = performance.now()
    phases[phase] = (now - since) / 1000
    since = now
    return { ...phases }
  }
  req.on('socket', socket => {
    since = performance.now()
    socket.once('lookup', () => end('resolve'))
    socket.once('connect', () => end('connect'))
    socket.once('secureConnect', () => end('tls'))
  })
  return end
}

function read(response: IncomingMessage, limit: number): Promise<{ body: Buffer; truncated: boolean }> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const done = (truncated: boolean): void => resolve({ body: Buffer.concat(chunks), truncated })
    response.on('data', (chunk: Buffer) => {
      const room = limit - length
      if (room > 0) chunks.push(chunk.subarray(0, room))
      length += chunk.length
      if (length <= limit) return
      done(true)
      response.destroy()
    })
    response.on('end', () => done(false))
    response.on('error', reject)
  })
}
