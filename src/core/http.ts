// HTTP requests out: bounded connections kept alive, deadlines, TLS from files, proxies, and errors that name the URL.
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { endedPlain, inWords, objectionIn } from './connection-words.ts'
import { errnoOf, YarderError } from './errors.ts'
import type { ErrorCode, YarderErrorOptions } from './errors.ts'
import { silentLog } from './log.ts'
import type { Log } from './log.ts'
import { TlsFiles } from './tls-files.ts'
import type { TlsOptions } from './tls-files.ts'

export interface HttpClientOptions {
  tls?: TlsOptions | undefined
  /** Folder that relative paths in `tls` start from. */
  configDir?: string
  /** Connections to one host, idle ones included. */
  maxSockets?: number
  /** Milliseconds until a connection must stand, TLS and proxy included. */
  connectTimeout?: number
  /** Milliseconds an idle connection is kept; below the 60 s after which load balancers forget theirs. */
  idleTimeout?: number
  /** Milliseconds after which connections are made anew, so that a changed DNS answer is followed. */
  maxAge?: number
  /** Where HTTPS_PROXY, HTTP_PROXY and NO_PROXY (also in lower case) are looked up. */
  env?: NodeJS.ProcessEnv
  log?: Log
}

export interface HttpRequest {
  method: string
  /** A user or password in it is not sent; give the header. */
  url: URL
  headers?: OutgoingHttpHeaders
  /** May be changed again once the promise has settled. */
  body?: Buffer
  /** Milliseconds for everything. */
  timeout: number
  signal?: AbortSignal
  /** The rest of a longer answer is not read. */
  maxResponseBytes?: number
}

export interface HttpResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The answer was longer than wanted, or the peer broke off within it. */
  readonly truncated: boolean
}

/** `connect`: the request never reached the peer. `exchange`: it may have, in part or whole. */
export class HttpError extends YarderError {
  readonly stage: 'connect' | 'exchange'

  constructor(code: ErrorCode, message: string, stage: 'connect' | 'exchange', options?: YarderErrorOptions) {
    super(code, message, options)
    this.stage = stage
  }
}

interface Pair {
  readonly http: HttpAgent
  readonly https: HttpsAgent
  readonly tlsVersion: number
  readonly born: number
}

/** A URL as it may be shown: no user, no password, no query values. */
export function shownUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`
}

/** Milliseconds that a Retry-After header (seconds or a date) asks for; undefined when there is none. */
export function retryAfter(headers: IncomingHttpHeaders, nowMs: number): number | undefined {
  const text = headers['retry-after']?.trim()
  if (text === undefined || text === '') return undefined
  if (/^\d+$/.test(text)) return Number(text) * 1000
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs)
}

export class HttpClient {
  readonly #options: Required<Omit<HttpClientOptions, 'tls' | 'log' | 'configDir'>>
  readonly #tls: TlsFiles
  #pair: Pair | undefined
  #retired: Pair[] = []
  /** Hosts that have shown what they speak. */
  readonly #answered = new Set<string>()
  #closed = false

  constructor(options: HttpClientOptions = {}) {
    const log = options.log ?? silentLog
    this.#tls = new TlsFiles(options.tls, options.configDir ?? '/', log)
    this.#options = {
      maxSockets: options.maxSockets ?? 2,
      connectTimeout: options.connectTimeout ?? 10_000,
      idleTimeout: options.idleTimeout ?? 30_000,
      maxAge: options.maxAge ?? 300_000,
      env: options.env ?? process.env
    }
  }

  /**
   * One request; redirects are not followed, and any status is an answer. Rejects with HttpError. A request that met a
   * connection which the peer had closed meanwhile is repeated once on a new one.
   */
  async request(r: HttpRequest): Promise<HttpResponse> {
    const deadline = performance.now() + r.timeout
    const pair = await this.#agents(r.url)
    const agent = r.url.protocol === 'https:' ? pair.https : pair.http
    try {
      return await this.#once(r, agent, deadline)
    } catch (error) {
      if (!(error instanceof StaleSocket)) throw error
      // Whatever closed one idle connection (a restart, a balancer) closed the others as well.
      for (const sockets of Object.values(agent.freeSockets)) for (const s of sockets ?? []) s.destroy()
      return await this.#once(r, agent, deadline).catch((again: unknown) => {
        throw again instanceof StaleSocket ? again.cause : again
      })
    }
  }

  /** That the peer can be connected to, by proxy and TLS as a request would be; nothing is said to it. Rejects with HttpError. */
  async connect(url: URL, signal: AbortSignal): Promise<void> {
    const pair = await this.#agents(url)
    const what = `connecting to ${shownUrl(url)}`
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const fail = (code: ErrorCode, cause: unknown): void => reject(httpError(code, what, 'connect', cause))
    const { connectTimeout } = this.#options
    const bare = new URL(url)
    bare.username = bare.password = ''
    const secure = bare.protocol === 'https:'
    const req = (secure ? httpsRequest : httpRequest)(bare, { agent: secure ? pair.https : pair.http })
    const timer = setTimeout(
      () => fail('TIMEOUT', new Error(`no connection within ${connectTimeout} ms`)),
      connectTimeout
    )
    const onAbort = (): void => fail('UNREACHABLE', signal.reason)
    whenConnected(req, resolve)
    req.on('error', error => fail('UNREACHABLE', error))
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await promise
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      req.destroy()
    }
  }

  /** Connections that are open now, idle ones included. */
  get connections(): number {
    return [...this.#retired, ...(this.#pair === undefined ? [] : [this.#pair])].reduce((n, p) => n + socketsOf(p), 0)
  }

  /** Breaks off what is under way and closes every connection. */
  close(): void {
    this.#closed = true
    for (const pair of [...this.#retired, ...(this.#pair === undefined ? [] : [this.#pair])]) {
      pair.http.destroy()
      pair.https.destroy()
    }
    this.#retired = []
    this.#pair = undefined
  }

  async #agents(url: URL): Promise<Pair> {
    const material = url.protocol === 'https:' ? await this.#tls.read() : undefined
    if (this.#closed) throw new HttpError('UNREACHABLE', `client closed before ${shownUrl(url)}`, 'connect')
    const old = this.#pair
    const version = material?.version ?? old?.tlsVersion ?? 0
    if (old !== undefined && old.tlsVersion === version && performance.now() - old.born < this.#options.maxAge)
      return old
    const common = {
      keepAlive: true,
      maxSockets: this.#options.maxSockets,
      maxFreeSockets: this.#options.maxSockets,
      timeout: this.#options.idleTimeout,
      proxyEnv: this.#options.env
    }
    this.#pair = {
      http: new HttpAgent(common),
      https: new HttpsAgent({
        ...common,
        ...(material === undefined
          ? {}
          : {
              secureContext: material.secureContext,
              rejectUnauthorized: material.rejectUnauthorized,
              ...(material.servername === undefined ? {} : { servername: material.servername })
            })
      }),
      tlsVersion: version,
      born: performance.now()
    }
    if (old !== undefined) this.#retire(old)
    return this.#pair
  }

  /** Its idle connections go now; those at work end their request and are closed by the idle timeout. */
  #retire(old: Pair): void {
    for (const agent of [old.http, old.https])
      for (const sockets of Object.values(agent.freeSockets)) for (const s of sockets ?? []) s.destroy()
    this.#retired = [...this.#retired, old].filter(p => socketsOf(p) > 0)
  }

  #once(r: HttpRequest, agent: HttpAgent, deadline: number): Promise<HttpResponse> {
    const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>()
    const what = `${r.method} ${shownUrl(r.url)}`
    if (r.signal?.aborted === true)
      return Promise.reject(new HttpError('UNREACHABLE', what, 'connect', { cause: r.signal.reason }))
    let connected = false
    const fail = (code: ErrorCode, cause: unknown): void =>
      reject(httpError(code, what, connected ? 'exchange' : 'connect', cause))

    const target = new URL(r.url)
    target.username = target.password = ''
    const req = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, {
      method: r.method,
      agent,
      headers: { ...r.headers, ...(r.body === undefined ? {} : { 'content-length': r.body.length }) }
    })
    const giveUp = (code: ErrorCode, cause: unknown): void => {
      fail(code, cause)
      req.destroy()
    }
    const connectTimer = setTimeout(
      () => giveUp('TIMEOUT', new Error(`no connection within ${this.#options.connectTimeout} ms`)),
      this.#options.connectTimeout
    )
    const timer = setTimeout(
      () => giveUp('TIMEOUT', new Error(`no whole answer within ${r.timeout} ms`)),
      Math.max(0, deadline - performance.now())
    )
    const onAbort = (): void => giveUp('UNREACHABLE', r.signal?.reason)
    whenConnected(req, () => {
      connected = true
      clearTimeout(connectTimer)
    })
    req.on('response', res => {
      clearTimeout(connectTimer)
      connected = true
      this.#answered.add(target.host)
      this.#read(res, r.maxResponseBytes ?? 16 * 1024 * 1024, resolve, error => fail('UNREACHABLE', error))
    })
    req.on('error', error => {
      if (req.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(errnoOf(error)) && !r.signal?.aborted)
        reject(new StaleSocket(new HttpError('UNREACHABLE', what, 'exchange', { cause: error })))
      else {
        const strange = target.protocol === 'http:' && connected && !this.#answered.has(target.host)
        const code = errnoOf(error).startsWith('HPE_') ? 'PROTOCOL' : 'UNREACHABLE'
        fail(code, strange ? endedPlain(error) : error)
      }
    })
    r.signal?.addEventListener('abort', onAbort, { once: true })
    req.end(r.body)
    return promise.finally(() => {
      clearTimeout(connectTimer)
      clearTimeout(timer)
      r.signal?.removeEventListener('abort', onAbort)
      // An answer that came before the request was sent: the rest of it must not go out from a buffer used anew.
      if (!req.writableFinished) req.destroy()
    })
  }

  /** A refusal may come while the body is still being sent, and the connection break right after: what came counts. */
  #read(res: IncomingMessage, limit: number, resolve: (r: HttpResponse) => void, fail: (error: unknown) => void): void {
    const chunks: Buffer[] = []
    let length = 0
    const done = (truncated: boolean): void =>
      resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks), truncated })
    res.on('data', (chunk: Buffer) => {
      const room = limit - length
      chunks.push(chunk.length <= room ? chunk : chunk.subarray(0, room))
      length += chunk.length
      if (length <= limit) return
      done(true)
      res.destroy()
    })
    res.on('end', () => done(false))
    res.on('error', error => {
      if ((res.statusCode ?? 0) >= 400) done(true)
      else fail(error)
    })
  }
}

/** With what a server has against our certificate as the first words, since that is no trouble of the network. */
function httpError(code: ErrorCode, what: string, stage: 'connect' | 'exchange', error: unknown): HttpError {
  const objection = objectionIn(error)
  const cause = inWords(error)
  if (objection !== undefined) return new HttpError('REFUSED', `${objection}: ${what}`, stage, { cause })
  return new HttpError(code, what, stage, { cause })
}

/** The peer closed an idle connection at the moment it was used again. */
class StaleSocket extends Error {
  constructor(cause: HttpError) {
    super('stale connection', { cause })
  }
}

function whenConnected(req: ClientRequest, then: () => void): void {
  req.on('socket', socket => {
    if (!socket.connecting && !('encrypted' in socket && (socket as { secureConnecting?: boolean }).secureConnecting))
      return then()
    socket.once('encrypted' in socket ? 'secureConnect' : 'connect', then)
  })
}

function socketsOf(pair: Pair): number {
  let n = 0
  for (const agent of [pair.http, pair.https])
    for (const held of [agent.sockets, agent.freeSockets])
      for (const list of Object.values(held)) n += list?.length ?? 0
  return n
}
