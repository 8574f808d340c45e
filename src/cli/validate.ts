// `yarder validate`: is this configuration right? Touches nothing but its files.
import { YarderError } from '../core/errors.ts'
import { EXIT } from './command.ts'
import type { Register } from './command.ts'
import { CONFIG_OPTION, readConfigFile, tellProblems } from './config-file.ts'
import type { ConfigFile } from './config-file.ts'

export const registerValidate: Register = (program, world, exit) => {
  program
    .command('validate')
    .description('check a configuration without starting: options, names, patterns, expressions, time zones')
    .argument('[file]', 'the same as -c')
    .option(...CONFIG_OPTION)
    .addHelpText('after', '\nExit status: 0 it is right, 2 it is not; every problem is told with its file and line.')
    .action(async (file: string | undefined, options: { config?: string }) => {
      if (file !== undefined && options.config !== undefined)
        throw new YarderError('USAGE', 'takes one configuration, as an argument or with -c')
      const config = await readConfigFile(file ?? options.config, world.env)
      tellProblems(world, config)
      if (config.problems.length > 0) return exit(EXIT.usage)
      for (const gap of gaps(config)) world.err(`warning: ${config.path}: ${gap}\n`)
      world.out(`${config.path}: valid; ${contents(config)}\n`)
      exit(EXIT.ok)
    })
}

/** What a whole configuration usually has; a part of one, such as a drop-in by itself, may be right without. */
function* gaps({ checked: { units, sections } }: ConfigFile): Iterable<string> {
  const { inputs, checks, outputs } = units
  const idle = inputs.length === 0 && checks.length === 0 && !sections.host_metrics.values.enabled
  if (idle) yield 'has no input, no check and no host_metrics: the agent would have nothing to do'
  const ships = inputs.some(({ common }) => common.outputs?.length !== 0)
  if (ships && outputs.length === 0) yield 'has no output: records would be printed on standard output'
}

/** `2 inputs, 1 output, 3 pipelines`, and the drop-ins that had a part in it. */
function contents({ checked }: ConfigFile): string {
  const counts = Object.entries(checked.units).map(([name, units]) => counted(units.length, name))
  const found = [...counts, counted(checked.pipelines.size, 'pipelines')].filter(text => text !== '')
  const dropIns = counted(checked.files.length - 1, 'drop-ins')
  return `${found.length === 0 ? 'nothing in it' : found.join(', ')}${dropIns === '' ? '' : `; ${dropIns} read`}`
}

const counted = (count: number, name: string): string =>
  count === 0 ? '' : `${count} ${count === 1 ? name.replace(/s$/, '') : name}`
