// Reads a page of metrics as strictly as the strictest of Prometheus, promtool and Python's OpenMetrics parser.
import assert from 'node:assert/strict'

export interface ReadSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  readonly exemplar?: {
    readonly labels: Readonly<Record<string, string>>
    readonly value: number
    readonly seconds: number
  }
}

export interface ReadFamily {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: ReadSample[]
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const ABOUT = new RegExp(`^# (HELP|TYPE|UNIT) (${NAME}) (.*)$`, 's')
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`, 's')
const EXEMPLAR = new RegExp(`^(.*) # \\{(.*)\\} (\\S+) (\\S+)$`, 's')
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"(,|$)/y
const NUMBER = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|NaN|[+-]?Inf)$/
const SUFFIXES: Record<string, string[]> = {
  counter: ['_total', '_created'],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['_sum', '_count', ''],
  info: ['_info']
}
const TYPES = {
  text: ['counter', 'gauge', 'histogram', 'summary', 'untyped'],
  openmetrics: ['counter', 'gauge', 'histogram', 'summary', 'unknown', 'info', 'stateset', 'gaugehistogram']
}

/**
 * Throws on anything that one of the judges would refuse; also on what none refuses and nobody should write: series
 * that come twice, families in several blocks. Timestamps are not understood.
 */
export function readExposition(page: Buffer, format: 'text' | 'openmetrics'): ReadFamily[] {
  const strict = format === 'openmetrics'
  let lines = new TextDecoder('utf-8', { fatal: true }).decode(page).split('\n')
  const last = lines.pop()
  if (strict) {
    if (last !== '') lines.push(last!)
    assert.equal(lines.pop(), '# EOF', 'the end is marked')
  } else {
    assert.equal(last, '', 'the last line is ended')
    lines = lines.filter(line => line !== '' && !/^#(?! (?:HELP|TYPE) )/.test(line))
  }
  const families = new Map<string, { name: string; type?: string; help?: string; samples: ReadSample[] }>()
  let current = ''
  const familyOf = (name: string): NonNullable<ReturnType<typeof families.get>> => {
    if (name !== current) {
      assert.ok(!families.has(name), `${name} is one block`)
      families.set(name, { name, samples: [] })
      current = name
    }
    return families.get(name)!
  }
  for (const line of lines) {
    const about = ABOUT.exec(line)
    if (about !== null) {
      const [, word, name, text] = about as unknown as [string, string, string, string]
      readAbout(familyOf(name), word, text, format)
      continue
    }
    const sample = readSample(line, format)
    const type = families.get(current)?.type ?? ''
    const suffix = sample.name.startsWith(current) ? sample.name.slice(current.length) : undefined
    const own =
      suffix !== undefined && (strict || type !== 'counter' ? (SUFFIXES[type] ?? ['']) : ['']).includes(suffix)
    familyOf(own ? current : sample.name).samples.push(sample)
  }
  return [...families.values()].map(family => checked(family, strict))
}

function readAbout(
  family: { name: string; type?: string; help?: string; samples: ReadSample[] },
  word: string,
  text: string,
  format: 'text' | 'openmetrics'
): void {
  assert.equal(family.samples.length, 0, `${word} of ${family.name} stands before its samples`)
  if (word === 'HELP') {
    assert.equal(family.help, undefined, 'one HELP')
    const bad = format === 'text' ? /\\(?![\\n])/ : /\\(?![\\n"])/
    assert.doesNotMatch(text.replaceAll('\\\\', ''), bad, 'escapes of a HELP')
    family.help = unescape(text)
  } else if (word === 'TYPE') {
    assert.equal(family.type, undefined, 'one TYPE')
    assert.ok(TYPES[format].includes(text), `type ${text}`)
    family.type = text
  } else assert.ok(text === '' || family.name.endsWith(`_${text}`), 'the unit ends the name')
}

function readSample(whole: string, format: 'text' | 'openmetrics'): ReadSample {
  const parted = format === 'openmetrics' ? EXEMPLAR.exec(whole) : null
  const line = parted?.[1] ?? whole
  const match = SAMPLE.exec(line)
  assert.ok(match !== null, `no sample: ${JSON.stringify(line)}`)
  const [, name, inner = '', value] = match as unknown as [string, string, string | undefined, string]
  const labels = readLabels(inner, format)
  const sample = { name, labels, value: numberOf(value) }
  if (parted === null) return sample
  assert.match(name, /_(?:total|bucket)$/, 'only counters and buckets have exemplars')
  const shown = readLabels(parted[2]!, format)
  const chars = Object.entries(shown).reduce((sum, [key, text]) => sum + key.length + text.length, 0)
  assert.ok(chars <= 128, `an exemplar of ${chars} characters`)
  return { ...sample, exemplar: { labels: shown, value: numberOf(parted[3]!), seconds: numberOf(parted[4]!) } }
}

function numberOf(text: string): number {
  assert.match(text, NUMBER)
  return Number(text.replace('Inf', 'Infinity'))
}

function readLabels(inner: string, format: 'text' | 'openmetrics'): Record<string, string> {
  const labels: Record<string, string> = {}
  let comma = ''
  for (LABEL.lastIndex = 0; LABEL.lastIndex < inner.length;) {
    const label = LABEL.exec(inner)
    assert.ok(label !== null, `no labels: ${JSON.stringify(inner)}`)
    assert.ok(!Object.hasOwn(labels, label[1]!), `label ${label[1]} comes once`)
    labels[label[1]!] = unescape(label[2]!)
    comma = label[3]!
  }
  assert.ok(comma === '' || format === 'text', 'no comma after the last label')
  return labels
}

const unescape = (text: string): string => text.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))

function checked(
  family: { name: string; type?: string; help?: string; samples: ReadSample[] },
  strict: boolean
): ReadFamily {
  const { name, type = 'untyped', help = '', samples } = family
  const keys = samples.map(s => s.name + keyOf(s.labels))
  assert.equal(new Set(keys).size, keys.length, `a series of ${name} comes twice`)
  if (strict && type === 'counter') {
    assert.ok(!name.endsWith('_total'), 'the family of a counter has no _total')
    assert.ok(
      samples.every(s => s.value >= 0 && s.name !== name),
      `${name} counts up, in _total`
    )
  }
  if (strict && type === 'histogram') checkBuckets(name, samples)
  return { name, type, help, samples }
}

function checkBuckets(name: string, samples: readonly ReadSample[]): void {
  const sets = Map.groupBy(
    samples.filter(s => s.name === `${name}_bucket`),
    ({ labels }) => keyOf({ ...labels, le: '' })
  )
  for (const buckets of sets.values()) {
    const bounds = buckets.map(b => Number(b.labels['le']!.replace('Inf', 'Infinity')))
    assert.equal(bounds.at(-1), Infinity, `${name} has the bucket +Inf`)
    for (let i = 1; i < bounds.length; i++) {
      assert.ok(bounds[i]! > bounds[i - 1]!, `buckets of ${name} ascend`)
      assert.ok(buckets[i]!.value >= buckets[i - 1]!.value, `buckets of ${name} cumulate`)
    }
  }
}

/** The same for the same labels in any order; an empty label is none. */
const keyOf = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(
    Object.keys(labels)
      .filter(name => labels[name] !== '')
      .toSorted()
      .map(name => [name, labels[name]])
  )
