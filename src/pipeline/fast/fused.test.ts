import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Batch, Context } from '../../core/component.ts'
import type { Cursor, Event } from '../../core/event.ts'
import { systemClock } from '../../core/clock.ts'
import { compileCondition } from '../../core/condition.ts'
import { readFields } from '../../core/field.ts'
import { silentInstruments } from '../../core/instruments.ts'
import { silentLog } from '../../core/log.ts'
import { memoryState } from '../../core/state.ts'
import { date } from '../parse/date.ts'
import { grok } from '../parse/grok.ts'
import { createPipeline } from '../pipeline.ts'
import type { NamedStep } from '../pipeline.ts'
import { convert } from '../transform/convert.ts'
import { fuse } from './fused.ts'

const context: Context = {
  name: 'p',
  log: silentLog,
  clock: systemClock,
  instruments: silentInstruments,
  state: memoryState(),
  dataDir: '/nowhere',
  configDir: '/nowhere',
  schema: 'logstash',
  timezone: 'UTC',
  constants: {},
  once: false,
  outputs: []
}

function stepsFor(pattern: string, dateField?: string, integers: string[] = []): NamedStep[] {
  const options = readFields(grok.fields, { match: pattern }, (path, message) => assert.fail(`${path}: ${message}`))!
  const steps: NamedStep[] = [{ ...grok.build(options, context), name: 'grok' }]
  if (dateField !== undefined) {
    const of = readFields(
      date.fields,
      { field: dateField, formats: ['dd/MMM/yyyy:HH:mm:ss Z', 'ISO8601'] },
      assert.fail
    )!
    steps.push({ ...date.build(of, context), name: 'date' })
  }
  const types = Object.fromEntries(integers.map(field => [field, 'integer' as const]))
  if (integers.length > 0) steps.push({ ...convert.build(types, context), name: 'convert' })
  return steps
}

function batchOf(lines: readonly string[]): Batch {
  const bounds: number[] = []
  let at = 0
  for (const line of lines) {
    const size = Buffer.byteLength(line)
    bounds.push(at, at + size)
    at += size + 1
  }
  return {
    source: { input: 'i', id: 'f-0', path: '/a', constants: { host: { name: 'h' }, log: { file: { path: '/a' } } } },
    arrival: Date.UTC(2026, 10, 22),
    count: lines.length,
    bytes: Buffer.from(lines.map(l => `${l}\n`).join('')),
    bounds: Uint32Array.from(bounds),
    offset: 0,
    settle() {}
  }
}

const SHIPS = { documents: true, reads: [] }

async function documents(steps: NamedStep[], lines: readonly string[]): Promise<unknown[]> {
  const pipeline = createPipeline({
    name: 'p',
    steps,
    keys: [],
    observers: [],
    log: silentLog,
    instruments: silentInstruments,
    buffers: { take: () => Buffer.allocUnsafeSlow(256) }
  })
  const records = await pipeline.run(batchOf(lines))
  const documents = records.bytes.toString().split('\n').slice(0, -1)
  assert.equal(documents.length, lines.length)
  return documents.map((d, i) => [JSON.parse(d) as unknown, records.times[i], records.offsets[i]])
}

/** What an observer that reads these fields is shown of each line, with the record's time and place. */
async function shown(
  steps: NamedStep[],
  lines: readonly string[],
  reads: readonly string[],
  ships: boolean
): Promise<unknown[]> {
  const seen: unknown[] = []
  const look = (event: Event, { time, offset, failed }: Cursor): void =>
    void seen.push([...reads.map(name => event[name]), time, offset, failed])
  const pipeline = createPipeline({
    name: 'p',
    steps,
    keys: [],
    observers: [Object.assign(look, { reads })],
    documents: ships,
    log: silentLog,
    instruments: silentInstruments,
    buffers: { take: () => Buffer.allocUnsafeSlow(256) }
  })
  const { bytes, count } = await pipeline.run(batchOf(lines))
  assert.equal(count, lines.length)
  assert.equal(bytes.length === 0, !ships)
  return seen
}

/** Observers are shown the same by both ways, whether the records ship or not. */
async function agreeOnView(steps: NamedStep[], lines: readonly string[], reads: readonly string[]): Promise<void> {
  const expected = await shown(general(steps), lines, reads, true)
  for (const ships of [true, false]) assert.deepEqual(await shown(steps, lines, reads, ships), expected)
  assert.deepEqual(await shown(general(steps), lines, reads, false), expected)
}

const general = (steps: NamedStep[]): NamedStep[] => steps.map(({ run, writes, name }) => ({ run, writes, name }))

async function agree(steps: NamedStep[], lines: readonly string[]): Promise<void> {
  assert.deepEqual(await documents(steps, lines), await documents(general(steps), lines))
}

/** How many of the lines take the short way. */
function short(steps: NamedStep[], lines: readonly string[]): number {
  const way = fuse(steps, SHIPS)
  assert.ok(way !== undefined, 'the steps have a short way')
  const out = Buffer.alloc(1 << 20)
  return lines.filter(line => {
    const b = Buffer.from(`${line}\n`)
    return way.scan(b, 0, b.length - 1, out, 0) !== -1
  }).length
}

const COMBINED = [
  '192.168.111.1 - - [03/Aug/2019:07:28:41 +0000] "GET / HTTP/1.1" 200 3700 "-" "Mozilla/5.0 (X11; Ubuntu; rv:68.0)"',
  '2001:db8::1 - alice [03/Aug/2019:07:28:41 +0200] "POST /a?b=%22c HTTP/2.0" 301 - "https://x.example/y" "curl/8.5.0"',
  'www.example.com - bob@example.com [29/Feb/2024:23:59:60 -0800] "GET /x" - 0 "" ""',
  '10.0.0.1 - - [03/Aug/2019:07:28:41 +0000] "GET /q"uote HTTP/1.1" 404 12 "-" "a" trailing "10.0.0.7"'
]
const ODD = [
  '',
  ' ',
  '192.168.111.1',
  '192.168.111.1 - - [99/Aug/2019:07:28:41 +0000] "GET / HTTP/1.1" 200 1 "-" "-"',
  '192.168.111.256 - - [03/Aug/2019:07:28:41 +0000] "GET / HTTP/1.1" 200 1 "-" "-"',
  '192.168.111.1 - - [03/Aug/2019:07:28:41 +0000] "\\x16\\x03" 400 157 "-" "-"',
  '192.168.111.1 - - [03/Aug/2019:07:28:41 +0000] "-" 400 0 "-" "-"',
  '192.168.111.1 - - [03/Aug/2019:07:28:41 +0000] "GET / HTTP/1.1" 007 1.5 "\\"" "\t"',
  'café - - [03/Aug/2019:07:28:41 +0000] "GET / HTTP/1.1" 200 1 "-" "é"',
  '192.168.111.1 - - [03/Aug/2019:07:28:41 +0000] "GET / HTTP/1.1" 200 99999999999999999999 "-" "-"',
  'x 192.168.111.1 - - [03/Aug/2019:07:28:41 +0000] "GET / HTTP/1.1" 200 1 "-" "-"',
  '-1.2.3.4 - - [03/Aug/2019:07:28:41 +0000] "GET / HTTP/1.1" -5 +6 "-" "-"'
]

const bent = (lines: readonly string[], longest: number): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom(...lines, ...ODD),
      fc.nat(longest),
      fc.nat(3),
      fc.constantFrom('', ' ', '"', '\\', '-', '.', '0', 'é', ':', ']', '\t', "'", '1.2.3.4')
    )
    .map(([line, at, cut, put]) => line.slice(0, at) + put + line.slice(at + cut))

test('access lines take the short way, and it gives what the general way gives', async () => {
  const steps = stepsFor('%{COMBINEDAPACHELOG}', 'timestamp', ['response', 'bytes'])
  assert.equal(short(steps, COMBINED.slice(0, 2)), 2)
  await agree(steps, [...COMBINED, ...ODD, ...COMBINED])
})

test('lines cut, glued and bent anywhere come out the same by both ways', async () => {
  const steps = stepsFor('%{COMBINEDAPACHELOG}', 'timestamp', ['bytes'])
  await fc.assert(
    fc.asyncProperty(fc.array(bent(COMBINED, 200), { minLength: 1, maxLength: 40 }), lines => agree(steps, lines)),
    { numRuns: 150 }
  )
})

const PATTERNS: [pattern: string, lines: string[]][] = [
  [
    '^%{IPORHOST:host_name} %{LOGLEVEL:level}: %{GREEDYDATA:text}',
    ['web-1 INFO: it works', 'web-1 INFO: ', 'web-1 info:x', 'a.b.c WARNING: "q" \\ x']
  ],
  [
    '%{WORD:verb} %{NUMBER:n} (?:-|%{DATA:d}) %{NOTSPACE:x}',
    ['GET 1.5 - y', 'GET 1.5  y', 'GET 12 a b c', 'GET -1 - y', 'GET 1.2.3 - y', 'éGET 1 - y']
  ],
  ['%{WORD:a}=%{INT:b:int};%{USERNAME:c}', ['k=12;u', 'k=-12;u', 'k=+1;u.v', 'k=007;u', 'k=1;', 'xx k=1;u']],
  ['(?:a%{WORD:x}|%{WORD:y})!', ['ab!', 'cb!', 'a!', '!']],
  [
    '%{IP:ip}(?: port %{INT:port})? done',
    ['1.2.3.4 done', '1.2.3.4 port 5 done', '::1 port x done', '1.2.3.4 port 5 6 done']
  ],
  ['%{DATA:a},%{DATA:b},%{GREEDYDATA:c}', ['1,2,3,4', ',,', 'x', 'é,b,c']],
  ['%{QS:a} %{NUMBER:n:float}', ['"x" 1.50', "'x' 1", '"a\\"b" 2', 'z "x" 3']]
]

test('other linear patterns give the same by both ways, on fitting lines and on odd ones', async () => {
  for (const [pattern, lines] of PATTERNS) {
    const steps = stepsFor(pattern)
    assert.ok(fuse(steps, SHIPS) !== undefined, `${pattern} is linear`)
    await agree(steps, [...lines, ...ODD])
    const bend = fc
      .tuple(fc.constantFrom(...lines), fc.nat(20), fc.nat(2), fc.string({ maxLength: 2 }))
      .map(([l, at, cut, put]) => (l.slice(0, at) + put + l.slice(at + cut)).replaceAll('\n', ' '))
    await fc.assert(
      fc.asyncProperty(fc.array(bend, { minLength: 1, maxLength: 20 }), bent => agree(steps, bent)),
      { numRuns: 60 }
    )
  }
})

const READS = ['verb', 'response', 'bytes', 'agent', 'timestamp', 'tags', 'nothing']

test('observers see what the general way shows them, whether the records ship or not', async () => {
  const steps = stepsFor('%{COMBINEDAPACHELOG}', 'timestamp', ['response', 'bytes'])
  for (const reads of [READS, [...READS, 'message'], ['response'], []])
    await agreeOnView(steps, [...COMBINED, ...ODD, 'x'.repeat(200), ...COMBINED], reads)
  for (const [pattern, lines] of PATTERNS)
    await agreeOnView(
      stepsFor(pattern),
      [...lines, ...ODD],
      ['a', 'b', 'c', 'd', 'n', 'x', 'y', 'port', 'text', 'tags']
    )
})

test('observers see the same of lines that are cut, glued and bent anywhere', async () => {
  const steps = stepsFor('%{COMBINEDAPACHELOG}', 'timestamp', ['bytes'])
  await fc.assert(
    fc.asyncProperty(fc.array(bent(COMBINED, 200), { minLength: 1, maxLength: 80 }), lines =>
      agreeOnView(steps, lines, READS)
    ),
    { numRuns: 100 }
  )
})

/** What an output gets that wants errors only, without the client's address. */
async function chosen(steps: NamedStep[], lines: readonly string[]): Promise<unknown[]> {
  const takes = compileCondition({ any: [{ response: { gte: 300 } }, { tags: '_grokparsefailure' }] })
  const pipeline = createPipeline({
    name: 'p',
    steps,
    keys: [],
    observers: [],
    selections: [
      { output: 'errors', takes },
      { output: 'private', takes, changes: { drop: ['clientip'], fields: {} } }
    ],
    log: silentLog,
    instruments: silentInstruments,
    buffers: { take: () => Buffer.allocUnsafeSlow(256) }
  })
  const { selected } = await pipeline.run(batchOf(lines))
  return ['errors', 'private'].flatMap(output => {
    const { bytes, offsets } = selected!.get(output)!
    return [bytes.toString(), [...offsets]]
  })
}

test('outputs that choose records get the same by both ways', async () => {
  const steps = stepsFor('%{COMBINEDAPACHELOG}', 'timestamp', ['response'])
  const lines = [...COMBINED, ...ODD, ...COMBINED]
  assert.deepEqual(await chosen(steps, lines), await chosen(general(steps), lines))
  const [errors] = (await chosen(steps, lines)) as [string]
  assert.equal(errors.split('\n').filter(line => line.includes('"response":301')).length, 2)
  await fc.assert(
    fc.asyncProperty(fc.array(bent(COMBINED, 200), { minLength: 1, maxLength: 40 }), async odd =>
      assert.deepEqual(await chosen(steps, odd), await chosen(general(steps), odd))
    ),
    { numRuns: 40 }
  )
})

test('patterns whose choices are not sure have no short way', () => {
  for (const pattern of [
    '%{GREEDYDATA:a} %{WORD:b}',
    '%{IPORHOST:a}%{WORD:b}',
    '%{WORD:a} %{WORD:a}',
    '\\d+ %{WORD:a}',
    '%{WORD:message} x',
    '(?<x>a)',
    '%{WORD:a}\\\n',
    '%{DATA:a}'
  ]) {
    assert.equal(fuse(stepsFor(pattern), SHIPS), undefined, pattern)
  }
})

test('a name that the user gave another meaning has no short way', () => {
  const options = readFields(grok.fields, { match: '%{WORD:a} x', pattern_definitions: { WORD: '.+' } }, assert.fail)!
  assert.equal(fuse([{ ...grok.build(options, context) }], SHIPS), undefined)
})
