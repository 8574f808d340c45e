import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { startFakeElasticsearch } from '../../lib/fake-elasticsearch.ts'
import { NdjsonDestination, takeDocument } from './destination.ts'
import { Judge } from './judge.ts'
import type { Verdict } from './judge.ts'
import { Lines, lineOf, parseLine } from './line.ts'
import { randomFor } from './seed.ts'

interface Arrival {
  message: string
  offset: number
}

/** What a perfect agent delivers of one file. */
function arrivals(count: number, writer = 'w'): Arrival[] {
  const lines = new Lines(writer)
  return Array.from({ length: count }, () => {
    const offset = lines.bytes
    return { message: lines.next().slice(0, -1), offset }
  })
}

function judged(of: readonly Arrival[], written: number): Verdict {
  const judge = new Judge()
  for (const { message, offset } of of) judge.take(message, offset)
  return judge.verdict(new Map([['w', written]]))
}

const CLEAN = { lost: 0, doubled: 0, disordered: 0, damaged: 0, invented: 0 }

function faults({ lost, doubled, disordered, damaged, invented }: Verdict): typeof CLEAN {
  return { lost, doubled, disordered, damaged, invented }
}

test('a perfect delivery has no fault, whatever characters its lines have', () => {
  const verdict = judged(arrivals(1000), 1000)
  assert.deepEqual(faults(verdict), CLEAN)
  assert.equal(verdict.got, 1000)
  assert.equal(verdict.streams, 1)
})

test('a line that is missing is reported by its number, in the middle, at the beginning and at the end', () => {
  for (const n of [0, 500, 999]) {
    const verdict = judged(arrivals(1000).toSpliced(n, 1), 1000)
    assert.deepEqual(faults(verdict), { ...CLEAN, lost: 1 })
    assert.match(verdict.text, new RegExp(`^lost: w ${n}$`, 'm'))
  }
})

test('many missing lines are reported as ranges, all of them when nothing came', () => {
  const verdict = judged(arrivals(1000).toSpliced(100, 50), 1000)
  assert.equal(verdict.lost, 50)
  assert.deepEqual(verdict.lostRanges.get('w'), [[100, 149]])
  assert.deepEqual(judged([], 3).lostRanges.get('w'), [[0, 2]])
})

test('a line that comes twice is reported by its number, and is no disorder', () => {
  const all = arrivals(1000)
  const verdict = judged(all.toSpliced(700, 0, all[300]!), 1000)
  assert.deepEqual(faults(verdict), { ...CLEAN, doubled: 1 })
  assert.match(verdict.text, /^doubled: w 300$/m)
})

test('two lines that change places are reported by number', () => {
  const all = arrivals(1000)
  const verdict = judged(all.with(400, all[401]!).with(401, all[400]!), 1000)
  assert.deepEqual(faults(verdict), { ...CLEAN, disordered: 1 })
  assert.match(verdict.text, /^out of order: w 400 after 401$/m)
})

test('an earlier line of another file is no disorder, and files are told apart by where they begin', () => {
  const all = arrivals(1000)
  const rotated = all.slice(500).map(({ message, offset }) => ({ message, offset: offset - all[500]!.offset }))
  const verdict = judged([...rotated, ...all.slice(0, 500)], 1000)
  assert.deepEqual(faults(verdict), CLEAN)
  assert.equal(verdict.streams, 2)
})

test('any byte that flips is reported, with the line as it came', () => {
  const random = randomFor('flip', 1)
  for (let i = 0; i < 500; i++) {
    const all = arrivals(20)
    const n = random.between(0, 19)
    const bytes = Buffer.from(all[n]!.message)
    const at = random.between(0, bytes.length - 1)
    bytes[at]! ^= 1 << random.between(0, 6)
    const verdict = judged(all.with(n, { ...all[n]!, message: bytes.toString('utf8') }), 20)
    assert.equal(verdict.lost, 1, `byte ${at} of ${all[n]!.message}`)
    assert.ok(verdict.damaged === 1 || bytes[0] === 35, `byte ${at} of ${all[n]!.message}: ${verdict.text}`)
  }
})

test('a line that is cut, or two that are one, are damaged', () => {
  const all = arrivals(10)
  const cut = judged(all.with(5, { ...all[5]!, message: all[5]!.message.slice(0, -1) }), 10)
  assert.deepEqual(faults(cut), { ...CLEAN, lost: 1, damaged: 1 })
  const joined = judged(all.toSpliced(5, 2, { ...all[5]!, message: all[5]!.message + all[6]!.message }), 10)
  assert.deepEqual(faults(joined), { ...CLEAN, lost: 2, damaged: 1 })
})

test('a number that nobody wrote is reported, of a known writer and of an unknown one', () => {
  assert.deepEqual(faults(judged(arrivals(11), 10)), { ...CLEAN, invented: 1 })
  assert.match(
    judged([...arrivals(10), { message: lineOf('x', 0, 0).slice(0, -1), offset: 0 }], 10).text,
    /never written: x 0/
  )
})

test('two million lines are judged within a few bits each', () => {
  const judge = new Judge()
  let at = 0
  const before = process.memoryUsage().heapUsed + process.memoryUsage().external
  for (let n = 0; n < 300_000; n++) {
    const line = lineOf('w', n, at)
    if (n !== 123_456) judge.take(line.slice(0, -1), at)
    at += Buffer.byteLength(line)
  }
  // The rest as if it had been lost: it is counted without being listed one by one.
  const verdict = judge.verdict(new Map([['w', 2_000_000]]))
  assert.equal(verdict.lost, 1_700_001)
  assert.equal(verdict.lostRanges.get('w')!.length, 2)
  const grown = process.memoryUsage().heapUsed + process.memoryUsage().external - before
  assert.ok(grown < 100 * 1024 * 1024, `${grown} bytes`)
})

function ndjson(of: readonly Arrival[]): string {
  return of
    .map(({ message, offset }) => `${JSON.stringify({ message, log: { offset, file: { path: 'a.log' } } })}\n`)
    .join('')
}

function outFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'out.ndjson')
}

test('a destination file is followed while it grows, and a line cut at its end is no fault until more follows', t => {
  const path = outFile(t)
  const judge = new Judge()
  const out = new NdjsonDestination(path, judge)
  out.read()
  const text = ndjson(arrivals(1000))
  const half = Math.floor(text.length / 2)
  writeFileSync(path, text.slice(0, half))
  out.read()
  assert.ok(judge.got > 400)
  assert.notEqual(out.rest(), '')
  appendFileSync(path, text.slice(half))
  out.read()
  assert.equal(out.rest(), '')
  assert.deepEqual(faults(judge.verdict(new Map([['w', 1000]]))), CLEAN)
})

test('a destination file that was cut short is reported: the lines it lacks, and what is no document', t => {
  const path = outFile(t)
  writeFileSync(path, ndjson(arrivals(100)))
  truncateSync(path, ndjson(arrivals(60)).length - 10)
  appendFileSync(path, ndjson(arrivals(100).slice(60)))
  const judge = new Judge()
  new NdjsonDestination(path, judge).read()
  const verdict = judge.verdict(new Map([['w', 100]]))
  assert.deepEqual(faults(verdict), { ...CLEAN, lost: 2, damaged: 1 })
  assert.deepEqual(verdict.lostRanges.get('w'), [[59, 60]])
})

test('documents of an index are judged without order', async t => {
  const fake = await startFakeElasticsearch()
  t.after(() => fake.down())
  const body = arrivals(50)
    .toReversed()
    .map((arrival, i) => `{"create":{"_id":"${i}"}}\n${ndjson([arrival])}`)
    .join('')
  const headers = { 'content-type': 'application/x-ndjson' }
  const answer = await fetch(`${fake.url}/logs/_bulk`, { method: 'POST', headers, body })
  assert.equal(answer.status, 200)
  const judge = new Judge()
  for (const { source } of fake.docs) takeDocument(judge, source, false)
  assert.deepEqual(faults(judge.verdict(new Map([['w', 50]]))), CLEAN)
})

test('a line read back is the one that was made', () => {
  const line = lineOf('w', 3, 77)
  assert.ok(line.includes('😀'))
  assert.deepEqual(parseLine(line.slice(0, -1)), { writer: 'w', n: 3, at: 77, intact: true })
})
