// The command line: which commands there are, and what a wrong one is answered with.
import { Command, CommanderError } from 'commander'
import { describe, YarderError } from '../core/errors.ts'
import { EXIT, version } from './command.ts'
import type { Register, World } from './command.ts'
import { registerCheck, UNKNOWN } from './check.ts'
import { registerCompletion } from './completion.ts'
import { registerConfig } from './config.ts'
import { registerDlq } from './dlq.ts'
import { registerDocs } from './docs.ts'
import { registerDoctor } from './doctor.ts'
import { registerGrok } from './grok.ts'
import { registerLogLevel } from './log-level.ts'
import { registerMetrics } from './metrics.ts'
import { registerParse } from './parse.ts'
import { registerInit } from './init.ts'
import { registerReload } from './reload.ts'
import { registerPositions } from './positions.ts'
import { registerRun } from './run.ts'
import { registerSetup } from './setup.ts'
import { registerStatus } from './status.ts'
import { registerSupportBundle } from './support-bundle.ts'
import { registerValidate } from './validate.ts'
import { registerVersion } from './version.ts'

/** In the order of `yarder --help`. */
const COMMANDS: readonly Register[] = [
  registerRun,
  registerSetup,
  registerValidate,
  registerConfig,
  registerStatus,
  registerReload,
  registerInit,
  registerDoctor,
  registerSupportBundle,
  registerPositions,
  registerCheck,
  registerDlq,
  registerMetrics,
  registerLogLevel,
  registerParse,
  registerGrok,
  registerDocs,
  registerCompletion,
  registerVersion
]

const EXAMPLES = `
Examples:
  yarder run /var/log/nginx/access.log               print records as they come, without any configuration
  yarder run -c yarder.yaml                          run the agent
  yarder validate -c yarder.yaml                     is this configuration right?
  yarder parse --where 'response>=500' access.log    which requests failed?
  yarder grok '%{IP:client} %{WORD:verb}' 'a line'   what does this pattern capture?
  yarder docs grok                                   which options has this?

Exit status: 0 it worked, 1 it failed, 2 wrong usage or configuration.`

/** Runs one command line (without the program's name) and returns the exit status. Rejects only by a bug. */
export async function runCli(argv: readonly string[], world: World): Promise<number> {
  let status: number = EXIT.ok
  const program = createProgram(world, code => {
    status = code
  })
  try {
    await program.parseAsync(asOption(program, argv), { from: 'user' })
    return status
  } catch (error) {
    const command = commandIn(program, argv)
    if (error instanceof CommanderError) return refuse(error, command, argv.includes('--nagios'), world)
    if (!(error instanceof YarderError)) throw error
    world.err(`yarder${command}: ${describe(error)}\n`)
    return error.code === 'CONFIG' || error.code === 'USAGE' ? usageStatus(command) : EXIT.failed
  }
}

/** All commands. `exit` gets the status of the one that ran. */
export function createProgram(world: World, exit: (status: number) => void): Command {
  const program = new Command('yarder')
    .description('Tails logs, ships them as structured records, turns them into metrics, and watches services.')
    .version(`yarder ${version()}`, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    // What is wrong is said once, by `refuse`.
    .configureOutput({ writeOut: world.out, writeErr: world.err, outputError: () => {} })
  for (const register of COMMANDS) register(program, world, exit)
  return program
}

/** Help and version end a command line too; everything else that commander refuses is wrong usage. */
function refuse(error: CommanderError, command: string, nagios: boolean, world: World): number {
  if (error.exitCode === 0) return EXIT.ok
  // "No command" was answered with the help.
  if (error.code === 'commander.help') return EXIT.usage
  const text = error.message
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean (.*)\?\)$/s, '; did you mean $1?')
    .replace(/\.$/, '')
  const hint = text.endsWith('?') ? '' : `; see: yarder${command} --help`
  world.err(`yarder${command}: ${text}${hint}\n`)
  // Nagios reads nothing but stdout.
  if (nagios) world.out(`UNKNOWN - ${text.replaceAll('|', '/')}\n`)
  return usageStatus(command)
}

/** Nagios takes the 2 that others have for wrong usage for critical. */
const usageStatus = (command: string): number => (/^ check\b/.test(command) ? UNKNOWN : EXIT.usage)

/** ` dlq ls` of the command that the arguments are for; '' when there is none. */
function commandIn(program: Command, argv: readonly string[]): string {
  let path = ''
  let at = program
  for (const word of argv) {
    const next = at.commands.find(c => c.name() === word)
    if (next === undefined && !word.startsWith('-')) break
    if (next === undefined) continue
    path += ` ${word}`
    at = next
  }
  return path
}

/** `help dlq ls` as `dlq ls --help`: commander's own help goes one command deep, and tells no wrong one. */
function asOption(program: Command, argv: readonly string[]): string[] {
  const [first, ...words] = argv
  if (first !== 'help' || words.length === 0) return [...argv]
  return commandIn(program, words) === '' ? words : [...words, '--help']
}
