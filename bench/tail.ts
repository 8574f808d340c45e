// Reading a file and finding its lines: lines per second of CPU, through the whole file input and for its inner loop alone.
// The npm package `tail` on the same file is the yardstick; it is fetched for the run, and left out where that is refused.
//   node bench/tail.ts [megabytes]
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/core/clock.ts'
import type { Context } from '../src/core/component.ts'
import { readFields } from '../src/core/field.ts'
import { silentInstruments } from '../src/core/instruments.ts'
import { silentLog } from '../src/core/log.ts'
import { run } from '../test/lib/real/process.ts'
import { memoryState } from '../src/core/state.ts'
import { file } from '../src/input/file.ts'
import { Splitter } from '../src/input/lines.ts'

const NPM_TAIL = 'tail@2.2.6'
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

/** Lines a CPU-second. */
async function wholeInput(what: string, options: Record<string, unknown>): Promise<number> {
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
  return report(what, lines, bytes, cpuSeconds() - before)
}

/** As much of the package's interface as is used here. */
interface NpmTail {
  on(event: 'line' | 'error', heard: (what: unknown) => void): void
  unwatch(): void
}
type NpmTailModule = { readonly Tail: new (path: string, options: Record<string, unknown>) => NpmTail }

/** The module in a folder of its own, so that it is no dependency of ours; or why there is none. */
async function npmTail(): Promise<NpmTailModule | string> {
  const prefix = join(dir, 'npm')
  try {
    const quiet = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    await run(['npm', 'install', '--prefix', prefix, ...quiet, NPM_TAIL], { timeoutMs: 60_000 })
    return createRequire(join(prefix, 'x.js'))('tail') as NpmTailModule
  } catch (error) {
    return (error as Error).message.split('\n')[0]!
  }
}

/** It gives lines as strings and keeps no position; more than that is not asked of it. */
async function yardstick({ Tail }: NpmTailModule, lines: number, bytes: number): Promise<number> {
  const before = cpuSeconds()
  await new Promise<void>((resolve, reject) => {
    const tail = new Tail(path, { fromBeginning: true })
    let left = lines
    tail.on('line', () => {
      if (--left > 0) return
      tail.unwatch()
      resolve()
    })
    tail.on('error', reject)
  })
  return report(NPM_TAIL, lines, bytes, cpuSeconds() - before)
}

function report(what: string, lines: number, bytes: number, seconds: number): number {
  const rss = Math.round(process.memoryUsage().rss / 1e6)
  console.log(
    `${what}: ${(lines / seconds / 1e6).toFixed(1)} million lines and ${(bytes / seconds / 1e9).toFixed(2)} GB a CPU-second, ${rss} MB resident`
  )
  return lines / seconds
}

try {
  const block = makeLines(4 * 1024 * 1024)
  const blocks = Math.ceil((megabytes * 1e6) / block.length)
  const fd = openSync(path, 'w')
  for (let n = 0; n < blocks; n++) writeSync(fd, block)
  closeSync(fd)
  splitOnly(block)
  let best = 0
  for (let i = 0; i < 3; i++) best = Math.max(best, await wholeInput('the whole input', {}))
  await wholeInput('joining stack traces', { multiline: { preset: 'java' } })
  const theirs = await npmTail()
  if (typeof theirs === 'string') console.log(`${NPM_TAIL} left out: ${theirs}`)
  else {
    const lines = block.toString('latin1').split('\n').length - 1
    const rate = await yardstick(theirs, lines * blocks, block.length * blocks)
    console.log(`the whole input is ${(best / rate).toFixed(1)} times as fast as ${NPM_TAIL}`)
  }
} finally {
  rmSync(dir, { recursive: true })
}
