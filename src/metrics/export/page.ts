// The page /metrics: rendered in slices, in the format and encoding that the scraper asks for.
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { constants, createGzip } from 'node:zlib'
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

/** Answers GET and HEAD of /metrics. Scrapers that come while a page is being made get that page. */
export function createMetricsPage(store: Store): (response: ServerResponse) => Promise<void> {
  const making = new Map<Format, Promise<Buffer[]>>()

  function page(format: Format): Promise<Buffer[]> {
    const made =
      making.get(format) ??
      store
        .read()
        .then(families => renderPage(families, format))
        .finally(() => making.delete(format))
    making.set(format, made)
    return made
  }

  return async response => {
    const { headers, method } = response.req
    const format = chooseFormat(headers.accept)
    const body = await page(format)
    const bytes = body.reduce((sum, chunk) => sum + chunk.length, 0)
    const packed = bytes > GZIP_FROM_BYTES && takesGzip(headers['accept-encoding']?.toString())
    response.writeHead(200, {
      'content-type': CONTENT_TYPES[format],
      ...(packed ? { 'content-encoding': 'gzip' } : { 'content-length': bytes }),
      vary: 'accept, accept-encoding',
      'cache-control': 'no-store'
    })
    if (method === 'HEAD') return void response.end()
    // Small pages, often, and mostly to near by: speed before size.
    if (packed) await pipeline(Readable.from(body), createGzip({ level: constants.Z_BEST_SPEED }), response)
    else await pipeline(Readable.from(body), response)
  }
}
