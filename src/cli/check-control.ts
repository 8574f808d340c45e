// `yarder check beat`: what is told to the checks of the running agent, over its control socket.
import type { Command } from 'commander'
import { describe } from '../core/errors.ts'
import type { World } from './command.ts'
import { EXIT } from './command.ts'
import { ask, controlPaths } from './control.ts'

const DATA_DIR = ['--data-dir <path>', 'data_dir of the agent, where its control socket is'] as const

/** Asks, and says what went wrong; true when it is done. */
async function told(
  world: World,
  exit: (status: number) => void,
  dataDir: string | undefined,
  action: string,
  body: unknown
): Promise<unknown> {
  try {
    const answer = await ask(controlPaths(world.env, dataDir), action, body)
    exit(EXIT.ok)
    return answer
  } catch (error) {
    world.err(`yarder check: ${describe(error)}\n`)
    exit(EXIT.failed)
    return undefined
  }
}

/** Adds the commands below `yarder check`. */
export function registerCheckControl(check: Command, world: World, exit: (status: number) => void): void {
  check
    .command('beat')
    .description('report to a heartbeat check of the running agent: all is well, or --failed')
    .argument('<name>', 'the check')
    .option('--message <text>', 'shown with the check')
    .option('--failed [why]', 'report a failure instead')
    .option(...DATA_DIR)
    .addHelpText('after', '\nExit status: 0 reported, 1 not.')
    .action(async (name: string, o: { message?: string; failed?: string | true; dataDir?: string }) => {
      const message = o.message ?? (typeof o.failed === 'string' ? o.failed : '')
      await told(world, exit, o.dataDir, 'check-beat', { check: name, ok: o.failed === undefined, message })
    })
}
