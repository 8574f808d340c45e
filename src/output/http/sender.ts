// Sends parcels by HTTP: over several URLs, splitting what is too large or has a record in it that is refused.
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Clock } from '../../core/clock.ts'
import type { Output, Parcel, Rejected, Sent } from '../../core/component.ts'
import { wantsTls } from '../../core/connection-words.ts'
import { describe, YarderError } from '../../core/errors.ts'
import { retryAfter } from '../../core/http.ts'
import type { HttpClient, HttpResponse } from '../../core/http.ts'
import { cutParcel, locate, recordId } from '../../core/parcel.ts'
import type { Hosts } from '../hosts.ts'
import { firstWords, refusal } from '../http-answer.ts'
import { firstToAnswer } from '../http-hosts.ts'
import type { HttpHost } from '../http-hosts.ts'
import { SizeLimit } from '../size-limit.ts'
import { bodyOf } from './body.ts'
import type { Format, Shape } from './body.ts'
import { Doubt, judgeStatus } from './verdict.ts'

const compress = promisify(gzip)

/** What a server says to a receipt is of no interest; what it says to a refusal is in its beginning. */
const MOST_ANSWER = 64 * 1024

export interface SenderOptions {
  readonly client: HttpClient
  readonly hosts: Hosts<HttpHost>
  readonly target: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly format: Format
  readonly shape: Shape | undefined
  /** Name of the header with the identity of a request's records; '' for none. */
  readonly idempotencyHeader: string
  readonly success: readonly string[]
  readonly retry: readonly string[]
  /** Milliseconds for a request. */
  readonly timeout: number
  /** 0 sends the bytes as they are. */
  readonly compressionLevel: number
  readonly clock: Clock
  /** Called before the first contact; what it returns is called at the end. Building alone touches nothing. */
  readonly onOpen: () => () => void
}

/** A stretch of the parcel that goes in one request. */
type Piece = readonly [from: number, to: number]

interface Refused {
  readonly status: number
  readonly reason: string
}

export class Sender implements Output {
  readonly repeats = true
  readonly target: string
  readonly #o: SenderOptions
  readonly #limit: SizeLimit
  readonly #doubt = new Doubt()
  #forget: (() => void) | undefined

  constructor(options: SenderOptions) {
    this.#o = options
    this.target = options.target
    this.#limit = new SizeLimit(options.clock)
  }

  async send(parcel: Parcel, signal: AbortSignal): Promise<Sent> {
    this.#forget ??= this.#o.onOpen()
    const pieces = this.#pieces(parcel)
    const rejected: Rejected[] = []
    const most = this.#doubt.most
    let answered = 0
    try {
      for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) {
        const [from, to] = piece
        const result = await this.#piece(cutParcel(parcel, from, to), signal)
        if (result === 'split') {
          // Who may take nothing at all is not to be asked for every half.
          const middle = this.#doubt.present ? from + 1 : (from + to) >> 1
          pieces.unshift([from, middle], [middle, to])
          continue
        }
        if (result !== 'taken') rejected.push(named(parcel, from, result))
        answered = to
        if (rejected.length >= most && this.#doubt.present) throw this.#doubtful(rejected.at(-1)!)
      }
    } catch (error) {
      return this.#brokenOff(parcel, answered, rejected, error)
    }
    return this.#judged(parcel, parcel.count, rejected, undefined)
  }

  /** That a server can be connected to; a request would be a record to some (the http input of Logstash). */
  async probe(signal: AbortSignal): Promise<void> {
    this.#forget ??= this.#o.onOpen()
    await this.#o.hosts.first(host => host.knock(signal), signal)
  }

  close(): Promise<void> {
    this.#o.hosts.close()
    this.#o.client.close()
    this.#forget?.()
    this.#forget = undefined
    return Promise.resolve()
  }

  #pieces({ count }: Parcel): Piece[] {
    if (this.#o.format === 'single') return Array.from({ length: count }, (_, i) => [i, i + 1] as const)
    const first: Piece[] = this.#doubt.settled && count > 1 ? [[0, 1]] : []
    return [...first, [first.length, count]]
  }

  #doubtful({ status, reason }: Rejected): YarderError {
    return new YarderError(
      'REFUSED',
      `refused: ${this.#o.method} ${this.target} takes none of the records, so that url and format are in doubt: ${status} ${reason}`
    )
  }

  #brokenOff(parcel: Parcel, answered: number, rejected: readonly Rejected[], error: unknown): Sent {
    if (answered === 0) throw error
    return this.#judged(parcel, answered, rejected, error)
  }

  /** Refusals count when the destination has taken something, or after long patience. */
  #judged(parcel: Parcel, answered: number, rejected: readonly Rejected[], error: unknown): Sent {
    const open = Array.from({ length: parcel.count - answered }, (_, i) => answered + i)
    const why = error === undefined ? {} : whyOf(error)
    if (rejected.length === 0 || !this.#doubt.present) return { retry: open, rejected, ...why }
    const doubtful = this.#doubtful(rejected[0]!)
    if (!this.#doubt.givesUp()) throw doubtful
    const others = rejected.slice(1).map(r => r.index)
    return { retry: [...others, ...open], rejected: rejected.slice(0, 1), reason: describe(doubtful), doubtful: true }
  }

  async #piece(parcel: Parcel, signal: AbortSignal): Promise<'taken' | 'split' | Refused> {
    const { method, format, shape, success, retry, clock } = this.#o
    const single = parcel.count === 1
    const body = bodyOf(parcel, format, shape)
    if (!single && body.length > this.#limit.bytes) return 'split'
    const response = await this.#request(parcel, body, signal)
    const verdict = judgeStatus(response, success, retry)
    if (verdict === 'taken') {
      this.#doubt.taken()
      return 'taken'
    }
    const words = firstWords(response)
    if (verdict === 'hold' || wantsTls(words))
      throw refusal(`${method} ${this.target}`, response, words, retryAfter(response.headers, clock.now()))
    const { status } = response
    if (status === 413) this.#limit.refused(body.length)
    if (!single) return 'split'
    // That a record is too large is its own fault, whatever else is wrong.
    if (status === 413) this.#doubt.taken()
    else this.#doubt.refused()
    const large = `larger than the server takes: ${body.length} bytes`
    return {
      status,
      reason: status === 413 ? `${large}${words === '' ? '' : `: ${words}`}` : words || 'without a reason'
    }
  }

  async #request(parcel: Parcel, body: Buffer, signal: AbortSignal): Promise<HttpResponse> {
    const { client, method, timeout, compressionLevel, headers, idempotencyHeader } = this.#o
    const sent = compressionLevel === 0 ? body : await compress(body, { level: compressionLevel })
    const key = idempotencyHeader === '' ? undefined : keyOf(parcel)
    const all = {
      ...(key === undefined ? {} : { [idempotencyHeader]: key }),
      ...(compressionLevel === 0 ? {} : { 'content-encoding': 'gzip' }),
      ...headers
    }
    const response = await firstToAnswer(
      this.#o.hosts,
      async ({ url, authorization }) => {
        try {
          return await client.request({
            method,
            url,
            headers: authorization === undefined ? all : { ...all, authorization },
            body: sent,
            timeout,
            signal,
            maxResponseBytes: MOST_ANSWER
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
}

function whyOf(error: unknown): Pick<Sent, 'reason' | 'retryAfterMs' | 'overloaded'> {
  const { retryAfterMs, overloaded = false } = error instanceof YarderError ? error : {}
  return { reason: describe(error), retryAfterMs, overloaded }
}

function named(parcel: Parcel, index: number, { status, reason }: Refused): Rejected {
  const { records, row } = locate(parcel, index)
  return { index, status, reason, id: recordId(records, row) }
}

/** The same for the same records; undefined when one of them can't be told from others (it came by a pipe). */
export function keyOf(parcel: Parcel): string | undefined {
  const hash = createHash('sha256')
  for (const { records, from, to } of parcel.parts)
    for (let row = from; row < to; row++) {
      const id = recordId(records, row)
      if (id === '') return undefined
      hash.update(`${id}\n`)
    }
  return hash.digest('base64url').slice(0, 32)
}
