// Which agent a command is for: the data directory that the command line, the configuration or systemd names.
import { resolve } from 'node:path'
import { findConfig } from '../config/load.ts'
import { formatProblem } from '../config/problem.ts'
import type { Problem } from '../config/problem.ts'
import { YarderError } from '../core/errors.ts'
import type { World } from './command.ts'
import { readConfigFile } from './config-file.ts'

export interface DataDir {
  readonly path: string
  /** Nobody has named it: it is where an agent usually is. */
  readonly guessed: boolean
}

/** With a file that can't be read, is no YAML, or is wrong about the agent, the data directory would be another one's. */
const hidesDataDir = ({ at, path }: Problem): boolean => at === undefined || /^(agent(\..*)?)?$/.test(path)

/** `--data-dir`, else what the configuration says, else where an agent usually is. Throws YarderError when a named configuration doesn't tell. */
export async function findDataDir(
  world: World,
  explicit: string | undefined,
  config: string | undefined
): Promise<DataDir> {
  if (explicit !== undefined) return { path: resolve(explicit), guessed: false }
  const usual = (world.env['STATE_DIRECTORY'] || '/var/lib/yarder').split(':')[0]!
  if (config === undefined && findConfig(undefined, world.env).path === undefined) return { path: usual, guessed: true }
  const { dataDirOf } = await import('../agent/data-dir.ts')
  const { checked, dir, problems } = await readConfigFile(config, world.env)
  const problem = problems.find(hidesDataDir)
  if (problem !== undefined) {
    if (config === undefined && !world.env['YARDER_CONFIG']) return { path: usual, guessed: true }
    throw new YarderError('CONFIG', `${formatProblem(problem)}; or name the data_dir of the agent with --data-dir`)
  }
  return { path: dataDirOf(checked, dir, world.env), guessed: false }
}

/** The option of commands that ask the running agent, which a configuration helps to find. */
export const WHOSE_OPTION = ['-c, --config <file>', 'the configuration of the agent, which names its data_dir'] as const

/**
 * The same for a command that only asks the running agent: undefined when neither the command line nor $YARDER_CONFIG
 * names one, and sockets where agents usually listen are all there is to try.
 */
export async function namedDataDir(
  world: World,
  explicit: string | undefined,
  config: string | undefined
): Promise<string | undefined> {
  if (explicit === undefined && config === undefined && !world.env['YARDER_CONFIG']) return undefined
  return (await findDataDir(world, explicit, config)).path
}
