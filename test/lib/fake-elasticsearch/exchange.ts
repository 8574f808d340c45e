// One request to the fake and the answer to it, with what a behaviour needs to read, store and reply.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { filterPath } from './filter-path.ts'
import { parseBulk, WholeRefusal, type Action, type ItemAnswer, type Store } from './store.ts'

/** A request as it came, for assertions. Sizes and documents are known once its body has been read. */
export interface Seen {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  /** Names and values as they were sent, in their order. */
  readonly headers: ReadonlyArray<readonly [string, string]>
  /** 1 for the fake's first connection, 2 for its second … */
  readonly connection: number
  /** Milliseconds of performance.now() at the request's head. */
  readonly at: number
  wireBytes: number
  bodyBytes: number
  documents: number
  /** The uncompressed body. */
  body: string
  /** The status of the answer; 0 until there is one. */
  status: number
}

export class Exchange {
  readonly seen: Seen
  readonly incoming: IncomingMessage
  readonly response: ServerResponse
  readonly #store: Store
  #body: Promise<Buffer> | undefined
  #names: string[] = []

  constructor(seen: Seen, incoming: IncomingMessage, response: ServerResponse, store: Store) {
    this.seen = seen
    this.incoming = incoming
    this.response = response
    this.#store = store
  }

  get socket(): Socket {
    return this.incoming.socket
  }

  header(name: string): string | undefined {
    return this.seen.headers.find(([known]) => known.toLowerCase() === name)?.[1]
  }

  /** The uncompressed body; only gzip is understood, as by Elasticsearch. Never settles when the client goes away. */
  read(): Promise<Buffer> {
    this.#body ??= this.#readOnce()
    return this.#body
  }

  async #readOnce(): Promise<Buffer> {
    const chunks: Buffer[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    this.incoming.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      this.seen.wireBytes += chunk.length
    })
    this.incoming.once('end', resolve)
    await promise
    const wire = Buffer.concat(chunks)
    const body = this.header('content-encoding') === 'gzip' ? gunzipSync(wire) : wire
    this.seen.bodyBytes = body.length
    this.seen.body = body.toString()
    return body
  }

  /** The actions of the body; undefined when it was refused whole and the 400 has been sent. */
  async actions(): Promise<Action[] | undefined> {
    const body = await this.read()
    try {
      const actions = parseBulk(body.toString(), bulkTarget(this.seen.path))
      this.seen.documents = actions.length
      return actions
    } catch (error) {
      if (!(error instanceof WholeRefusal)) throw error
      this.answerError(400, error.type, error.message)
      return undefined
    }
  }

  /** Stores what `refused` has no answer for; undefined when the body was refused whole. */
  async store(
    refused: (action: Action, position: number) => ItemAnswer | undefined = () => undefined
  ): Promise<ItemAnswer[] | undefined> {
    const actions = await this.actions()
    this.#names = actions?.map(action => action.name) ?? []
    return actions?.map((action, position) => refused(action, position) ?? this.#store.apply(action))
  }

  /** The text that answers these items, filtered as the request asked. */
  itemsBody(items: readonly ItemAnswer[]): string {
    const errors = items.some(item => item.error !== undefined)
    const named = items.map((item, position) => ({ [this.#names[position] ?? 'create']: item }))
    return JSON.stringify(filterPath({ errors, took: 1, items: named }, this.seen.query.get('filter_path')))
  }

  answerItems(items: readonly ItemAnswer[]): void {
    this.answer(200, this.itemsBody(items))
  }

  answerError(status: number, type: string, reason: string, headers: Record<string, string> = {}): void {
    const cause = { type, reason }
    this.answer(status, JSON.stringify({ error: { root_cause: [cause], ...cause }, status }), headers)
  }

  answer(status: number, body: string, headers: Record<string, string> = {}): void {
    this.seen.status = status
    this.response.writeHead(status, { 'content-type': 'application/json', ...headers })
    this.response.end(body)
  }
}

/** Whether a path is that of a bulk request. */
export function isBulk(path: string): boolean {
  return path === '/_bulk' || /^\/[^/]+\/_bulk$/.test(path)
}

function bulkTarget(path: string): string | undefined {
  const target = path.slice(1, path.lastIndexOf('/_bulk'))
  return target === '' ? undefined : decodeURIComponent(target)
}
