// What a command gets: the outside world, handed in, so that tests can hold it.
import { readFileSync } from 'node:fs'
import type { Command as Program } from 'commander'
import { assetPath } from '../core/assets.ts'
import type { LogService } from '../service/log.ts'

export interface World {
  readonly env: NodeJS.ProcessEnv
  /** Results. */
  out(text: string): void
  /** Messages. */
  err(text: string): void
  /** stdout is a terminal: people read along. */
  readonly terminal: boolean
  /** Colour is welcome on stdout. */
  readonly colour: boolean
  readonly logs: LogService
  /** Ends the process now, without waiting for what is under way; only what was said is still written. */
  end(status: number): void
  /** Calls back at each such signal until taken back. */
  onSignal(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', act: () => void): () => void
}

/** Adds one sub-command; its action returns the exit status. */
export type Register = (program: Program, world: World, exit: (status: number) => void) => void

/** 0 it worked, 1 it failed, 2 bad usage or bad config. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const

/** The one source of the version. */
export function version(): string {
  return (JSON.parse(readFileSync(assetPath('package.json'), 'utf8')) as { version: string }).version
}
