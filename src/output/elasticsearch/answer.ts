// What the answer to a `_bulk` request means, item by item and as a whole.
import { YarderError } from '../../core/errors.ts'
import type { HttpResponse } from '../../core/http.ts'
import { firstWords, oneLine, refusal as refusalOf } from '../http-answer.ts'

/** Indexes into the request; what is in neither list is stored. */
export interface Answer {
  readonly retry: readonly number[]
  readonly rejected: ReadonlyArray<{ readonly index: number; readonly status: number; readonly reason: string }>
  /** Stored before, by an attempt whose answer was lost. */
  readonly duplicates: number
  /** Why the first of `retry` was not taken. */
  readonly reason: string
  /** One of `retry` was refused for having come when there was too much to do. */
  readonly overloaded: boolean
  /** Stored, but in the failure store of the data stream, for the server could not take them as they are. */
  readonly failureStored: number
}

const ALL_STORED: Answer = { retry: [], rejected: [], duplicates: 0, reason: '', overloaded: false, failureStored: 0 }

const ITEM = '{"create":{"status":201}}'
const GOOD = Buffer.from(`{"errors":false,"items":[${ITEM}`)
const SHELL = '{"errors":false,"items":[]}'

/**
 * Reads the answer to `count` documents. Throws PROTOCOL when it can't be the answer to them: then nothing is known and
 * all are sent again, which ids make harmless. With `awaitsIndex` a document whose index is missing is to be sent again.
 */
export function readAnswer(body: Buffer, count: number, awaitsIndex = false): Answer {
  // The usual answer is known by its length alone, so that its items need not be parsed.
  if (body.length === SHELL.length + count * (ITEM.length + 1) - 1 && body.subarray(0, GOOD.length).equals(GOOD))
    return ALL_STORED
  const reply = parsed(body)
  if (typeof reply?.errors !== 'boolean') throw protocol(`no bulk answer but ${excerpt(body)}`)
  const { items } = reply
  if (items === undefined && !reply.errors) return ALL_STORED
  if (!Array.isArray(items) || items.length !== count)
    throw protocol(`an answer to ${Array.isArray(items) ? items.length : 'no'} documents instead of ${count}`)
  return judged(items, awaitsIndex)
}

/** The ingest pipeline of the configuration isn't there: no record is at fault. */
const lacksPipeline = (status: number, error: unknown): boolean =>
  status === 400 && /^illegal_argument_exception: pipeline with id \[.*\] does not exist/.test(reasonOf(error))

interface Item {
  status?: unknown
  error?: unknown
  failure_store?: unknown
}

function judged(items: readonly unknown[], awaitsIndex: boolean): Answer {
  const retry: number[] = []
  const rejected: Array<{ index: number; status: number; reason: string }> = []
  let duplicates = 0
  let reason = ''
  let overloaded = false
  let failureStored = 0
  items.forEach((item, index) => {
    const result = Object.values((item ?? {}) as object)[0] as Item | undefined
    const status = result?.status
    if (typeof status !== 'number') throw protocol(`item ${index} without a status`)
    if (status >= 200 && status < 300) {
      if (result?.failure_store === 'used') failureStored++
      return
    }
    if (status === 409) duplicates++
    else if (
      status === 429 ||
      status >= 500 ||
      (status === 404 && awaitsIndex) ||
      lacksPipeline(status, result?.error)
    ) {
      retry.push(index)
      overloaded ||= status === 429
      if (reason === '') reason = `${status} ${reasonOf(result?.error)}`
    } else rejected.push({ index, status, reason: reasonOf(result?.error) })
  })
  return { retry, rejected, duplicates, reason, overloaded, failureStored }
}

/** Elasticsearch's error object as one line: type, reason, and the innermost cause when it says more. */
export function reasonOf(error: unknown): string {
  if (typeof error === 'string') return oneLine(error)
  const { type, reason, caused_by: cause } = (error ?? {}) as { type?: unknown; reason?: unknown; caused_by?: unknown }
  const own = [type, reason].filter(part => typeof part === 'string').join(': ')
  if (own === '') return 'without a reason'
  const inner = cause === undefined || cause === null ? '' : reasonOf(cause)
  return oneLine(inner === '' || own.includes(inner) ? own : `${own} (${inner})`)
}

/** What to do about an answer to the whole request that is not 2xx. */
export type Verdict = 'split' | 'hold'

/**
 * `split`: too large, or one document in it is unreadable to the server, so halves may fare better. `hold`: nothing in
 * the documents will change it; wait and send again.
 */
export function judgeStatus(response: HttpResponse): Verdict {
  if (response.status === 413) return 'split'
  if (response.status !== 400) return 'hold'
  const error = parsed(response.body)?.error
  // A proxy's 400, or one that is about the request itself, would make every document look bad.
  if (error === undefined || /unrecognized parameter|no handler found/.test(reasonOf(error))) return 'hold'
  return 'split'
}

/** The error for a whole request that was not taken; its first words make the state's message. */
export const refusal = (what: string, response: HttpResponse, retryAfterMs?: number): YarderError =>
  refusalOf(what, response, said(response).slice(2), retryAfterMs)

/** `: what the server said`, or nothing. */
export function said(response: HttpResponse): string {
  const error = parsed(response.body)?.error
  const text = error === undefined ? firstWords(response) : reasonOf(error)
  return text === '' ? '' : `: ${text}`
}

function parsed(body: Buffer): { errors?: unknown; items?: unknown; error?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

const protocol = (message: string): YarderError => new YarderError('PROTOCOL', message)

const excerpt = (body: Buffer): string => JSON.stringify(body.subarray(0, 120).toString('latin1'))
