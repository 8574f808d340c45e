// `yarder reload`: the running agent reads its configuration again, and says whether it took it.
import { describe } from '../core/errors.ts'
import { EXIT } from './command.ts'
import type { Register } from './command.ts'
import { ask, controlPaths } from './control.ts'
import { WHOSE_OPTION, namedDataDir } from './data-dir.ts'

/** An agent waits for its outputs in a reload, at most `agent.shutdown_timeout`, whose own limit is 10 minutes. */
const PATIENCE_MS = 11 * 60_000

/** What the agent answers; `refused` is the reason, absent when the new configuration is in force. */
export interface ReloadAnswer {
  readonly refused?: string | undefined
}

export const registerReload: Register = (program, world, exit) => {
  program
    .command('reload')
    .description('make the running agent read its configuration again, and tell whether it took it')
    .option(...WHOSE_OPTION)
    .option('--data-dir <path>', 'data_dir of the agent, where its control socket is')
    .addHelpText(
      'after',
      '\nExit status: 0 the new configuration is in force, 1 the agent cannot be reached, 2 it refused the configuration' +
        '\nand goes on with the old one.'
    )
    .action(async (options: { config?: string; dataDir?: string }) => {
      try {
        const dataDir = await namedDataDir(world, options.dataDir, options.config)
        const { refused } = (await ask(controlPaths(world.env, dataDir), 'reload', {}, PATIENCE_MS)) as ReloadAnswer
        if (refused === undefined) return exit(EXIT.ok)
        world.err(`yarder reload: the agent keeps its configuration, the new one was refused: ${refused}\n`)
        exit(EXIT.usage)
      } catch (error) {
        world.err(`yarder reload: ${describe(error)}\n`)
        exit(EXIT.failed)
      }
    })
}
