// Sends parcels by `_bulk`: over several hosts, splitting what is too large or has an unreadable document in it.
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Clock } from '../../core/clock.ts'
import type { Output, Parcel, Rejected, Sent, SetupOptions, SetupStep } from '../../core/component.ts'
import { YarderError } from '../../core/errors.ts'
import { retryAfter, shownUrl } from '../../core/http.ts'
import type { HttpClient, HttpResponse } from '../../core/http.ts'
import type { Log } from '../../core/log.ts'
import { cutParcel, locate, recordId } from '../../core/parcel.ts'
import type { Template } from '../../core/template.ts'
import type { Hosts } from '../hosts.ts'
import { firstToAnswer } from '../http-hosts.ts'
import type { HttpAddress, HttpHost } from '../http-hosts.ts'
import { judgeStatus, readAnswer, refusal, said } from './answer.ts'
import type { Answer } from './answer.ts'
import type { BulkBody, Naming } from './bulk.ts'
import { greet } from './product.ts'
import { rescueAll } from './rescue-all.ts'
import { nothingYet, takeDown } from './result.ts'
import type { Result } from './result.ts'
import type { Target } from './setup/parts.ts'
import { printSetup, runSetup } from './setup/run.ts'
import { SizeLimit } from '../size-limit.ts'

const compress = promisify(gzip)

const PROBE_TIMEOUT_MS = 10_000

export interface SenderOptions {
  client: HttpClient
  hosts: Hosts<HttpHost>
  /** After `/`: `_bulk` and its query. */
  path: string
  headers: Readonly<Record<string, string>>
  /** Milliseconds for a request. */
  timeout: number
  /** 0 sends the bytes as they are. */
  compressionLevel: number
  names: Naming
  keys: readonly Template[]
  makeBody: () => BulkBody
  /** Fields that the mapping has no room for go aside, and their records are sent once more. */
  rescue: boolean
  /** An index that isn't there will be made by somebody: 404 is no refusal for good. */
  awaitsIndex: boolean
  target: string
  /** What `yarder setup` prepares. */
  home: Target
  clock: Clock
  log: Log
  /** Called before the first contact; what it returns is called at the end. Building alone touches nothing. */
  onOpen: () => () => void
  /** Told of records that were taken otherwise than as they were sent. */
  onTaken: (how: 'rescued' | 'failure_store', records: number) => void
}

/** A stretch of the parcel that goes in one request. */
type Piece = readonly [from: number, to: number]

export class Sender implements Output {
  readonly keys: readonly Template[]
  readonly target: string
  readonly #o: SenderOptions
  readonly #limit: SizeLimit
  /** Bodies that no request uses now; there are never more than requests at a time. */
  readonly #bodies: BulkBody[] = []
  readonly #probeTimeout: number
  #greeted = false
  #forget: (() => void) | undefined

  constructor(options: SenderOptions) {
    this.#o = options
    this.keys = options.keys
    this.target = options.target
    this.#limit = new SizeLimit(options.clock)
    this.#probeTimeout = Math.min(PROBE_TIMEOUT_MS, options.timeout)
  }

  async send(parcel: Parcel, signal: AbortSignal): Promise<Sent> {
    this.#forget ??= this.#o.onOpen()
    const body = this.#bodies.pop() ?? this.#o.makeBody()
    try {
      const result = await this.#send(parcel, body, signal)
      if (this.#o.rescue && result.rejected.length > 0)
        await rescueAll(
          parcel,
          result,
          again => this.#send(again, body, signal),
          records => this.#o.onTaken('rescued', records)
        )
      return result
    } finally {
      this.#bodies.push(body)
    }
  }

  /** An answer to `GET /` shows that the host is there and lets us in; a key that may only write gets 403 there. */
  async probe(signal: AbortSignal): Promise<void> {
    this.#forget ??= this.#o.onOpen()
    const response = await firstToAnswer(this.#o.hosts, host => this.#hello(host, signal), signal)
    if (response.status !== 200 && response.status !== 403)
      throw refusal(`GET ${this.target}`, response, retryAfter(response.headers, this.#o.clock.now()))
    if (!this.#greeted) greet(this.#o.log, this.target, response.status, response.body)
    this.#greeted = true
  }

  setup(options: SetupOptions, signal: AbortSignal): Promise<SetupStep[]> {
    const { client } = this.#o
    return runSetup(this.#o.home, options, (method, path, body) =>
      firstToAnswer(
        this.#o.hosts,
        host => {
          const headers = this.#headers(host)
          if (body !== undefined) headers['content-type'] = 'application/json'
          const bytes = body && { body: Buffer.from(JSON.stringify(body)) }
          return client.request({
            method,
            url: new URL(path, host.url),
            headers,
            timeout: this.#o.timeout,
            signal,
            ...bytes
          })
        },
        signal
      )
    )
  }

  printSetup(options: SetupOptions): string {
    return printSetup(this.#o.home, options)
  }

  close(): Promise<void> {
    this.#o.hosts.close()
    this.#o.client.close()
    this.#forget?.()
    return Promise.resolve()
  }

  async #send(parcel: Parcel, body: BulkBody, signal: AbortSignal): Promise<Result> {
    const pieces: Piece[] = [[0, parcel.count]]
    const out = nothingYet()
    let answered = 0
    for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) {
      const [from, to] = piece
      try {
        const result = await this.#piece(parcel, piece, body, signal)
        if (result === 'split') {
          const middle = (from + to) >> 1
          pieces.unshift([from, middle], [middle, to])
          continue
        }
        for (const index of result.retry) out.retry.push(from + index)
        for (const r of result.rejected) out.rejected.push(this.#named(parcel, { ...r, index: from + r.index }))
        out.duplicates += result.duplicates
        out.overloaded ||= result.overloaded
        if (out.reason === '') out.reason = result.reason
        if (result.failureStored > 0) this.#o.onTaken('failure_store', result.failureStored)
        answered += to - from
      } catch (error) {
        if (answered === 0) throw error
        for (let index = from; index < parcel.count; index++) out.retry.push(index)
        takeDown(out, error)
        break
      }
    }
    return out
  }

  async #piece(parcel: Parcel, [from, to]: Piece, bodies: BulkBody, signal: AbortSignal): Promise<Answer | 'split'> {
    const single = to - from === 1
    const body = bodies.build(cutParcel(parcel, from, to))
    if (!single && body.length > this.#limit.bytes) return 'split'
    const response = await this.#request(body, signal)
    if (response.status >= 200 && response.status < 300) {
      if (response.truncated)
        throw new YarderError('PROTOCOL', `POST ${this.target}: the answer was longer than expected`)
      return readAnswer(response.body, to - from, this.#o.awaitsIndex)
    }
    if (judgeStatus(response) === 'hold')
      throw refusal(`POST ${this.target}`, response, retryAfter(response.headers, this.#o.clock.now()))
    if (response.status === 413) this.#limit.refused(body.length)
    if (!single) return 'split'
    const { status } = response
    const reason =
      status === 413 ? `larger than the server takes: ${body.length} bytes${said(response)}` : said(response).slice(2)
    return {
      retry: [],
      rejected: [{ index: 0, status, reason }],
      duplicates: 0,
      reason: '',
      overloaded: false,
      failureStored: 0
    }
  }

  async #request(body: Buffer, signal: AbortSignal): Promise<HttpResponse> {
    const { client, path, timeout, compressionLevel } = this.#o
    const sent = compressionLevel === 0 ? body : await compress(body, { level: compressionLevel })
    const response = await firstToAnswer(
      this.#o.hosts,
      async host => {
        try {
          const headers = this.#headers(host)
          headers['content-type'] = 'application/x-ndjson'
          if (compressionLevel > 0) headers['content-encoding'] = 'gzip'
          return await client.request({
            method: 'POST',
            url: new URL(path, host.url),
            headers,
            body: sent,
            timeout,
            signal
          })
        } catch (error) {
          this.#limit.failed(error, body.length)
          throw error
        }
      },
      signal
    )
    this.#limit.answered()
    return response
  }

  #hello(host: HttpAddress, signal: AbortSignal): Promise<HttpResponse> {
    const headers = this.#headers(host)
    return this.#o.client.request({ method: 'GET', url: host.url, headers, timeout: this.#probeTimeout, signal })
  }

  #headers(host: HttpAddress): Record<string, string> {
    const { authorization } = host
    return { accept: 'application/json', ...this.#o.headers, ...(authorization === undefined ? {} : { authorization }) }
  }

  #named(parcel: Parcel, rejected: Rejected): Rejected {
    const { records, row } = locate(parcel, rejected.index)
    return { ...rejected, target: this.#o.names.of(records, row), id: recordId(records, row) }
  }
}

/** Whether a host answers at all, for its way back into rotation. */
export async function knock(
  client: HttpClient,
  host: HttpAddress,
  headers: Record<string, string>,
  signal: AbortSignal
): Promise<void> {
  const { authorization } = host
  const all = { ...headers, ...(authorization === undefined ? {} : { authorization }) }
  const response = await client.request({
    method: 'GET',
    url: host.url,
    headers: all,
    timeout: PROBE_TIMEOUT_MS,
    signal
  })
  if (response.status >= 500) throw refusal(`GET ${shownUrl(host.url)}`, response)
}
