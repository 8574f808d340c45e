// Debian's mtail on the same job: requests by method and status, bytes, and their sizes, out of an access log.
// Once as mtail works, metrics alone, and once with each line shipped as a document to a file, which mtail has no word for.
//   node bench/mtail.ts [--lines N]
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { debianPackage } from '../test/lib/real/debian.ts'
import { run } from '../test/lib/real/process.ts'
import { cpuOf, generate, partsMissing } from './lib/parts.ts'

const { values: options } = parseArgs({ options: { lines: { type: 'string', default: '2000000' } } })

const BUCKETS = [1e3, 1e4, 1e5, 1e6]

const MTAIL = String.raw`
counter requests_total by verb, status
counter response_bytes_total
histogram response_size_bytes buckets ${BUCKETS.join(', ')}

/^(?P<client>\S+) (?P<ident>\S+) (?P<auth>\S+) \[(?P<timestamp>[^\]]+)\] "(?P<verb>\w+) (?P<request>\S+)(?: HTTP\/(?P<version>[0-9.]+))?" (?P<status>\d{3}) (?P<bytes>\d+|-)/ {
  requests_total[$verb][$status]++
  $bytes != "-" {
    response_bytes_total += int($bytes)
    response_size_bytes = int($bytes)
  }
}
`

const YARDER = (folder: string, file: string, ships: boolean): string => `
agent: { data_dir: ${folder}/data-${ships} }
admin: { enabled: false }
inputs:
  nginx: { type: file, outputs: [${ships ? 'none' : ''}], paths: ['${file}'], start_at: beginning, pipeline: [{ grok: { match: '%{COMBINEDAPACHELOG}' } }] }
outputs: { none: { type: file, path: ${folder}/out.ndjson } }
metrics:
  requests_total: { type: counter, help: Requests., labels: { verb: verb, status: response } }
  response_bytes_total: { type: counter, help: Bytes., value: bytes }
  response_size_bytes: { type: histogram, help: Sizes., value: bytes, buckets: [${BUCKETS.join(', ')}] }
`

/** CPU seconds that a program takes to its end. */
async function cpuSeconds(argv: [string, ...string[]]): Promise<number> {
  const spent = (): number => {
    const { user, system } = process.cpuUsage()
    return cpuOf(process.pid) - (user + system) / 1e6
  }
  const before = spent()
  await run(argv, { timeoutMs: 120_000 })
  return spent() - before
}

async function main(): Promise<void> {
  const missing = partsMissing() ?? (await debianPackage(['mtail']))
  if (missing !== undefined) return console.log(`left out: ${missing}`)
  const file = await generate('access', Number(options.lines))
  const folder = mkdtempSync(join(tmpdir(), 'yarder-mtail-'))
  try {
    const program = join(folder, 'access.mtail')
    writeFileSync(program, MTAIL)
    const lines = readFileSync(file, 'latin1').split('\n').length - 1
    const mtail = await cpuSeconds([
      'mtail',
      '--one_shot',
      '--one_shot_format=prometheus',
      '--progs',
      program,
      '--logs',
      file
    ])
    const bin = fileURLToPath(new URL('../bin/yarder', import.meta.url))
    const rate = (seconds: number): string => `${Math.round(lines / seconds).toLocaleString('en')} lines a CPU-second`
    console.log(`mtail:                            ${rate(mtail)}`)
    for (const ships of [false, true]) {
      const config = join(folder, `yarder-${ships}.yaml`)
      writeFileSync(config, YARDER(folder, file, ships))
      const yarder = await cpuSeconds([bin, 'run', '--once', '-c', config])
      const what = ships ? 'documents to a file' : 'metrics alone'
      console.log(`yarder, start and ${what.padEnd(19)}: ${rate(yarder)}, x ${(mtail / yarder).toFixed(1)}`)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

await main()
