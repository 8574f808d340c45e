// `yarder log-level`: how much each part of the running agent says, changed without a restart.
import { describe } from '../core/errors.ts'
import { didYouMean, parseDuration } from '../core/field.ts'
import { parseLevel } from '../service/log.ts'
import { ask, controlPaths } from './control.ts'
import { EXIT } from './command.ts'
import type { Register } from './command.ts'
import { WHOSE_OPTION, namedDataDir } from './data-dir.ts'

/** First names of the agent's loggers. */
const SUBSYSTEMS = ['all', 'agent', 'health', 'input', 'metrics', 'output', 'pipeline']

export const registerLogLevel: Register = (program, world, exit) => {
  program
    .command('log-level')
    .description('show or change how much each part of the running agent logs')
    .argument('[subsystem]', 'input, pipeline, output, metrics, health, agent, a part of one (output.elastic), or all')
    .argument('[level]', '0 (errors) to 20 (each batch), or error, warn, info, debug')
    .option('--for <duration>', 'take it back by itself after this time, such as 15m')
    .option(...WHOSE_OPTION)
    .option('--data-dir <path>', 'data_dir of the agent, where its control socket is')
    .action(
      async (
        subsystem: string | undefined,
        level: string | undefined,
        options: { for?: string; config?: string; dataDir?: string }
      ) => {
        const usage = (text: string): void => {
          world.err(`yarder log-level: ${text}\n`)
          exit(EXIT.usage)
        }
        if ((subsystem === undefined) !== (level === undefined))
          return usage('takes a subsystem and a level, or neither')
        const part = subsystem?.split('.')[0]
        if (part !== undefined && !SUBSYSTEMS.includes(part))
          return usage(`there is no subsystem "${subsystem}"${didYouMean(part, SUBSYSTEMS)}`)
        const number = level === undefined ? undefined : parseLevel(level)
        if (level !== undefined && number === undefined)
          return usage(`the level must be 0 to 20, or error, warn, info, debug; got "${level}"`)
        const forMs = options.for === undefined ? undefined : parseDuration(options.for)
        if (options.for !== undefined && forMs === undefined)
          return usage(`--for must be a duration such as 15m, got "${options.for}"`)
        const dataDir = await namedDataDir(world, options.dataDir, options.config)
        try {
          const body = subsystem === undefined ? {} : { subsystem, level: number, forMs }
          const answer = (await ask(controlPaths(world.env, dataDir), 'log-level', body)) as {
            levels: { subsystem: string; level: number; until?: number }[]
          }
          for (const l of answer.levels) {
            const until = l.until === undefined ? '' : `  until ${new Date(l.until).toISOString()}`
            world.out(world.terminal ? `${l.subsystem.padEnd(16)} ${l.level}${until}\n` : `${JSON.stringify(l)}\n`)
          }
          exit(EXIT.ok)
        } catch (error) {
          world.err(`yarder log-level: ${describe(error)}\n`)
          exit(EXIT.failed)
        }
      }
    )
}
