// What the fake can do with a bulk request: answer as Elasticsearch, or fail in one of the ways that servers fail.
import { setTimeout as delay } from 'node:timers/promises'
import type { Exchange } from './exchange.ts'
import type { Action, ItemAnswer } from './store.ts'

/** Deals with one bulk request. What it never answers stays open until the fake is stopped. */
export type Behaviour = (exchange: Exchange) => void | Promise<void>

/** Stores the documents and answers item by item. */
export function accept(): Behaviour {
  return async exchange => {
    const items = await exchange.store()
    if (items !== undefined) exchange.answerItems(items)
  }
}

/** Refuses the whole request after reading it, such as refuse(429, { 'retry-after': '2' }). */
export function refuse(status: number, headers: Record<string, string> = {}): Behaviour {
  return async exchange => {
    await exchange.read()
    exchange.answerError(status, errorType(status), `refused with ${status} by the test`, headers)
  }
}

function errorType(status: number): string {
  if (status === 401 || status === 403) return 'security_exception'
  if (status === 429) return 'es_rejected_execution_exception'
  if (status === 503) return 'cluster_block_exception'
  return 'illegal_argument_exception'
}

/**
 * Answers 413 to a body of more than `limitBytes` uncompressed, accepts the others. With `early` it judges by
 * content-length, answers before the body has come and closes, which a client may see as a reset.
 */
export function limit(limitBytes: number, options: { early?: boolean } = {}): Behaviour {
  return async exchange => {
    if (options.early === true && Number(exchange.header('content-length') ?? 0) > limitBytes) {
      exchange.answer(413, '', { 'content-length': '0', connection: 'close' })
      exchange.response.once('finish', () => exchange.socket.destroy())
      return
    }
    const body = await exchange.read()
    if (body.length > limitBytes) exchange.answer(413, '', { 'content-length': '0' })
    else await accept()(exchange)
  }
}

/** Refuses the whole request with a 400 when a document is `bad`, as a server does that can't tell which one it was. */
export function refuseWholeIf(bad: (action: Action) => boolean): Behaviour {
  return async exchange => {
    const actions = await exchange.actions()
    if (actions === undefined) return
    if (actions.some(bad)) exchange.answerError(400, 'x_content_parse_exception', 'a document is not well')
    else await accept()(exchange)
  }
}

/** An error for one item: the status, and the type and reason when they matter. */
export type ItemError = number | { status: number; type: string; reason: string }

/** Stores the items for which `judge` says nothing, refuses the others with what it says. */
export function mixed(judge: (action: Action, position: number) => ItemError | undefined): Behaviour {
  return async exchange => {
    const items = await exchange.store((action, position) => {
      const said = judge(action, position)
      if (said === undefined) return undefined
      const { status, type, reason } =
        typeof said === 'number'
          ? { status: said, type: itemErrorType(said), reason: `refused with ${said} by the test` }
          : said
      return { _index: action.index, _id: action.id ?? null, status, error: { type, reason } }
    })
    if (items !== undefined) exchange.answerItems(items)
  }
}

function itemErrorType(status: number): string {
  if (status === 400) return 'document_parsing_exception'
  if (status === 404) return 'index_not_found_exception'
  if (status === 409) return 'version_conflict_engine_exception'
  return status === 403 ? 'cluster_block_exception' : errorType(status)
}

/** Stores everything, then answers with `change` made to the items: fewer, more, in another order. */
export function changedItems(change: (items: ItemAnswer[]) => ItemAnswer[]): Behaviour {
  return async exchange => {
    const items = await exchange.store()
    if (items !== undefined) exchange.answerItems(change(items))
  }
}

/** Stores everything and answers with `missing` items less than were sent. */
export function tooFewItems(missing = 1): Behaviour {
  return changedItems(items => items.slice(0, Math.max(0, items.length - missing)))
}

/** Stores nothing, yet says errors:false with `count` items of status 201. */
export function lie(count: number): Behaviour {
  return async exchange => {
    await exchange.read()
    const items = Array.from({ length: count }, () => ({ create: { status: 201 } }))
    exchange.answer(200, JSON.stringify({ errors: false, took: 1, items }))
  }
}

/** Reads the request and answers 200 with a text that is no JSON. */
export function invalidJson(text = '{"errors":false,"items":[{"create":'): Behaviour {
  return page({ status: 200, type: 'application/json', text })
}

/** Reads the request and answers with a page, as a proxy in between does. */
export function page(options: { status?: number; type?: string; text?: string } = {}): Behaviour {
  return async exchange => {
    await exchange.read()
    const text = options.text ?? '<html><body><h1>Welcome to the proxy</h1></body></html>'
    exchange.answer(options.status ?? 200, text, { 'content-type': options.type ?? 'text/html' })
  }
}

/** Takes the request, stores its documents if told so, and never answers. */
export function silent(options: { store?: boolean } = {}): Behaviour {
  return async exchange => {
    if (options.store === true) await exchange.store()
    else await exchange.read()
  }
}

/** Doesn't even read the body. */
export function hang(): Behaviour {
  return () => undefined
}

/** Reads the request and closes its side of the connection without an answer. */
export function halfClose(options: { store?: boolean } = {}): Behaviour {
  return async exchange => {
    await silent(options)(exchange)
    exchange.socket.end()
  }
}

/** Sends a reset once `bytes` bytes of the body have come. */
export function resetInBody(bytes = 1): Behaviour {
  return exchange => {
    let seen = 0
    exchange.incoming.on('data', (chunk: Buffer) => {
      seen += chunk.length
      if (seen >= bytes) exchange.socket.resetAndDestroy()
    })
  }
}

/** Stores everything, sends the first `bytes` bytes of the answer's body, then a reset: the answer is lost. */
export function resetInAnswer(bytes = 5): Behaviour {
  return async exchange => {
    const items = await exchange.store()
    if (items === undefined) return
    const body = Buffer.from(exchange.itemsBody(items))
    exchange.response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
    exchange.response.write(body.subarray(0, bytes), () => exchange.socket.resetAndDestroy())
  }
}

/** Stores everything and answers `bytes` bytes at a time, one piece every `everyMs` milliseconds. */
export function drip(options: { everyMs?: number; bytes?: number } = {}): Behaviour {
  return async exchange => {
    const items = await exchange.store()
    if (items === undefined) return
    const body = Buffer.from(exchange.itemsBody(items))
    const step = options.bytes ?? 1
    exchange.response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
    for (let at = 0; at < body.length && !exchange.socket.destroyed; at += step) {
      exchange.response.write(body.subarray(at, at + step))
      await delay(options.everyMs ?? 1)
    }
    exchange.response.end()
  }
}

/** Waits for `gate` before it goes on with `next`: a test decides when the server answers. */
export function after(gate: Promise<unknown>, next: Behaviour = accept()): Behaviour {
  return async exchange => {
    await exchange.read()
    await gate
    await next(exchange)
  }
}
