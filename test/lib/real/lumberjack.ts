// Elastic's own Lumberjack servers for tests, built from the Go module go-lumber: its `tst-lj`, and one that prints events.
import { mkdtemp, rm } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { goMissing, goProgram } from './go.ts'
import { freePort, start, until } from './process.ts'

const sources = fileURLToPath(new URL('./peer/lumberjack/', import.meta.url))

/** Our own lies there; the other is a package of the module whose version go.mod and go.sum pin. */
const packages = { 'tst-lj': 'github.com/elastic/go-lumber/cmd/tst-lj', events: '.' } as const

type Program = keyof typeof packages

/** Builds both servers. As `goMissing`. */
export const lumberjackMissing = (): Promise<string | undefined> =>
  goMissing(async () => {
    for (const program of Object.keys(packages)) await built(program as Program)
  })

const built = (program: Program): Promise<string> => goProgram(sources, program, packages[program])

export interface LumberjackOptions {
  /** The same one again after a restart; free otherwise. */
  readonly port?: number
  /** How long a window is held before it is acknowledged, as Go writes it: `20ms`. Only `events` can. */
  readonly delay?: string
  /** Mutual TLS of one version. Only `events` can. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string; readonly version: '1.2' | '1.3' }
}

export interface Lumberjack {
  readonly pid: number
  readonly port: number
  readonly address: string
  /** Where it prints to. */
  readonly logFile: string
  /** What it has printed. */
  log(): string
  /** Events it has printed so far (`events`), acknowledged or not. */
  events(): Record<string, unknown>[]
  /** How many it has acknowledged, or had in whole windows (`tst-lj`). */
  acknowledged(): number
  /** SIGKILL, in the middle of whatever it does. */
  kill(): Promise<void>
  /** May be called twice. */
  stop(): Promise<void>
}

/** Starts one on 127.0.0.1. Call lumberjackMissing() first. */
export async function startLumberjack(program: Program, options: LumberjackOptions = {}): Promise<Lumberjack> {
  const port = options.port ?? (await freePort())
  const folder = await mkdtemp(join(tmpdir(), 'yarder-lumberjack-'))
  const args = ['-bind', `127.0.0.1:${port}`]
  if (program === 'tst-lj') args.push('-v2')
  if (options.delay !== undefined) args.push('-delay', options.delay)
  const { tls } = options
  if (tls !== undefined) args.push('-cert', tls.cert, '-key', tls.key, '-ca', tls.ca, '-tls', tls.version)
  const logFile = join(folder, 'log')
  const running = await start([await built(program), ...args], { logFile })
  let ended: string | undefined
  const log = (): string => ended ?? readFileSync(logFile, 'utf8')
  const stop = async (graceMs: number): Promise<void> => {
    await running.stop(graceMs)
    ended ??= log()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await until(`${program} to listen`, () => {
      running.check()
      return /tcp server up|^listening/m.test(log())
    })
  } catch (error) {
    await stop(0)
    throw error
  }
  const counted = program === 'tst-lj' ? /Received batch of (\d+) events/g : /^acknowledged (\d+)$/gm
  return {
    pid: running.pid,
    port,
    address: `127.0.0.1:${port}`,
    logFile,
    log,
    events: () =>
      log()
        .split('\n')
        .slice(0, -1)
        .filter(line => line.startsWith('{'))
        .map(line => JSON.parse(line) as Record<string, unknown>),
    acknowledged: () => [...log().matchAll(counted)].reduce((sum, m) => sum + Number(m[1]), 0),
    kill: () => {
      process.kill(running.pid, 'SIGKILL')
      return stop(0)
    },
    stop: () => stop(2000)
  }
}
