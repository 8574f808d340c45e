// How many hosts a destination takes: events per second and per second of its CPU, at Elastic's own Lumberjack server and
// at real Elasticsearch and OpenSearch nodes, beside what the sending costs here. docs/scaling.md is made of this.
//   node bench/scaling.ts [--seconds N] [--only lumberjack|elasticsearch|opensearch|routing] [--hosts N] [--batch N]
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Output, Parcel } from '../src/core/component.ts'
import { readFields } from '../src/core/field.ts'
import type { Fields } from '../src/core/field.ts'
import { makeParcel } from '../src/core/parcel.ts'
import { elasticsearch } from '../src/output/elasticsearch.ts'
import { logstash } from '../src/output/logstash.ts'
import { elasticsearchMissing, startElasticsearch } from '../test/lib/real/elasticsearch.ts'
import type { Flavour } from '../test/lib/real/elasticsearch.ts'
import { lumberjackMissing, startLumberjack } from '../test/lib/real/lumberjack.ts'
import { makeRecords } from '../test/lib/records.ts'
import { context } from '../test/lib/step.ts'
import { cpuOf } from './lib/parts.ts'

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    only: { type: 'string' },
    hosts: { type: 'string', default: '4' },
    batch: { type: 'string', default: '2000' }
  }
})
const SECONDS = Number(options.seconds)
const HOSTS = Number(options.hosts)
const BATCH = Number(options.batch)

/** An access log line as the agent makes a document of it, about 500 bytes; every value differs as real ones do. */
const access = (n: number): object => ({
  '@timestamp': new Date(Date.now() - (n % 1000)).toISOString(),
  message: `203.0.${(n * 31) % 256}.${(n * 17) % 256} - - "GET /article/${(n * 7919) % 1000}/view?page=${n % 9} HTTP/1.1" ${n % 11 === 0 ? 404 : 200} ${(n * 2477) % 60_000}`,
  clientip: `203.0.${(n * 31) % 256}.${(n * 17) % 256}`,
  verb: n % 7 === 0 ? 'POST' : 'GET',
  request: `/article/${(n * 7919) % 1000}/view?page=${n % 9}`,
  response: n % 11 === 0 ? 404 : 200,
  bytes: (n * 2477) % 60_000,
  agent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36',
  host: { name: `web-${n % HOSTS}` },
  log: { file: { path: '/var/log/nginx/access.log' }, offset: n * 211 }
})

interface Definition<F extends Fields> {
  readonly fields: F
  build(options: never, ctx: ReturnType<typeof context>): Output
}

function outputOf(definition: Definition<Fields>, given: object): Output {
  const values = readFields(definition.fields, given, (path, message) => {
    throw new Error(`${path} ${message}`)
  })
  return definition.build(values as never, context({ dataDir: tmpdir(), configDir: tmpdir() }))
}

let made = 0
/** Records with an identity that no others have. */
function parcelOf(): Parcel {
  const docs = Array.from({ length: BATCH }, (_, i) => access(made + i))
  const times = docs.map(() => Date.now())
  const records = makeRecords({ docs, times, sourceId: `bench.${made}`, offset: 1 })
  made += BATCH
  return makeParcel([{ records, from: 0, to: BATCH }])
}

/** `HOSTS` outputs send as fast as the destination takes, each one request at a time, as that many hosts that catch up. */
async function flood(title: string, pid: number, outputs: readonly Output[]): Promise<void> {
  const never = new AbortController().signal
  const drive = async (seconds: number): Promise<{ events: number; bytes: number }> => {
    const end = performance.now() + seconds * 1000
    let [events, bytes] = [0, 0]
    await Promise.all(
      outputs.map(async output => {
        while (performance.now() < end) {
          const parcel = parcelOf()
          const sent = await output.send(parcel, never)
          events += parcel.count - sent.retry.length - sent.rejected.length
          bytes += parcel.bytes
        }
      })
    )
    return { events, bytes }
  }
  // The first requests make indices and warm the compilers of the JVM.
  await drive(Math.min(10, SECONDS))
  const [theirs, ours, start] = [cpuOf(pid), process.cpuUsage(), performance.now()]
  const { events, bytes } = await drive(SECONDS)
  const wall = (performance.now() - start) / 1000
  const used = process.cpuUsage(ours)
  const cpu = cpuOf(pid) - theirs
  for (const output of outputs) await output.close()
  console.log(
    `${title.padEnd(34)} ${round(events / wall)} events/s (${Math.round(bytes / events)} bytes each), ` +
      `${round(events / cpu)} per CPU-second of it, which used ${(cpu / wall).toFixed(2)} cores; ` +
      `the sender and its records ${((used.user + used.system) / 1e6 / wall).toFixed(2)} cores`
  )
}

const round = (n: number): string => Math.round(n).toLocaleString('en')

async function lumberjack(): Promise<void> {
  const missing = await lumberjackMissing()
  if (missing !== undefined) return console.log(`lumberjack: ${missing}`)
  for (const level of [0, 3]) {
    const server = await startLumberjack('tst-lj')
    try {
      const outputs = Array.from({ length: HOSTS }, () =>
        outputOf(logstash, { hosts: [server.address], compression_level: level })
      )
      await flood(`go-lumber server, zlib level ${level}`, server.pid, outputs)
    } finally {
      await server.stop()
    }
  }
}

async function node(flavour: Flavour): Promise<void> {
  const missing = await elasticsearchMissing(flavour)
  if (missing !== undefined) return console.log(`${flavour}: ${missing}`)
  const server = await startElasticsearch({ flavour })
  try {
    await fetch(`${server.url}/_index_template/bench`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        index_patterns: ['bench'],
        template: { settings: { number_of_shards: 1, number_of_replicas: 0 } }
      })
    })
    const outputs = Array.from({ length: HOSTS }, () =>
      outputOf(elasticsearch, { hosts: [server.url], index: 'bench', in_flight: 1 })
    )
    await flood(`${flavour}, one shard, 1 GB heap`, server.pid, outputs)
  } finally {
    await server.stop()
  }
}

const LINES = 300_000
/** What an output can say about which records it wants and in which form; all let every line of this log through but the last. */
const CHOICES: ReadonlyArray<readonly [title: string, options: object]> = [
  ['as it is', {}],
  ['level: warning (of lines without one)', { level: 'warning' }],
  ['when: {response: {gte: 200}}', { when: { response: { gte: 200 } } }],
  ['fields: {shop: one, tier: web}', { fields: { shop: 'one', tier: 'web' } }],
  ['drop_fields: [agent, referrer]', { drop_fields: ['agent', 'referrer'] }],
  [
    'when, fields and drop_fields',
    { when: { response: { gte: 200 } }, fields: { shop: 'one' }, drop_fields: ['agent'] }
  ],
  ['when: {response: {gte: 500}} (none)', { when: { response: { gte: 500 } } }]
]

/** CPU-seconds of children that have ended. */
function spentByChildren(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[13]) + Number(fields[14])) / 100
}

/** The whole agent on a file of access lines, each choice at the one output in turn, beside the same output without any. */
function routing(): void {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-bench-'))
  try {
    const lines = Array.from({ length: LINES }, (_, n) => {
      const path = `/article/${(n * 7919) % 1000}/view?page=${n % 9}`
      const client = `203.0.${(n * 31) % 256}.${(n * 17) % 256}`
      return `${client} - - [22/Nov/2026:12:00:${String(n % 60).padStart(2, '0')} +0000] "GET ${path} HTTP/1.1" ${n % 11 === 0 ? 404 : 200} ${(n * 2477) % 60_000} "-" "Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0"\n`
    })
    writeFileSync(join(folder, 'access.log'), lines.join(''))
    const base = Math.min(run(folder, {}), run(folder, {}))
    console.log(`${round(LINES / base)} lines per CPU-second of the agent with one output, start and all`)
    for (const [title, choice] of CHOICES) {
      const cpu = Math.min(run(folder, choice), run(folder, choice))
      console.log(`${title.padEnd(40)} ${(cpu / base).toFixed(2)} times the CPU`)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function run(folder: string, choice: object): number {
  const config = {
    agent: { data_dir: join(folder, 'state') },
    admin: { enabled: false },
    inputs: { web: { type: 'file', paths: [join(folder, 'access.log')], start_at: 'beginning', pipeline: 'web' } },
    pipelines: {
      web: [
        { grok: { match: '%{COMBINEDAPACHELOG}' } },
        { date: { field: 'timestamp', formats: ['dd/MMM/yyyy:HH:mm:ss Z'] } },
        { convert: { response: 'integer', bytes: 'integer' } }
      ]
    },
    outputs: { out: { type: 'file', path: '/dev/null', ...choice } }
  }
  const path = join(folder, 'yarder.yaml')
  writeFileSync(path, JSON.stringify(config))
  rmSync(join(folder, 'state'), { recursive: true, force: true })
  const before = spentByChildren()
  execFileSync(fileURLToPath(new URL('../bin/yarder', import.meta.url)), ['run', '--once', '-c', path], {
    stdio: 'ignore'
  })
  return spentByChildren() - before
}

const only = (name: string): boolean => options.only === undefined || options.only === name
console.log(
  `${HOSTS} senders with ${BATCH} events a request, ${SECONDS} s each, ${availableParallelism()} cores for all of it together`
)
if (only('lumberjack')) await lumberjack()
if (only('elasticsearch')) await node('elasticsearch-8.19')
if (only('opensearch')) await node('opensearch-2.19')
if (only('routing')) routing()
