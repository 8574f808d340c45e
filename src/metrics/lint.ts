// Whether names keep to the conventions: those of Prometheus, in promtool's words, and that of the dotted names.
//   https://prometheus.io/docs/practices/naming/
//   https://github.com/prometheus/client_golang/tree/main/prometheus/testutil/promlint

/** A metric out of records as the configuration has it. */
export interface MetricToLint {
  readonly name: string
  readonly type: string
  readonly labels: readonly string[]
  /** What its values are converted to: `seconds`, `bytes`, `ratio`; undefined when they are taken as they are. */
  readonly converted?: string | undefined
}

const TYPES = ['counter', 'gauge', 'summary', 'histogram']
const ABBREVIATIONS = ['s', 'ms', 'us', 'ns', 'sec', 'b', 'kb', 'mb', 'gb', 'tb', 'pb', 'm', 'h', 'd']
const BASE_UNITS = [
  'amperes',
  'bytes',
  'celsius',
  'grams',
  'joules',
  'kelvin',
  'meters',
  'metres',
  'moles',
  'seconds',
  'volts'
]
const OTHER_UNITS: Record<string, string> = {
  minutes: 'seconds',
  hours: 'seconds',
  days: 'seconds',
  weeks: 'seconds',
  kelvins: 'kelvin',
  fahrenheit: 'celsius',
  rankine: 'celsius',
  inches: 'meters',
  yards: 'meters',
  miles: 'meters',
  bits: 'bytes',
  calories: 'joules',
  pounds: 'grams',
  ounces: 'grams'
}
const PREFIXES = 'pico nano micro milli centi deci deca hecto kilo kibi mega mibi giga gibi tera tebi peta pebi'.split(
  ' '
)

/** What promtool would say of the metric once it is on the page, and what only the configuration shows. */
export function* lintMetric({ name, labels, converted }: MetricToLint): Generator<string> {
  const parts = name.split('_')
  for (const part of parts) {
    const base = baseOf(part)
    if (base === undefined || base === part) continue
    yield `use base unit "${base}" instead of "${part}"`
    break
  }
  for (const type of TYPES) if (parts.slice(1).includes(type)) yield `metric name should not include type '${type}'`
  if (/[a-z][A-Z]/.test(name)) yield "metric names should be written in 'snake_case' not 'camelCase'"
  if (labels.some(label => /[a-z][A-Z]/.test(label)))
    yield "label names should be written in 'snake_case' not 'camelCase'"
  if (parts.slice(1).some(part => ABBREVIATIONS.includes(part.toLowerCase())))
    yield 'metric names should not contain abbreviated units'
  if (converted !== undefined && !parts.includes(converted))
    yield `its values are ${converted}, which its name does not say: end it in _${converted}${name.endsWith('_total') ? '_total' : ''}`
}

/** What is against the conventions in the name of a series whose type isn't known. */
export function* lintBareName(name: string): Generator<string> {
  if (!/^[A-Za-z_:][A-Za-z0-9_:]*$/.test(name)) {
    yield 'must be of letters, digits, "_" and ":", and not begin with a digit'
    return
  }
  yield* lintMetric({ name, type: '', labels: [] })
  if (name.includes(':')) yield "metric names should not contain ':'"
  const misplaced = name.split('_').slice(0, -1).includes('total')
  if (misplaced) yield 'a counter ends in _total, behind the unit'
}

function baseOf(part: string): string | undefined {
  if (BASE_UNITS.includes(part)) return part
  if (OTHER_UNITS[part] !== undefined) return OTHER_UNITS[part]
  const prefix = PREFIXES.find(p => part.startsWith(p))
  const rest = prefix === undefined ? '' : part.slice(prefix.length)
  return BASE_UNITS.includes(rest) ? rest : OTHER_UNITS[rest]
}

/** What names on StatsD and Graphite begin with, parent before child. */
const SCHEME = ['region', 'environment', 'host'] as const

/** What a prefix as the configuration has it leaves out of the scheme; such names can't be told apart later. */
export function* lintPrefix(prefix: string): Generator<string> {
  const missing = SCHEME.filter(key => !prefix.includes(`{${key}}`))
  if (missing.length > 0)
    yield `the prefix "${prefix}" lacks ${missing.map(key => `{${key}}`).join(' and ')}: names of different ${missing.map(key => `${key}s`).join(' and ')} become one`
  const order = SCHEME.filter(key => prefix.includes(`{${key}}`)).map(key => prefix.indexOf(`{${key}}`))
  if (order.some((at, i) => i > 0 && at < order[i - 1]!))
    yield `the prefix "${prefix}" is out of order: region, then environment, then host`
}

/** What is against the scheme in a full name, `{region}.{environment}.{host}.{what}…`. */
export function* lintDottedName(name: string): Generator<string> {
  const parts = name.split('.')
  if (parts.length < 4) yield `has ${parts.length} of at least 4 parts: region.environment.host.name`
  for (const [i, part] of parts.entries()) {
    if (part === '') yield `part ${i + 1} is empty`
    else if (!/^[A-Za-z0-9_-]+$/.test(part)) yield `"${part}" has more than letters, digits, _ and -`
    // The last may be a class, as in the book's `….s3.write.Counter`.
    else if (part !== part.toLowerCase() && i < parts.length - 1) yield `"${part}" is not in lower case`
    else if (part === 'undefined' || part === 'null' || part === 'NaN') yield `"${part}" is what a missing value leaves`
  }
  if (Buffer.byteLength(name) > 200) yield 'is longer than 200 bytes'
}
