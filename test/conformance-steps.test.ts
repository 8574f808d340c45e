// Holds every step and every metric of THE LIST to its contract, on records of all that can stand in a field.
import assert from 'node:assert/strict'
import { Buffer, isUtf8 } from 'node:buffer'
import { test } from 'node:test'
import { catalog } from '../src/agent/components.ts'
import { loadText } from '../src/config/load.ts'
import { formatProblem } from '../src/config/problem.ts'
import type { Batch, BuiltStep, Context } from '../src/core/component.ts'
import type { Cursor, Event } from '../src/core/event.ts'
import { silentInstruments } from '../src/core/instruments.ts'
import { silentLog } from '../src/core/log.ts'
import { createEncoder } from '../src/pipeline/encode.ts'
import { createPipeline } from '../src/pipeline/pipeline.ts'
import { hostileRecords, hostileTexts } from './lib/hostile.ts'
import { ARRIVAL, context, cursorAt, source } from './lib/step.ts'
import { checkedExample, listed, STEPS } from './lib/the-list.ts'

/** Options that the examples of a step leave out, as steps of a configuration. */
const FURTHER: Readonly<Record<string, readonly string[]>> = {
  csv: [
    'csv: { columns: [a, b.c, "@timestamp", tags, __proto__], target: x.y }',
    'csv: { columns: auto, skip_header: true }'
  ],
  convert: [
    "convert: { '@timestamp': integer }",
    'convert: { a: integer, b.c: float, host.name: boolean, tags: string, message: integer }'
  ],
  copy: ['copy: { message: "@timestamp", a: host.name, host: b.c, "@timestamp": c }'],
  date: [
    'date: { field: a.b, formats: [UNIX, UNIX_MS, UNIX_US, UNIX_NS, ISO8601], target: host.time }',
    "date: { field: message, formats: ['MMM d HH:mm:ss', 'HH:mm:ss', 'yyyy DDD', '%d/%b/%Y:%H:%M:%S %z', 'EEE hh a ZZZ'] }"
  ],
  dissect: ["dissect: { mapping: { message: '%{*k}=%{&k} %{+a/2} %{+a/1}', a.b: '%{host.name}' }, target_prefix: x }"],
  grok: [
    "grok: { match: '%{COMBINEDAPACHELOG}' }",
    "grok: { match: { message: ['^%{INT:n:int}$', '%{GREEDYDATA:[a][b]}'], a.b: '%{NUMBER:host.name:float}' } }",
    "grok: { match: '(?<tags>.)(?<message>.*)' }"
  ],
  gsub: [
    "gsub: [{ field: '@timestamp', pattern: '0', replacement: 'x' }]",
    "gsub: [{ field: message, pattern: '.', replacement: '$&$&' }, { field: a.b, pattern: '^', replacement: '\\\\0' }]"
  ],
  join: ['join: { tags: ",", a.b: "" }'],
  json: ['json: { field: a.b, target: host }', 'json: { field: message, keep_source: true }'],
  kv: [
    "kv: { target: host.kv, transform_key: uppercase, trim_key: ' ', include_brackets: false, allow_empty_values: true }"
  ],
  logfmt: ['logfmt: { field: a.b, target: "@timestamp" }'],
  redact: [
    'redact: { presets: [email, card, token, authorization, query_secrets, password, ipv4, digits] }',
    "redact: { presets: [digits], patterns: [{ pattern: '\\w+', replacement: '$1' }], fields: [a.b, host.name, tags, '@timestamp'] }"
  ],
  regex: ["regex: { pattern: '^(?<a>.)(?<b>.?)(?<tags>.*)', target: host }"],
  remove: ['remove: [message, host.name, host, a.b.c, tags, log.file.path]'],
  rename: ['rename: { message: "@timestamp", host.name: a.b, a: host, tags: x.y.z, log.file: file }'],
  sample: ["sample: { rate: 2, key: '%{a.b}%{host}' }"],
  set: [
    "set: { '@timestamp': '%{message}', host: { name: '%{a}', deep: { x: ['%{tags}', 1] } }, tags: '%{tags}', a: '%{+yyyy.MM.dd}%{b}' }"
  ],
  split: ["split: { '@timestamp': '-' }", 'split: { message: " ", tags: ",", a.b: " " }'],
  lowercase: ["lowercase: ['@timestamp']"],
  strip: ["strip: ['@timestamp']"],
  uppercase: ['uppercase: [message, a.b, host.name, tags]']
}

/** Constants of the source, which no step may change in place. */
const constants = freeze({
  '@version': '1',
  host: { name: 'node2', os: { name: 'Debian' } },
  tags: ['web'],
  region: 'x',
  log: { file: { path: '/a.log' } }
})

function freeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) freeze(inner as object)
  return Object.freeze(value)
}

interface Case {
  readonly name: string
  readonly yaml: string
  readonly steps: readonly BuiltStep[]
}

const contexts: readonly Context[] = [
  context({ schema: 'logstash' }),
  context({ schema: 'ecs', timezone: 'Asia/Kolkata' })
]

function casesOf(name: string): Case[] {
  const one = listed.find(l => l.section === STEPS && l.definition.name === name)!
  const examples = (one.definition.examples ?? []).map(e => ({ yaml: e.yaml, config: checkedExample(one, e) }))
  const further = (FURTHER[name] ?? []).map(yaml => {
    const { checked, problems } = loadText(`pipelines:\n  example:\n    - ${yaml}\n`, catalog, {})
    assert.deepEqual(problems.map(formatProblem), [], yaml)
    return { yaml, config: checked }
  })
  return [...examples, ...further].flatMap(({ yaml, config }) =>
    contexts.map(ctx => ({
      name: `${yaml.trim()} under ${ctx.schema}`,
      yaml,
      steps: config.pipelines.get('example')!.steps.map(step => step.build(ctx))
    }))
  )
}

/** What looks like a field in the options, and the fields that every record may have. */
function fieldsIn(yaml: string): string[] {
  const words = yaml.match(/[A-Za-z_@][\w@]*(?:\.\w+)*/g) ?? []
  const all = new Set(['message', 'tags', 'host', 'host.name', 'a', 'a.b', '__proto__', ...words])
  // It is no field of a record but the cursor's time.
  all.delete('@timestamp')
  return [...all]
}

const names = catalog.steps.map(step => step.name)

const show = (event: Event): string => (JSON.stringify(event) ?? '').slice(0, 200)

for (const name of names) {
  test(`${name} works on any record: no throw, a boolean, only its own fields, a document`, () => {
    const cases = casesOf(name)
    for (const { name: what, yaml, steps } of cases) {
      const encoder = createEncoder('any')
      const place = source('f1', constants)
      for (const step of steps) {
        for (const event of hostileRecords(fieldsIn(yaml))) {
          const before = Object.keys(event)
          const cursor: Cursor = cursorAt({ source: place })
          let kept: unknown
          const about = (): string => `${what}\n  made ${show(event)} of ${before.join()}`
          try {
            kept = step.run(event, cursor)
          } catch (error) {
            assert.fail(`${about()}\n  and threw ${String((error as Error).stack)}`)
          }
          // The encoder must know which names may come to stand beside a constant's, or be gone; `tags` and `message`
          // it always expects, and a field of the name of the time is its care, whoever wrote it.
          const after = Object.keys(event)
          const moved = [...after.filter(k => !before.includes(k)), ...before.filter(k => !after.includes(k))]
          const own = step.writes === 'any' ? after.concat(before) : step.writes.concat('tags', 'message', '@timestamp')
          const foreign = moved.filter(key => !own.includes(key) && !own.includes(key.split('.')[0]!))
          hold(typeof kept === 'boolean', about)
          hold(foreign.length === 0, () => `${about()}\n  wrote ${foreign.join()}, writes ${String(step.writes)}`)
          hold(Object.getPrototypeOf(event) === Object.prototype, about)
          hold(Number.isNaN(cursor.time) || Math.abs(cursor.time) <= 8.64e15, about)
          hold(cursor.offset === 0, about)
          encoder.begin(place, Buffer.alloc(0))
          const end = encoder.add(event, cursor)
          assertDocument(encoder.buffer.subarray(0, end), about)
        }
      }
    }
    assert.equal(({} as { polluted?: unknown }).polluted, undefined)
    assert.ok(cases.length >= 2)
  })
}

/** As assert.ok, for loops: the message is made only when it is needed. */
function hold(holds: boolean, about: () => string): void {
  if (!holds) assert.fail(about())
}

/** One line of UTF-8 that is one JSON object with a time, and no half of a surrogate pair. */
function assertDocument(bytes: Buffer, about: () => string): void {
  hold(isUtf8(bytes), about)
  hold(bytes.indexOf(10) === bytes.length - 1, about)
  const text = bytes.toString()
  hold(!/(?<!\\)(?:\\\\)*\\ud[89a-f]/i.test(text), about)
  const document = JSON.parse(text) as Event
  // No key twice: the same comes out of what was read.
  if (!text.includes('\\u')) hold(JSON.stringify(document).length + 1 === text.length, about)
  hold(/^(?:[+-]\d\d)?\d{4}-\d\d-\d\dT/.test(String(document['@timestamp'])), about)
}

/** Bytes as an input hands them over. */
function batchOf(lines: readonly Buffer[]): Batch {
  const bounds: number[] = []
  let at = 0
  for (const line of lines) {
    bounds.push(at, at + line.length)
    at += line.length + 1
  }
  const bytes = Buffer.concat(lines.flatMap(line => [line, Buffer.from('\n')]))
  return {
    source: source('f1', constants),
    arrival: ARRIVAL,
    count: lines.length,
    bytes,
    bounds: Uint32Array.from(bounds),
    offset: 0,
    settle() {}
  }
}

const hostileLines: readonly Buffer[] = [
  ...hostileTexts.filter(text => !text.includes('\n')).map(text => Buffer.from(text)),
  ...[
    '{"a":"\\ud800","b":"\\udfff\\ud83d"}',
    '{"@timestamp.x":1,"tags":["\\ud800"]}',
    '@timestamp.x=1',
    'a=\\ud800',
    '\\ud83d'
  ].map(text => Buffer.from(text)),
  Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0xed, 0xa0, 0x80]),
  Buffer.from([0xf0, 0x9f, 0x98])
]

for (const name of names) {
  test(`${name} makes a valid document of every line, through the pipeline`, async () => {
    for (const { name: what, steps } of casesOf(name)) {
      const pipeline = createPipeline({
        name: 'p',
        steps: steps.map(step => ({ ...step, name })),
        keys: [],
        observers: [],
        log: silentLog,
        instruments: silentInstruments,
        buffers: { take: () => Buffer.alloc(64) }
      })
      // Each line alone, and as a batch: ASCII is decoded as a whole, other text line by line.
      for (const batch of [...hostileLines.map(line => batchOf([line])), batchOf(hostileLines)]) {
        const records = await pipeline.run(batch)
        assert.ok(records.count <= batch.count)
        let start = 0
        for (const end of records.ends) {
          assertDocument(
            records.bytes.subarray(start, end),
            () => `${what}\n  ${records.bytes.toString('utf8', start, end).slice(0, 300)}`
          )
          start = end
        }
        assert.equal(start, records.bytes.length)
      }
    }
  })
}

test('metrics measure any record: no throw, a number, and a word for why not', () => {
  for (const one of listed.filter(l => l.section === 'metrics')) {
    for (const example of one.definition.examples ?? []) {
      for (const unit of checkedExample(one, example).units.metrics) {
        const meter = unit.build(context({ name: unit.name }))
        for (const event of hostileRecords(fieldsIn(example.yaml))) {
          const cursor = cursorAt({ source: source('f1', constants) })
          const keys = Object.keys(event).join()
          const number: unknown = meter.measure(event, cursor)
          assert.equal(typeof number, 'number', unit.name)
          if (Number.isNaN(number)) assert.match(meter.reason(event, cursor), /^[a-z]+(_[a-z]+)*$/, unit.name)
          const numbers = Array.from({ length: meter.width }, () => 0)
          const recent = meter.recent?.()
          if (Number.isFinite(number)) meter.add(numbers, number as number, recent)
          assert.ok(numbers.every(Number.isFinite), `${unit.name}: ${numbers.join()}`)
          assert.equal(meter.values(numbers, recent).length, meter.points.length, unit.name)
          assert.equal(Object.keys(event).join(), keys, 'a metric changes nothing')
        }
      }
    }
  }
})
