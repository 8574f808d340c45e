// `npm run bench`: what it costs to bring an access log into Elasticsearch, as documents with fields and their own time;
// CPU, memory and completeness of the bundled agent, beside rsyslog's on the same file and receiver.
//   node bench/end-to-end.ts [--lines N] [--only NAME] [--flags '--max-semi-space-size=1'] [--profile FOLDER] [--answer items] [--no-rsyslog]
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { run, start } from '../test/lib/real/process.ts'
import { buildInto } from '../tools/build.ts'
import { cpuOf, generate, partsMissing, peakRss, sink as startSink } from './lib/parts.ts'
import type { Sink } from './lib/parts.ts'
import { rsyslog, rsyslogMissing } from './lib/rsyslog.ts'

const { values: options } = parseArgs({
  options: {
    lines: { type: 'string', default: '2000000' },
    only: { type: 'string' },
    flags: { type: 'string', default: '' },
    profile: { type: 'string' },
    // 'items' makes the receiver deaf to filter_path, so that each document has its 200 bytes in the answer.
    answer: { type: 'string', default: 'short' },
    rsyslog: { type: 'boolean', default: true }
  },
  allowNegative: true
})

interface Case {
  readonly name: string
  readonly what: string
  readonly steps: string
  readonly metrics?: string
}

const FIELDS = `
    - grok: { match: '%{COMBINEDAPACHELOG}' }
    - date: { field: timestamp, formats: ['dd/MMM/yyyy:HH:mm:ss Z'] }`

const CASES: readonly Case[] = [
  { name: 'parsed', what: 'grok, date', steps: FIELDS },
  {
    name: 'typed',
    what: 'grok, date, convert',
    steps: `${FIELDS}\n    - convert: { response: integer, bytes: integer }`
  },
  {
    name: 'general',
    what: 'grok, date, convert, redact, a metric',
    steps: `${FIELDS}
    - convert: { response: integer, bytes: integer }
    - redact: { presets: [authorization, query_secrets] }`,
    metrics: `metrics:
  nginx_requests_total: { type: counter, help: Requests., input: nginx, labels: { verb: verb, status: response } }\n`
  },
  { name: 'raw', what: 'no steps', steps: ' []' }
]

interface Figures {
  readonly title: string
  readonly docs: number
  readonly wallSeconds: number
  readonly cpuSeconds: number
  readonly peakRssBytes: number
}

const configOf = (c: Case, file: string, folder: string, sink: Sink): string => `
agent: { data_dir: ${folder}/data }
admin: { enabled: false }
inputs: { nginx: { type: file, paths: ['${file}'], start_at: beginning, pipeline: nginx } }
pipelines:
  nginx:${c.steps}
outputs: { elastic: { type: elasticsearch, hosts: ['${sink.url}'] } }
${c.metrics ?? ''}`

/** The agent with \`--once\`, from its start to its end. */
async function yarder(c: Case, file: string, sink: Sink, home: string): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-bench-'))
  const config = join(folder, 'yarder.yaml')
  writeFileSync(config, configOf(c, file, folder, sink))
  await sink.reset()
  const logFile = join(folder, 'agent.log')
  const before = performance.now()
  // A child's CPU time is added to its parent's once it has ended, to the last tick.
  const cpuBefore = childrenCpu()
  const agent = await start([...command(c, home), 'run', '--once', '-c', config], { logFile })
  let peak = 0
  const watch = setInterval(() => {
    try {
      peak = peakRss(agent.pid)
    } catch {
      // It has just ended; the last look stands.
    }
  }, 50)
  await new Promise(resolve => agent.child.once('exit', resolve))
  clearInterval(watch)
  const wallSeconds = (performance.now() - before) / 1000
  if (agent.child.exitCode !== 0) throw new Error(`the agent failed: ${readFileSync(logFile, 'utf8').slice(-2000)}`)
  const { docs } = await sink.stats()
  rmSync(folder, { recursive: true })
  return {
    title: `yarder: ${c.what}`,
    docs,
    wallSeconds,
    cpuSeconds: childrenCpu() - cpuBefore,
    peakRssBytes: peak
  }
}

/** bin/yarder as a package has it, with the flags it chooses; with flags to try, the bundle under these alone. */
function command(c: Case, home: string): [string, ...string[]] {
  const flags = options.flags.split(' ').filter(flag => flag !== '')
  if (options.profile !== undefined) flags.push('--cpu-prof', `--cpu-prof-dir=${join(options.profile, c.name)}`)
  return flags.length === 0 ? [join(home, 'bin/yarder')] : [process.execPath, ...flags, join(home, 'yarder.cjs')]
}

/** Lays the program out as a package does: bundle, Node and command. */
async function install(home: string): Promise<void> {
  await buildInto(home)
  symlinkSync(process.execPath, join(home, 'node'))
  mkdirSync(join(home, 'bin'))
  cpSync(fileURLToPath(new URL('../bin/yarder', import.meta.url)), join(home, 'bin/yarder'))
}

/** CPU seconds of this process's ended children: what /proc counts for it beyond its own use. */
function childrenCpu(): number {
  const { user, system } = process.cpuUsage()
  return cpuOf(process.pid) - (user + system) / 1e6
}

const rate = (f: Figures): number => f.docs / f.cpuSeconds

function print(rows: readonly Figures[], lines: number): void {
  const yardstick = rows.find(r => r.title.startsWith('rsyslog'))
  const head = ['', 'documents', 'wall s', 'CPU s', 'lines/CPU s', 'peak MB', 'to rsyslog']
  const table = rows.map(r => [
    r.title,
    r.docs === lines ? `${r.docs}` : `${r.docs} of ${lines}!`,
    r.wallSeconds.toFixed(1),
    r.cpuSeconds.toFixed(2),
    Math.round(rate(r)).toLocaleString('en'),
    (r.peakRssBytes / 1024 / 1024).toFixed(0),
    yardstick === undefined || r === yardstick ? '' : `x ${(rate(r) / rate(yardstick)).toFixed(1)}`
  ])
  const widths = head.map((_, i) => Math.max(...[head, ...table].map(row => row[i]!.length)))
  for (const row of [head, ...table])
    console.log(row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '))
}

async function main(): Promise<void> {
  const missing = partsMissing()
  if (missing !== undefined) return console.log(`left out: ${missing}`)
  const asked = Number(options.lines)
  const file = await generate('access', asked)
  const lines = Number((await run(['wc', '-l', file])).split(' ')[0])
  console.log(`${lines} lines, ${(statSync(file).size / 1e6).toFixed(0)} MB, Node ${process.versions.node}`)
  const folder = mkdtempSync(join(tmpdir(), 'yarder-bundle-'))
  const sink = await startSink({ answer: options.answer === 'items' ? 'items' : 'short' })
  const rows: Figures[] = []
  try {
    await install(folder)
    for (const c of CASES) {
      if (options.only !== undefined && options.only !== c.name) continue
      rows.push(await yarder(c, file, sink, folder))
      console.log(`${c.name}: ${Math.round(rate(rows.at(-1)!))} lines a CPU-second`)
    }
    const reason = options.rsyslog ? await rsyslogMissing() : 'not asked for'
    if (reason === undefined) {
      const figures = await rsyslog({ file, lines, sink, parse: 'combined' })
      rows.push({ title: 'rsyslog: mmnormalize, no date', ...figures })
    } else console.log(`rsyslog left out: ${reason}`)
  } finally {
    await sink.stop()
    rmSync(folder, { recursive: true })
  }
  print(rows, lines)
  if (rows.some(r => r.docs !== lines && r.title.startsWith('yarder'))) process.exitCode = 1
}

await main()
