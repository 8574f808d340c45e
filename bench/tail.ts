// Reading a file and finding its lines: lines per second of CPU, through the whole file input and for its inner loop alone.
//   node bench/tail.ts [megabytes]
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/core/clock.ts'
import type { Context } from '../src/core/component.ts'
import { readFields } from '../src/core/field.ts'
import { silentInstruments } from '../src/core/instruments.ts'
import { silentLog } from '../src/core/log.ts'
import { memoryState } from '../src/core/state.ts'
import { file } from '../src/input/file.ts'
import { Splitter } from '../src/input/lines.ts'

const megabytes = Number(process.argv[2] ?? 300)
const dir = mkdtempSync(join(tmpdir(), 'yarder-bench-'))
const path = join(dir, 'a.log')

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** An access log's line: 190 bytes, now and then shorter or longer. */
function makeLines(bytes: number): Buffer {
  const parts: string[] = []
  let size = 0
  for (let i = 0; size < bytes; i++) {
    const line = `10.1.${i % 256}.${(i * 7) % 256} - - [22/Nov/2026:16:${i % 60}:11 +0000] "GET /catalogue/item/${i} HTTP/1.1" 200 ${(i * 31) % 90000} "https://shop.example.com/list?page=${i % 40}" "Mozilla/5.0 (X11; Linux x86_64) ${'x'.repeat(40 + (i % 30))}"\n`
    parts.push(line)
    size += line.length
  }
  return Buffer.from(parts.join(''))
}

function splitOnly(block: Buffer): void {
  const splitter = new Splitter(1024 * 1024)
  const chunk = block.subarray(0, 512 * 1024)
  let lines = 0
  for (let i = 0; i < 200; i++) splitter.split(chunk, 0, chunk.length, 'more')
  const before = cpuSeconds()
  for (let i = 0; i < 2000; i++) lines += splitter.split(chunk, 0, chunk.length, 'more').count
  report('finding lines in a buffer', lines, 2000 * chunk.length, cpuSeconds() - before)
}

async function wholeInput(what: string, options: Record<string, unknown>): Promise<void> {
  const context: Context = {
    name: 'bench',
    log: silentLog,
    clock: systemClock,
    instruments: silentInstruments,
    state: memoryState(),
    dataDir: dir,
    configDir: dir,
    schema: 'logstash',
    timezone: 'UTC',
    constants: {},
    once: true,
    outputs: ['out']
  }
  const read = readFields(file.fields, { paths: [path], ...options }, (at, message) => {
    throw new TypeError(`${at} ${message}`)
  })
  let lines = 0
  let bytes = 0
  const before = cpuSeconds()
  await file.build(read!, context).run(async batch => {
    lines += batch.count
    bytes += batch.bytes.length
    batch.settle('out')
  }, new AbortController().signal)
  report(what, lines, bytes, cpuSeconds() - before)
}

function report(what: string, lines: number, bytes: number, seconds: number): void {
  const rss = Math.round(process.memoryUsage().rss / 1e6)
  console.log(
    `${what}: ${(lines / seconds / 1e6).toFixed(1)} million lines and ${(bytes / seconds / 1e9).toFixed(2)} GB a CPU-second, ${rss} MB resident`
  )
}

try {
  const block = makeLines(4 * 1024 * 1024)
  const fd = openSync(path, 'w')
  for (let written = 0; written < megabytes * 1e6; written += block.length) writeSync(fd, block)
  closeSync(fd)
  splitOnly(block)
  for (let i = 0; i < 3; i++) await wholeInput('the whole input', {})
  await wholeInput('joining stack traces', { multiline: { preset: 'java' } })
} finally {
  rmSync(dir, { recursive: true })
}
