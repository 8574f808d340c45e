// The world of a command, held by a test: what it prints is kept, what it hears is called.
import { runCli } from '../../src/cli/cli.ts'
import type { World } from '../../src/cli/command.ts'
import { createLog } from '../../src/service/log.ts'

export interface HeldWorld extends World {
  /** What was printed so far. */
  readonly stdout: string
  readonly stderr: string
  /** Calls those who listen to the signal; false when nobody does. */
  send(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): boolean
}

export interface WorldOptions {
  env?: NodeJS.ProcessEnv
  terminal?: boolean
  colour?: boolean
  /** Called with each result as it is printed. */
  onOut?: (text: string) => void
}

export function holdWorld({ env = {}, terminal = false, colour = false, onOut }: WorldOptions = {}): HeldWorld {
  const printed = { out: '', err: '' }
  const listeners: [string, () => void][] = []
  const err = (text: string): void => {
    printed.err += text
  }
  return {
    env,
    terminal,
    colour,
    out: text => {
      printed.out += text
      onOut?.(text)
    },
    err,
    logs: createLog({
      format: 'text',
      level: 'info',
      environment: 'TEST',
      writer: { write: err, flush: () => Promise.resolve() },
      journal: false,
      terminal: true
    }),
    end: status => {
      throw new Error(`the process would end with ${status}`)
    },
    onSignal: (signal, act) => {
      const entry: [string, () => void] = [signal, act]
      listeners.push(entry)
      return () => void listeners.splice(listeners.indexOf(entry), 1)
    },
    get stdout() {
      return printed.out
    },
    get stderr() {
      return printed.err
    },
    send(signal) {
      const heard = listeners.filter(([name]) => name === signal)
      for (const [, act] of heard) act()
      return heard.length > 0
    }
  }
}

export interface Outcome {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs one command line to its end. */
export async function cli(argv: readonly string[], options: WorldOptions = {}): Promise<Outcome> {
  const world = holdWorld(options)
  const status = await runCli(argv, world)
  return { status, stdout: world.stdout, stderr: world.stderr }
}
