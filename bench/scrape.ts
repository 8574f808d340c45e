// What scrapes of many series take while the agent tails lines, and how long its loop was held: the agent itself, as it is
// started from a checkout, with a file that grows by so many lines a second (requirement PM-14: 16,000, 10,000 series).
//   node bench/scrape.ts [--only NAME] [--rate 16000] [--seconds 60] [--every 1100] [--gzip] [--no-scrapes]
// A page that was costly to make is shown again for up to a second, so scrapes more often than `--every 1100` look better.
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { start, until } from '../test/lib/real/process.ts'
import type { Running } from '../test/lib/real/process.ts'
import { cpuOf, peakRss } from './lib/parts.ts'

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    rate: { type: 'string', default: '16000' },
    seconds: { type: 'string', default: '60' },
    every: { type: 'string', default: '1100' },
    gzip: { type: 'boolean', default: false },
    scrapes: { type: 'boolean', default: true }
  },
  allowNegative: true
})

interface Case {
  readonly name: string
  /** Sets of label values. */
  readonly sets: number
  readonly metrics: string
}

const COMMON = 'help: Requests., labels: { path: request, verb: verb }, max_series: 20000'
const counters = (count: number): string =>
  Array.from({ length: count }, (_, i) => `  requests${i}_total: { type: counter, ${COMMON} }\n`).join('')

const CASES: readonly Case[] = [
  { name: '10,000 series of a counter', sets: 10_000, metrics: counters(1) },
  { name: '10,000 series of 100 counters', sets: 100, metrics: counters(100) },
  {
    name: '10,030 series of a histogram',
    sets: 590,
    metrics: `  took_seconds: { type: histogram, value: bytes, unit: ms, ${COMMON} }\n`
  },
  {
    name: '170,000 series of a histogram',
    sets: 10_000,
    metrics: `  took_seconds: { type: histogram, value: bytes, unit: ms, ${COMMON} }\n`
  }
]

const configOf = ({ metrics }: Case, folder: string): string => `
agent: { data_dir: ${folder}/data }
admin: { listen: '127.0.0.1:0' }
inputs: { nginx: { type: file, paths: ['${folder}/access.log'], poll: 100ms, pipeline: [{ grok: { match: '%{COMBINEDAPACHELOG}' } }] } }
outputs: { nowhere: { type: file, path: /dev/null } }
metrics:
${metrics}`

/** A thread of its own appends a few lines every 10 ms, each with the next of so many paths. */
const WRITER = `
const { appendFileSync } = require('node:fs')
const { parentPort, workerData: { path, sets, rate, all } } = require('node:worker_threads')
let written = 0
const line = i => '10.1.2.3 - - [22/Nov/2026:16:01:11 +0000] "GET /catalogue/item/' + (i % sets) + ' HTTP/1.1" 200 ' + (i * 31) % 9000 + ' "https://shop.example.com/" "Mozilla/5.0 (X11; Linux x86_64)"\\n'
function append(until) {
  let text = ''
  while (written < until) text += line(written++)
  if (text !== '') appendFileSync(path, text)
}
append(all)
const from = performance.now()
const timer = setInterval(() => append(all + Math.floor((performance.now() - from) / 1000 * rate)), 10)
parentPort.once('message', () => { clearInterval(timer); parentPort.postMessage(written) })
`

/**
 * Loaded before the agent: at its end it tells what CPU time passed between two turns of its loop (median, p99, most). That
 * is what the agent itself holds up; what other programs take of the machine is in the times of the scrapes.
 */
const PROBE = `
import { writeFileSync } from 'node:fs'
const held = []
let last = process.threadCpuUsage()
function look() {
  const { user, system } = process.threadCpuUsage(last)
  last = process.threadCpuUsage()
  held.push((user + system) / 1000)
}
process.on('SIGUSR2', () => { last = process.threadCpuUsage(); setInterval(look, 2).unref() })
process.on('exit', () => {
  held.sort((a, b) => a - b)
  writeFileSync(process.env.PROBE_FILE, JSON.stringify([0.5, 0.99, 1].map(p => held[Math.floor((held.length - 1) * p)])))
})
`

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))

const kept = new Agent({ keepAlive: true })

async function scrape(url: string): Promise<{ readonly ms: number; readonly bytes: number }> {
  const from = performance.now()
  const headers = options.gzip ? { 'accept-encoding': 'gzip' } : {}
  const [response] = (await once(get(`${url}/metrics`, { agent: kept, headers }), 'response')) as [IncomingMessage]
  let bytes = 0
  for await (const chunk of response) bytes += (chunk as Buffer).length
  return { ms: performance.now() - from, bytes }
}

/** How many lines the first metric has counted. */
async function counted(url: string): Promise<number> {
  const page = (await (await fetch(`${url}/metrics`)).text()).split('\n')
  const values = page.filter(line => /^(?:requests0_total|took_seconds_count)\{/.test(line))
  return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

async function measure(c: Case): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-bench-'))
  const path = join(folder, 'access.log')
  const probe = join(folder, 'probe.mjs')
  writeFileSync(path, '')
  writeFileSync(probe, PROBE)
  writeFileSync(join(folder, 'yarder.yaml'), configOf(c, folder))
  const logFile = join(folder, 'agent.log')
  const agent = await start(
    [process.execPath, '--max-semi-space-size=8', '--import', probe, MAIN, 'run', '-c', join(folder, 'yarder.yaml')],
    { logFile, env: { PROBE_FILE: join(folder, 'held.json') } }
  )
  const all = c.sets * 5
  let writer: Worker | undefined
  try {
    const url = await listening(agent)
    const rate = Number(options.rate)
    writer = new Worker(WRITER, { eval: true, workerData: { path, sets: c.sets, rate, all } })
    await until('every series to be there', async () => (await counted(url)) > all + rate)
    const took: { ms: number; bytes: number }[] = []
    process.kill(agent.pid, 'SIGUSR2')
    const cpu = cpuOf(agent.pid)
    const from = performance.now()
    const end = from + Number(options.seconds) * 1000
    for (let next = from; next < end; next += Number(options.every)) {
      await new Promise(resolve => setTimeout(resolve, Math.max(0, next - performance.now())))
      if (options.scrapes) took.push(await scrape(url))
    }
    const used = (cpuOf(agent.pid) - cpu) / ((performance.now() - from) / 1000)
    const peak = peakRss(agent.pid)
    writer.postMessage('end')
    const [written] = (await once(writer, 'message')) as [number]
    await until('all lines to be counted', async () => (await counted(url)) === written, 120_000)
    agent.child.kill('SIGTERM')
    await once(agent.child, 'exit')
    const held = JSON.parse(readFileSync(join(folder, 'held.json'), 'utf8')) as number[]
    const sorted = took.map(({ ms }) => ms).toSorted((a, b) => a - b)
    const at = (share: number): string => `${sorted[Math.floor((sorted.length - 1) * share)]?.toFixed(0) ?? '-'}`
    console.log(
      `${c.name}: ${took.length} scrapes of ${((took[0]?.bytes ?? 0) / 1e6).toFixed(2)} MB took ${at(0.5)} ms, p99 ${at(0.99)}, at most ${at(1)}; ` +
        `loop held for ${held.map(ms => ms.toFixed(1)).join(' / ')} ms of CPU (median / p99 / most), ` +
        `${(used * 100).toFixed(0)} % of a CPU, ${(peak / 1e6).toFixed(0)} MB at most, all ${written} lines counted`
    )
  } finally {
    await writer?.terminate()
    await agent.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function listening(agent: Running): Promise<string> {
  let address: string | undefined
  await until('the agent to listen', () => {
    agent.check()
    address = /Started\..* listen=(\S+)/.exec(readFileSync(agent.logFile, 'utf8'))?.[1]
    return address !== undefined
  })
  return `http://${address}`
}

for (const c of CASES) if (options.only === undefined || c.name.includes(options.only)) await measure(c)
kept.destroy()
