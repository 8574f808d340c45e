// What a scraper would like to get, out of its Accept and Accept-Encoding (RFC 9110, section 12.5).
import type { Format } from './prometheus.ts'

interface Wish {
  /** In lower case. */
  readonly what: string
  readonly params: ReadonlyMap<string, string>
  /** 0 (never) to 1. */
  readonly q: number
}

/** More than any client sends; the rest of a longer header is not looked at. */
const MOST_WISHES = 32

function wishes(header: string): Wish[] {
  return header.split(',', MOST_WISHES).map(item => {
    const [what = '', ...rest] = item.split(';').map(part => part.trim())
    const params = new Map(
      rest.map(param => {
        const [key = '', value = ''] = param.split('=', 2)
        return [key.trim().toLowerCase(), value.trim().replaceAll('"', '')]
      })
    )
    const q = Number(params.get('q') ?? 1)
    return { what: what.toLowerCase(), params, q: q >= 0 && q <= 1 ? q : 0 }
  })
}

/**
 * OpenMetrics where it is asked for by name at least as much as text; else 0.0.4, which a browser and curl get, and
 * also a client that asks for something else altogether: an answer it can read is more use than a 406.
 */
export function chooseFormat(accept: string | undefined): Format {
  let openmetrics = 0
  let text = 0
  for (const { what, params, q } of wishes(accept ?? '')) {
    const version = params.get('version')
    if (what === 'application/openmetrics-text' && (version === undefined || version === '1.0.0'))
      openmetrics = Math.max(openmetrics, q)
    else if (what === 'text/plain' && (version === undefined || version === '0.0.4')) text = Math.max(text, q)
  }
  return openmetrics > 0 && openmetrics >= text ? 'openmetrics' : 'text'
}

/** True when the client takes gzip. */
export function takesGzip(acceptEncoding: string | undefined): boolean {
  const asked = wishes(acceptEncoding ?? '')
  const wish = asked.find(({ what }) => what === 'gzip' || what === 'x-gzip') ?? asked.find(({ what }) => what === '*')
  return wish !== undefined && wish.q > 0
}
