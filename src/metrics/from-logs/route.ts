// Routes out of paths: `/users/123?x=1` becomes `/users/{id}`, so that a label has as many values as a program has routes.

/** Turns a path, or a URL, into its route. */
export type RouteTemplate = (path: string) => string

/** Deeper than any program's routes; what follows becomes `**`. */
const MOST_SEGMENTS = 12
/** Nobody names a part of a route so. */
const LONG_SEGMENT = 64

const DATE = /^\d{4}-\d{2}-\d{2}$/
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i
const HEX = /^(?=[^0-9]*[0-9])(?:0x)?[0-9a-f]{8,}$/i
/** Ids of other kinds, such as base64 and ULIDs: long, and digits among the letters. */
const TOKEN = /^(?=(?:[^0-9]*[0-9]){2})[A-Za-z0-9_~-]{16,}$/
const NUMBER = /^[+-]?\d+(?:[.,]\d+)?$/

/** True for what can be given as a known route: segments, `{name}` for one of any kind, `**` at the end for all further ones. */
export function isRoute(text: unknown): text is string {
  if (typeof text !== 'string' || !text.startsWith('/')) return false
  const segments = text.slice(1).split('/')
  return segments.every((one, i) =>
    one === '**' ? i === segments.length - 1 : /^\{[a-z_][a-z0-9_]*\}$/i.test(one) || !/[{}*?#]/.test(one)
  )
}

/** Of known routes the first that fits is taken; what fits none is templated by how its segments look. */
export function routeTemplate(known: readonly string[]): RouteTemplate {
  const routes = known.map(text => ({ text, segments: text.slice(1).split('/') }))
  return text => {
    const path = pathOf(text)
    // What is no path, as a bad request's line may have it, keeps no value of its own.
    if (!path.startsWith('/')) return path === '' || path === '*' ? path : '{invalid}'
    const segments = path.slice(1).split('/')
    for (const route of routes) if (fits(route.segments, segments)) return route.text
    const deep = segments.length > MOST_SEGMENTS
    const shown = (deep ? segments.slice(0, MOST_SEGMENTS) : segments).map(segmentOf)
    return `/${shown.join('/')}${deep ? '/**' : ''}`
  }
}

/** Without scheme, host, query, fragment and matrix parameters. */
function pathOf(text: string): string {
  const path = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.test(text) ? text.replace(/^[^:]*:\/\/[^/?#]*/, '') || '/' : text
  const end = path.search(/[?#;]/)
  return end === -1 ? path : path.slice(0, end)
}

function fits(route: readonly string[], segments: readonly string[]): boolean {
  const open = route.at(-1) === '**'
  if (open ? segments.length < route.length : segments.length !== route.length) return false
  return route.every((one, i) => one === '**' || (one.startsWith('{') ? segments[i] !== '' : one === segments[i]))
}

function segmentOf(segment: string): string {
  if (segment === '') return segment
  if (DATE.test(segment)) return '{date}'
  if (NUMBER.test(segment) || UUID.test(segment) || HEX.test(segment) || TOKEN.test(segment)) return '{id}'
  if (segment.length > LONG_SEGMENT || segment.includes('@')) return '{id}'
  // The names of built files carry a hash: `app.3f2a9c1b.js`.
  return segment.includes('.') ? segment.split('.').map(hashOf).join('.') : segment
}

const hashOf = (part: string): string => (NUMBER.test(part) || HEX.test(part) || TOKEN.test(part) ? '{id}' : part)
