// What an idle agent costs: milliseconds until it has started and megabytes resident, from source and from the bundle,
// with V8 flags to compare: node bench/start.ts ['--max-semi-space-size=1 --jitless' …]
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { start, until } from '../test/lib/real/process.ts'
import { buildInto } from '../tools/build.ts'
import { cpuOf } from './lib/parts.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' } }
})
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'yarder-start-'))
const bundle = await buildInto(join(folder, 'dist'))
const config = join(folder, 'yarder.yaml')
mkdirSync(join(folder, 'logs'))
writeFileSync(
  config,
  `agent: { data_dir: ${folder}/data }
inputs: { nginx: { type: file, paths: ['${folder}/logs/*.log'], pipeline: nginx } }
pipelines:
  nginx:
    - grok: { match: '%{COMBINEDAPACHELOG}' }
    - date: { field: timestamp, formats: ['dd/MMM/yyyy:HH:mm:ss Z'] }
outputs: { screen: { type: stdout } }
admin: { listen: '127.0.0.1:0' }
`
)

interface Figures {
  ms: number
  cpu: number
  mb: number
}

/** One agent until it has started and been idle for two seconds. */
async function idle(program: readonly string[], env: Record<string, string>): Promise<Figures> {
  const logFile = join(folder, `log-${performance.now()}`)
  const before = performance.now()
  const agent = await start([process.execPath, ...program, 'run', '-c', config], { logFile, env })
  await until('the agent to start', () => {
    agent.check()
    return readFileSync(logFile, 'utf8').includes('Started.')
  })
  const ms = performance.now() - before
  await new Promise(resolve => setTimeout(resolve, 2000))
  const mb = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${agent.pid}/status`, 'utf8'))![1]) / 1024
  const cpu = cpuOf(agent.pid)
  await agent.stop()
  return { ms, cpu, mb }
}

const median = (numbers: number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!

async function measure(title: string, program: readonly string[], env: Record<string, string> = {}): Promise<void> {
  await idle(program, env)
  const all: Figures[] = []
  for (let i = 0; i < Number(values.rounds); i++) all.push(await idle(program, env))
  const of = (name: keyof Figures): number => median(all.map(figures => figures[name]))
  const columns = [`${of('ms').toFixed(0)} ms`, `${of('cpu').toFixed(2)} s CPU`, `${of('mb').toFixed(0)} MB`]
  console.log(title.padEnd(60), ...columns.map(c => c.padStart(11)))
}

try {
  const cache = { NODE_COMPILE_CACHE: join(folder, 'cache') }
  await measure('source', [join(root, 'src/main.ts')])
  await measure('source, compile cache', [join(root, 'src/main.ts')], cache)
  await measure('bundle', [bundle])
  await measure('bundle, compile cache', [bundle], cache)
  for (const flags of positionals) await measure(`bundle, ${flags}`, [...flags.split(' '), bundle])
} finally {
  rmSync(folder, { recursive: true })
}
