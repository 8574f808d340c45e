// What health checks cost: CPU of one run by kind, and of an agent's worth of them together.
//   node bench/checks.ts            each kind, then 600 checks a minute for 20 s
// Processor time counts, of the agent and of the programs it starts; what the kernel does for others does not.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/core/clock.ts'
import type { CheckDefinition, Context } from '../src/core/component.ts'
import { readFields } from '../src/core/field.ts'
import { silentInstruments } from '../src/core/instruments.ts'
import { silentLog } from '../src/core/log.ts'
import { memoryState } from '../src/core/state.ts'
import { command } from '../src/health/check/command.ts'
import { disk } from '../src/health/check/disk.ts'
import { fileCheck } from '../src/health/check/file.ts'
import { http } from '../src/health/check/http.ts'
import { load } from '../src/health/check/load.ts'
import { memory } from '../src/health/check/memory.ts'
import { mount } from '../src/health/check/mount.ts'
import { port } from '../src/health/check/port.ts'
import { processCheck } from '../src/health/check/process.ts'
import { tcp } from '../src/health/check/tcp.ts'
import { user } from '../src/health/check/user.ts'
import { Checks, planCheck } from '../src/health/checks.ts'
import { checkCommonFields } from '../src/health/common.ts'
import { createShared } from '../src/health/shared.ts'
import { context } from '../test/lib/step.ts'

const RUNS = 200
const A_MINUTE = 600
const SECONDS = 20

const folder = mkdtempSync(join(tmpdir(), 'yarder-'))
writeFileSync(join(folder, 'file'), 'x'.repeat(1000))
// The target is a process of its own: what it uses is not the agent's.
const serve =
  "require('http').createServer((q, r) => r.end('fine')).listen(0, '127.0.0.1', function () { console.log(this.address().port) })"
const target = spawn(process.execPath, ['-e', serve], { stdio: ['ignore', 'pipe', 'inherit'] })
const [said] = (await once(target.stdout, 'data')) as [Buffer]
const at = Number(said)

const KINDS: readonly (readonly [string, CheckDefinition, Record<string, unknown>])[] = [
  ['process', processCheck, { process: 'node' }],
  ['port', port, { port: at }],
  ['tcp', tcp, { address: `127.0.0.1:${at}` }],
  ['http', http, { url: `http://127.0.0.1:${at}/` }],
  ['command', command, { command: ['true'] }],
  ['disk', disk, { path: '/' }],
  ['file', fileCheck, { path: join(folder, 'file') }],
  ['mount', mount, { path: '/proc' }],
  ['memory', memory, {}],
  ['load', load, {}],
  ['user', user, { user: 'root' }]
]

/** Milliseconds of the processor so far, of this process and of those it has waited for (proc_pid_stat(5), fields 16 and 17). */
function cpuMs(): number {
  const { user: own, system } = process.cpuUsage()
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ')[1]!.split(' ')
  return (own + system) / 1000 + (Number(fields[13]) + Number(fields[14])) * 10
}

const surroundings = (): Context => {
  const agent = { metrics: undefined as never, watch: () => () => {}, shared: createShared(systemClock) }
  return context({ agent })
}

const unitOf = (name: string, [type, definition, options]: (typeof KINDS)[number], every: string) => ({
  name,
  type,
  signature: '',
  common: readFields(checkCommonFields, { every }, complain)!,
  build: (around: Context) => definition.build(readFields(definition.fields, options, complain) as never, around)
})

function complain(path: string, message: string): never {
  throw new TypeError(`${path}: ${message}`)
}

/** Milliseconds of CPU a run, alone and again and again. */
async function cost(kind: (typeof KINDS)[number]): Promise<number> {
  const check = unitOf(kind[0], kind, '10s').build(context())
  const { signal } = new AbortController()
  for (let i = 0; i < 20; i++) await check(signal)
  const before = cpuMs()
  for (let i = 0; i < RUNS; i++) await check(signal)
  return (cpuMs() - before) / RUNS
}

for (const kind of KINDS) console.log(`${kind[0].padEnd(8)} ${(await cost(kind)).toFixed(2).padStart(6)} ms a run`)

const checks = new Checks({
  clock: systemClock,
  log: silentLog,
  instruments: silentInstruments,
  state: memoryState(),
  onChange: () => {}
})
const together = surroundings()
// A host's mixture: programs are started by the fewest.
const mixture = KINDS.filter(([name]) => name !== 'command')
const count = A_MINUTE / 6
const units = Array.from({ length: count }, (_, i) => unitOf(`c${i}`, mixture[i % mixture.length]!, '10s'))
// One round to compile what runs.
await checks.apply(units.map(unit => planCheck(unit, together)))
await systemClock.wait(10_000)
const before = cpuMs()
await systemClock.wait(SECONDS * 1000)
const used = cpuMs() - before
const states = checks.status().filter(status => status.state !== 'ok')
console.log(
  `${A_MINUTE} checks a minute (${mixture.map(([name]) => name).join(', ')}): ${(used / (SECONDS * 10)).toFixed(2)} % of one processor, not ok: ${[...new Set(states.map(s => `${s.type} ${s.message}`))].join(', ') || 'none'}`
)
await checks.stop()
target.kill()
rmSync(folder, { recursive: true })
