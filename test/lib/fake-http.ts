// A small HTTP server that takes records as JSON, with a script of ways to answer and to fail.
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createSecure } from 'node:https'
import type { ServerOptions } from 'node:https'
import { gunzipSync } from 'node:zlib'
import { FakePort } from './fake-port.ts'

type Doc = Record<string, unknown>

/** One request with its whole body, in the hands of a behaviour. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly body: string
  /** Bytes of the body as they came. */
  readonly wireBytes: number
  readonly records: readonly Doc[]
  /** Keeps the records. */
  take(): void
}

export type Behaviour = (exchange: Exchange) => void

export const take =
  (status = 200): Behaviour =>
  exchange => {
    exchange.take()
    exchange.response.writeHead(status).end('ok')
  }
export const refuse =
  (status: number, words = `refused with ${status} by the test`, headers: Record<string, string> = {}): Behaviour =>
  ({ response }) =>
    void response.writeHead(status, headers).end(words)
/** 413 to bodies that are longer. */
export const limit =
  (bytes: number): Behaviour =>
  exchange =>
    (exchange.wireBytes > bytes ? refuse(413) : take())(exchange)
export const reset = (): Behaviour => exchange => void exchange.request.socket.destroy()
/** Takes the records and forgets to say so. */
export const takeAndReset = (): Behaviour => exchange => {
  exchange.take()
  exchange.request.socket.destroy()
}
export const silence = (): Behaviour => () => {}

export async function startFakeHttp(tls?: ServerOptions): Promise<FakeHttp> {
  const fake = new FakeHttp(tls)
  await fake.up()
  return fake
}

export class FakeHttp {
  readonly taken: Doc[] = []
  readonly requests: Array<Omit<Exchange, 'take'>> = []
  readonly #tls: ServerOptions | undefined
  readonly #script: Behaviour[] = []
  #otherwise: Behaviour = take()
  readonly #port: FakePort

  constructor(tls: ServerOptions | undefined) {
    this.#tls = tls
    const deal = (request: IncomingMessage, response: ServerResponse): void => void this.#deal(request, response)
    this.#port = new FakePort(() => (tls === undefined ? createServer(deal) : createSecure(tls, deal)))
  }

  get url(): string {
    return `${this.#tls === undefined ? 'http' : 'https'}://${this.#port.address}/in`
  }

  next(...behaviours: Behaviour[]): void {
    this.#script.push(...behaviours)
  }

  otherwise(behaviour: Behaviour): void {
    this.#otherwise = behaviour
  }

  /** Listens, again on the same port after down(). */
  up(): Promise<void> {
    return this.#port.up()
  }

  /** May be called twice. */
  down(): Promise<void> {
    return this.#port.down()
  }

  async #deal(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = await Array.fromAsync(request).catch(() => [])
    if (!request.complete) return
    const raw = Buffer.concat(chunks)
    const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString()
    const records = recordsOf(body, request.headers['content-type'])
    const exchange = { request, response, body, wireBytes: raw.length, records }
    this.requests.push(exchange)
    const behaviour = this.#script.shift() ?? this.#otherwise
    behaviour({ ...exchange, take: () => void this.taken.push(...records) })
  }
}

function recordsOf(body: string, type: string | undefined): Doc[] {
  if (body === '') return []
  if (type === 'application/x-ndjson')
    return body
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line) as Doc)
  const value = JSON.parse(body) as Doc | Doc[]
  return Array.isArray(value) ? value : [value]
}
