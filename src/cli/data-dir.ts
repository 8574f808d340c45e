// Which agent a command is for: the data directory that the command line, the configuration or systemd names.
import { resolve } from 'node:path'
import { findConfig } from '../config/load.ts'
import type { World } from './command.ts'
import { readConfigFile } from './config-file.ts'

export interface DataDir {
  readonly path: string
  /** Nobody has named it: it is where an agent usually is. */
  readonly guessed: boolean
}

/** `--data-dir`, else what the configuration says, else where an agent usually is. Throws YarderError when a named configuration isn't there. */
export async function findDataDir(
  world: World,
  explicit: string | undefined,
  config: string | undefined
): Promise<DataDir> {
  if (explicit !== undefined) return { path: resolve(explicit), guessed: false }
  const usual = (world.env['STATE_DIRECTORY'] || '/var/lib/yarder').split(':')[0]!
  if (config === undefined && findConfig(undefined, world.env).path === undefined) return { path: usual, guessed: true }
  const { dataDirOf } = await import('../agent/agent.ts')
  const { checked, dir } = await readConfigFile(config, world.env)
  return { path: dataDirOf(checked, dir, world.env), guessed: false }
}
