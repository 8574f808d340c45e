// What the end-to-end benches are made of: input files, a fast receiver, and the costs of a process as the kernel counts.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { debianPackage } from '../../test/lib/real/debian.ts'
import { freePort, inCi, run, start, until } from '../../test/lib/real/process.ts'

const cache = fileURLToPath(new URL('../../.cache/bench/', import.meta.url))
const shared = (name: string): string => fileURLToPath(new URL(`../../../shared/bench/${name}`, import.meta.url))

/**
 * The reason why the benches can't run here, or undefined: generator and receiver are no part of the project, they lie in
 * the folder `shared` beside it. With CI=true their absence is an error.
 */
export function partsMissing(): string | undefined {
  const absent = ['gen.js', 'sink.c'].map(shared).filter(path => !existsSync(path))
  if (absent.length === 0) return undefined
  const reason = `needs ${absent.join(' and ')}`
  if (inCi()) throw new Error(reason)
  return reason
}

/**
 * A file of `count` records made by the generator, the same bytes every time; kept for the next run.
 * `access` are nginx combined lines, `json` pino lines, `java` multi-line events. `clean` leaves malformed lines out.
 */
export async function generate(
  kind: 'access' | 'json' | 'java',
  count: number,
  options: { clean?: boolean } = {}
): Promise<string> {
  const generator = shared('gen.js')
  const clean = options.clean === true ? ['--clean'] : []
  const name = `${kind}-${count}${clean.join('')}-${hash(await readFile(generator))}.log`
  const path = join(cache, name)
  if (existsSync(path)) return path
  await mkdir(cache, { recursive: true })
  const half = `${path}.${process.pid}.half`
  await run([process.execPath, generator, kind, String(count), half, ...clean])
  await rename(half, path)
  return path
}

/** What the receiver has counted since its start or the last reset. Times are the receiver's monotonic nanoseconds. */
export interface SinkStats {
  readonly docs: number
  readonly bulk_requests: number
  readonly connections: number
  readonly body_bytes: number
  readonly wire_bytes: number
  readonly gzip_requests: number
  readonly max_body: number
  readonly max_docs: number
  readonly errors: number
  readonly first_ns: number
  readonly last_ns: number
  readonly sink_cpu_s: number
}

export interface Sink {
  readonly url: string
  readonly port: number
  readonly pid: number
  stats(): Promise<SinkStats>
  reset(): Promise<void>
  /** Waits until `docs` documents have come; rejects after `timeoutMs` with the count that had. */
  received(docs: number, timeoutMs?: number): Promise<SinkStats>
  stop(): Promise<void>
}

/**
 * Compiles and starts the fast receiver, which takes every bulk request and counts. Its answer is `items`: one for each
 * document with all fields, as a server gives that knows no filter_path; or `short`: no more than errors:false.
 */
export async function sink(options: { answer?: 'items' | 'short'; dump?: string } = {}): Promise<Sink> {
  const program = await compiledSink()
  const port = await freePort()
  const args = ['--port', String(port), options.answer === 'short' ? '--filter-aware' : '--items']
  if (options.dump !== undefined) args.push('--dump', options.dump)
  const url = `http://127.0.0.1:${port}`
  const running = await start([program, ...args], { logFile: join(tmpdir(), `yarder-sink-${port}.log`) })
  const ask = (path: string): Promise<Response> => fetch(url + path, { headers: { connection: 'close' } })
  const stats = async (): Promise<SinkStats> => (await (await ask('/__stats')).json()) as SinkStats
  await until('the sink to listen', async () => {
    running.check()
    return ask('/__stats').then(
      answer => answer.ok,
      () => false
    )
  })
  return {
    url,
    port,
    pid: running.pid,
    stats,
    reset: async () => void (await (await ask('/__reset')).text()),
    async received(docs, timeoutMs = 120_000) {
      let last: SinkStats | undefined
      const enough = async (): Promise<SinkStats | false> => {
        running.check()
        last = await stats()
        return last.docs >= docs && last
      }
      return until(`${docs} documents`, enough, timeoutMs).catch((error: unknown) => {
        throw new Error(`the sink has ${last?.docs ?? 0} documents`, { cause: error })
      })
    },
    async stop() {
      await running.stop()
      await rm(running.logFile, { force: true })
    }
  }
}

async function compiledSink(): Promise<string> {
  const source = shared('sink.c')
  const program = join(cache, `sink-${hash(await readFile(source))}`)
  if (existsSync(program)) return program
  const missing = await debianPackage(['gcc', 'zlib1g-dev'])
  if (missing !== undefined) throw new Error(missing)
  await mkdir(cache, { recursive: true })
  const half = `${program}.${process.pid}.half`
  await run(['cc', '-O2', '-o', half, source, '-lz'])
  await rename(half, program)
  return program
}

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 8)
}

/** /proc counts in ticks of 1/100 s on every Linux that Node runs on (USER_HZ, proc(5)). */
const ticksPerSecond = 100

/** Seconds of CPU that a live process has used, user and system, with those of its children that it has waited for. */
export function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is a name in parentheses that may hold blanks; utime, stime, cutime and cstime are fields 14 to 17.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return ticks / ticksPerSecond
}

/** The most memory that a live process has had resident, in bytes (VmHWM). */
export function peakRss(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  if (kilobytes === undefined) throw new Error(`process ${pid} has no VmHWM`)
  return Number(kilobytes) * 1024
}
