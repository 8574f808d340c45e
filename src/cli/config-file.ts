// Finds and checks the configuration for a command that runs without the agent, and says what is wrong with it.
import { dirname, resolve } from 'node:path'
import type { CheckedConfig } from '../agent/components.ts'
import { buildProblems } from '../config/checked.ts'
import { findConfig, loadConfig } from '../config/load.ts'
import { formatProblem, sortProblems } from '../config/problem.ts'
import type { Problem } from '../config/problem.ts'
import { YarderError } from '../core/errors.ts'
import type { World } from './command.ts'
import { offlineContexts } from './offline.ts'

export const CONFIG_OPTION = [
  '-c, --config <file>',
  'the configuration; $YARDER_CONFIG, else /etc/yarder/yarder.yaml when absent'
] as const

export interface ConfigFile {
  readonly path: string
  /** Folder that relative paths in it start from. */
  readonly dir: string
  readonly checked: CheckedConfig
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
}

/** Reads the configuration and builds everything in it, offline. Throws YarderError when there is none at all. */
export async function readConfigFile(explicit: string | undefined, env: NodeJS.ProcessEnv): Promise<ConfigFile> {
  const { path, places } = findConfig(explicit, env)
  if (path === undefined) {
    const looked = places.map(p => p.path).join(', ')
    throw new YarderError('CONFIG', `no configuration at ${looked}; name one with -c or $YARDER_CONFIG`)
  }
  const { catalog } = await import('../agent/components.ts')
  const { crossProblems } = await import('../agent/cross-checks.ts')
  const { oddities } = await import('../agent/oddities.ts')
  const dir = resolve(dirname(path))
  const { checked, problems, warnings } = loadConfig(path, catalog, env)
  const context = offlineContexts(checked, dir, env)
  const built = buildProblems(checked, (section, name) => context(section, name))
  return {
    path,
    dir,
    checked,
    problems: sortProblems([...problems, ...built, ...crossProblems(checked, dir)], checked.files),
    warnings: sortProblems([...warnings, ...oddities(checked, dir, env)], checked.files)
  }
}

/** Prints what is wrong, then what is odd, a line each. */
export function tellProblems(world: World, { problems, warnings }: ConfigFile): void {
  for (const problem of problems) world.err(`${formatProblem(problem)}\n`)
  for (const warning of warnings) world.err(`warning: ${formatProblem(warning)}\n`)
}

/** The configuration when it can be used; else it tells why not and gives undefined. */
export async function usableConfig(world: World, explicit: string | undefined): Promise<ConfigFile | undefined> {
  const config = await readConfigFile(explicit, world.env)
  if (config.problems.length === 0) return config
  tellProblems(world, config)
  return undefined
}
