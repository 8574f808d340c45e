// The agent itself as a user runs it, bin/yarder with a config file, for the tests that look at it from outside.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { start, until } from './process.ts'
import type { Running } from './process.ts'

/** Absolute path of bin/yarder. */
export const PROGRAM = fileURLToPath(new URL('../../../bin/yarder', import.meta.url))

/** How an agent ended, and how long it took from the signal on. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly ms: number
}

/** A running agent. */
export interface Yarder {
  readonly pid: number
  /** Address of /metrics and /health; only with `admin: { listen: 127.0.0.1:0 }` in its config. */
  readonly url: string
  /** What it has said so far, stdout and stderr of this run. */
  log(): string
  /** Waits until it has said something. */
  said(what: string | RegExp, timeoutMs?: number): Promise<void>
  /** Value of the first sample on /metrics whose line starts so; 0 when there is none. */
  metric(start: string): Promise<number>
  /** The most memory it has had resident so far, bytes. */
  peakRss(): number
  /** Sends a signal (SIGTERM unless named) and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<Ending>
  /** Its end without our doing. */
  ended(timeoutMs?: number): Promise<Ending>
}

export interface YarderOptions {
  /** Where config, log and data are; the same folder again is the same agent started again. */
  readonly folder: string
  readonly config: string
  readonly env?: Record<string, string>
  /** Put before the program: `setpriv` and its arguments. */
  readonly through?: readonly string[]
  /** Arguments after `run -c CONFIG`. */
  readonly args?: readonly string[]
}

let runs = 0

/** Starts an agent without waiting for more than the process; it is killed with the test. */
export async function launchYarder(t: TestContext, options: YarderOptions): Promise<Yarder> {
  const { folder, through = [], args = [] } = options
  const config = join(folder, 'yarder.yaml')
  mkdirSync(folder, { recursive: true })
  writeFileSync(config, options.config)
  const argv = [...through, PROGRAM, 'run', '-c', config, ...args] as [string, ...string[]]
  const logFile = join(folder, `agent-${++runs}.log`)
  const running = await start(argv, { logFile, cwd: folder, env: { LOGLEVEL: '', ...options.env } })
  t.after(() => running.stop(0))
  return yarderOf(running)
}

/** Starts an agent and waits until it says that it has. */
export async function startYarder(t: TestContext, options: YarderOptions): Promise<Yarder> {
  const yarder = await launchYarder(t, options)
  await yarder.said('Started.')
  return yarder
}

function yarderOf(running: Running): Yarder {
  const log = (): string => readFileSync(running.logFile, 'utf8')
  const alive = (): boolean => running.child.exitCode === null && running.child.signalCode === null
  const ended = async (timeoutMs = 30_000): Promise<Ending> => {
    const before = performance.now()
    await until(`the end of the agent (${log().slice(-1500)})`, () => !alive(), timeoutMs)
    return { code: running.child.exitCode, signal: running.child.signalCode, ms: performance.now() - before }
  }
  return {
    pid: running.pid,
    get url() {
      const address = /Started\..* listen=(\S+)/.exec(log())?.[1]
      if (address === undefined) throw new Error('the agent does not listen')
      return `http://${address}`
    },
    log,
    async said(what, timeoutMs) {
      const fits = (text: string): boolean => (typeof what === 'string' ? text.includes(what) : what.test(text))
      await until(
        `the agent to say ${what}`,
        () => {
          if (fits(log())) return true
          running.check()
          return false
        },
        timeoutMs
      ).catch((error: unknown) => {
        throw new Error(`it said: ${log().slice(-2000)}`, { cause: error })
      })
    },
    async metric(start) {
      const page = await fetch(`${this.url}/metrics`).then(answer => answer.text())
      const line = page.split('\n').find(l => l.startsWith(start))
      return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ')))
    },
    peakRss() {
      const status = readFileSync(`/proc/${running.pid}/status`, 'utf8')
      return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) * 1024
    },
    end(signal = 'SIGTERM') {
      running.child.kill(signal)
      return ended()
    },
    ended
  }
}

/** A folder for one agent, removed with the test. */
export function agentFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
