// The page /metrics: rendered in slices, in the format and encoding that the scraper asks for.
import type { ServerResponse } from 'node:http'
import { finished } from 'node:stream/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { constants, gzip } from 'node:zlib'
import type { Family, Store } from '../store.ts'
import { chooseFormat, takesGzip } from './negotiate.ts'
import { CONTENT_TYPES, renderPieces } from './prometheus.ts'
import type { Format } from './prometheus.ts'

/** After so long the loop gets a turn (design: slices stay under 10 ms). */
const SLICE_MS = 4
/** Text is encoded whenever this much has come together; the clock is looked at then. */
const CHUNK_CHARS = 16 * 1024
/** A smaller body gains nothing by compression. */
const GZIP_FROM_BYTES = 1024

/** Renders families without holding up the loop, however many series there are; the page comes in pieces. */
export async function renderPage(families: Iterable<Family>, format: Format): Promise<Buffer[]> {
  const chunks: Buffer[] = []
  let text = ''
  let until = performance.now() + SLICE_MS
  for (const piece of renderPieces(families, format)) {
    text += piece
    if (text.length < CHUNK_CHARS) continue
    chunks.push(Buffer.from(text))
    text = ''
    if (performance.now() < until) continue
    await nextTurn()
    until = performance.now() + SLICE_MS
  }
  chunks.push(Buffer.from(text))
  return chunks
}

/** A page that is being made or was just made; packed once for all who want it so. */
interface Made {
  readonly plain: Promise<Buffer>
  packed?: Promise<Buffer>
}

/** A page of this size and more is shown again to who comes soon after. */
const COSTLY_BYTES = 256 * 1024
/** For so many times as long as it took: however many scrapers there are, they cost no more than a tenth of the time. */
const SHOWN_TIMES = 10
const SHOWN_AT_MOST_MS = 1000
/** A client that takes nothing for so long would keep its page in memory. */
const TAKE_WITHIN_MS = 10_000

/** In the thread pool. Small pages, often, and mostly to near by: speed before size. */
function pack(page: Buffer): Promise<Buffer> {
  // What comes out is handed over in pieces, each of which waits for a turn of the loop.
  const options = { level: constants.Z_BEST_SPEED, chunkSize: 1024 * 1024 }
  return new Promise((resolve, reject) => {
    gzip(page, options, (error, packed) => (error === null ? resolve(packed) : reject(error)))
  })
}

/** Answers GET and HEAD of /metrics. Scrapers that come while a page is being made get that page. */
export function createMetricsPage(store: Store): (response: ServerResponse) => Promise<void> {
  const pages = new Map<Format, Made>()

  function page(format: Format): Made {
    const there = pages.get(format)
    if (there !== undefined) return there
    const begun = performance.now()
    const forget = (): void => void pages.delete(format)
    const plain = store.read().then(async families => Buffer.concat(await renderPage(families, format)))
    plain.then(({ length }) => {
      if (length < COSTLY_BYTES) return forget()
      setTimeout(forget, Math.min((performance.now() - begun) * SHOWN_TIMES, SHOWN_AT_MOST_MS)).unref()
    }, forget)
    const made = { plain }
    pages.set(format, made)
    return made
  }

  return async response => {
    const { headers, method } = response.req
    const format = chooseFormat(headers.accept)
    const made = page(format)
    const plain = await made.plain
    const packs = plain.length > GZIP_FROM_BYTES && takesGzip(headers['accept-encoding']?.toString())
    const body = packs ? await (made.packed ??= pack(plain)) : plain
    response.setTimeout(TAKE_WITHIN_MS, () => response.destroy())
    response.writeHead(200, {
      'content-type': CONTENT_TYPES[format],
      'content-length': body.length,
      ...(packs ? { 'content-encoding': 'gzip' } : {}),
      vary: 'accept, accept-encoding',
      'cache-control': 'no-store'
    })
    // In one piece, which the system takes as fast as it can: of many small ones each would wait for a turn of the loop.
    response.end(method === 'HEAD' ? undefined : body)
    await finished(response)
  }
}
