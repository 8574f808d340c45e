// A small Elasticsearch for fault tests: real HTTP, documents with create semantics, and a script of ways to fail.
//
//   const fake = await startFakeElasticsearch()
//   fake.next(refuse(503), resetInBody())      // the first two bulk requests fail …
//   …                                          // … and later ones do as fake.otherwise() says: accept()
//   assert.equal(fake.count(), 100)
import { createServer as createPlain, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecure } from 'node:https'
import type { Socket } from 'node:net'
import { accept, type Behaviour } from './fake-elasticsearch/behaviours.ts'
import { Exchange, isBulk, type Seen } from './fake-elasticsearch/exchange.ts'
import { Store, type Stored } from './fake-elasticsearch/store.ts'
import { FakePort } from './fake-port.ts'

export * from './fake-elasticsearch/behaviours.ts'
export type { Seen } from './fake-elasticsearch/exchange.ts'
export type { Stored } from './fake-elasticsearch/store.ts'

export interface FakeOptions {
  /** What GET / says; the default is Elasticsearch 8.19.21. */
  readonly product?: 'elasticsearch' | 'opensearch'
  readonly version?: string
  /** Another node of its cluster: what one stores, both have. */
  readonly beside?: FakeElasticsearch
  /** The one value of the Authorization header that is let in; others get 401 for every path. */
  readonly authorization?: string
  readonly tls?: { readonly key: string; readonly cert: string; readonly ca?: string; readonly requestCert?: boolean }
}

/** Starts a fake on a free port of 127.0.0.1. */
export async function startFakeElasticsearch(options: FakeOptions = {}): Promise<FakeElasticsearch> {
  const fake = new FakeElasticsearch(options)
  await fake.up()
  return fake
}

export class FakeElasticsearch {
  /** Every bulk request, in the order of their heads. */
  readonly requests: Seen[] = []
  /** Every other request. */
  readonly others: Seen[] = []
  /** See FakeOptions; may be changed while it runs, as when a key is revoked. */
  authorization: string | undefined
  readonly #options: FakeOptions
  readonly #store: Store
  readonly #script: Behaviour[] = []
  readonly #sockets = new Map<Socket, number>()
  #otherwise: Behaviour = accept()
  readonly #port = new FakePort(() => this.#newServer())
  #server: Server | undefined
  #connections = 0
  #failure: unknown

  constructor(options: FakeOptions) {
    this.#options = options
    this.authorization = options.authorization
    this.#store = options.beside === undefined ? new Store() : options.beside.#store
  }

  get url(): string {
    return `${this.#options.tls === undefined ? 'http' : 'https'}://${this.#port.address}`
  }

  get port(): number {
    return this.#port.number
  }

  /** Connections taken since the start, and those open now. */
  get connections(): { total: number; open: number } {
    return { total: this.#connections, open: new Set(this.#sockets.values()).size }
  }

  /** Documents in the order they were stored; a replaced one appears again. */
  get docs(): readonly Stored[] {
    return this.#store.stored
  }

  /** Distinct documents of an index, or of all. */
  count(index?: string): number {
    return this.#store.count(index)
  }

  get(index: string, id: string): Stored | undefined {
    return this.#store.get(index, id)
  }

  /** Says what is done with the next bulk requests, one each. */
  next(...behaviours: Behaviour[]): void {
    this.#script.push(...behaviours)
  }

  /** Says what is done when next() has nothing left. */
  otherwise(behaviour: Behaviour): void {
    this.#otherwise = behaviour
  }

  /** Behaviours of next() that no request has met yet. */
  get pending(): number {
    return this.#script.length
  }

  /** Listens, again on the same port after down(); documents are kept. */
  up(): Promise<void> {
    return this.#port.up()
  }

  /** Drops every connection and refuses new ones. May be called twice. */
  down(): Promise<void> {
    return this.#port.down()
  }

  #newServer(): Server {
    const handle = (incoming: IncomingMessage, response: ServerResponse): void => void this.#handle(incoming, response)
    const server = this.#options.tls === undefined ? createPlain(handle) : createSecure(this.#options.tls, handle)
    server.on('connection', (socket: Socket) => this.#connected(socket))
    // A TLS socket has another object, and its requests know only that one.
    server.on('secureConnection', (socket: Socket) => this.#connected(socket, this.#connections))
    server.keepAliveTimeout = 0 // Elasticsearch never closes an idle connection by itself
    server.requestTimeout = 0
    this.#server = server
    return server
  }

  /** down(), and an error of the fake itself, if there was one, comes to light. */
  async stop(): Promise<void> {
    await this.down()
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Closes the connections that wait for a next request, as a load balancer does. */
  closeIdle(): void {
    this.#server?.closeIdleConnections()
  }

  #connected(socket: Socket, number = ++this.#connections): void {
    this.#sockets.set(socket, number)
    socket.on('error', () => undefined) // resets are part of the play
    socket.once('close', () => this.#sockets.delete(socket))
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = this.#see(incoming)
    if (this.#options.product !== 'opensearch') response.setHeader('X-elastic-product', 'Elasticsearch')
    const bulk = isBulk(seen.path)
    ;(bulk ? this.requests : this.others).push(seen)
    const exchange = new Exchange(seen, incoming, response, this.#store)
    try {
      if (this.authorization !== undefined && exchange.header('authorization') !== this.authorization) {
        await exchange.read()
        exchange.answerError(401, 'security_exception', 'missing or wrong credentials', { 'www-authenticate': 'Basic' })
      } else if (bulk) {
        await (this.#script.shift() ?? this.#otherwise)(exchange)
      } else {
        this.#answerOther(exchange)
      }
    } catch (error) {
      this.#failure ??= error
      response.destroy()
    }
  }

  #see(incoming: IncomingMessage): Seen {
    const url = new URL(incoming.url ?? '/', 'http://fake')
    const headers: Array<[string, string]> = []
    for (let i = 0; i + 1 < incoming.rawHeaders.length; i += 2) {
      headers.push([incoming.rawHeaders[i] ?? '', incoming.rawHeaders[i + 1] ?? ''])
    }
    return {
      method: incoming.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers,
      connection: this.#sockets.get(incoming.socket) ?? 0,
      at: performance.now(),
      wireBytes: 0,
      bodyBytes: 0,
      documents: 0,
      body: '',
      status: 0
    }
  }

  #answerOther(exchange: Exchange): void {
    const { path } = exchange.seen
    if (path === '/') return exchange.answer(200, JSON.stringify(this.#banner()))
    if (path === '/_cluster/health') return exchange.answer(200, '{"cluster_name":"fake","status":"green"}')
    const count = /^\/(?:([^/]+)\/)?_count$/.exec(path)
    if (count !== null) return exchange.answer(200, JSON.stringify({ count: this.count(count[1]) }))
    exchange.answerError(404, 'index_not_found_exception', `no such index [${path.slice(1)}]`)
  }

  #banner(): object {
    const opensearch = this.#options.product === 'opensearch'
    const number = this.#options.version ?? (opensearch ? '2.19.6' : '8.19.21')
    const version = opensearch ? { distribution: 'opensearch', number } : { number, build_flavor: 'default' }
    return { name: 'fake', cluster_name: 'fake', version, tagline: 'a fake for tests' }
  }
}
