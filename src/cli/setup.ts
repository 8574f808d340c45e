// `yarder setup`: prepares the destinations of a configuration: index template, lifecycle policy, data stream.
import type { OutputUnit } from '../agent/components.ts'
import type { Context, Output, SetupOptions, SetupStep } from '../core/component.ts'
import { describe, YarderError } from '../core/errors.ts'
import { didYouMean, parseDuration } from '../core/field.ts'
import { EXIT } from './command.ts'
import type { Register, World } from './command.ts'
import { CONFIG_OPTION, tellProblems, usableConfig } from './config-file.ts'
import { offlineContexts } from './offline.ts'
import { oneLine } from './one-line.ts'

interface Given {
  readonly config?: string
  readonly output?: string
  readonly retention?: string
  readonly dryRun?: boolean
  readonly print?: boolean
  readonly force?: boolean
}

const DAY_MS = 86_400_000
const WORDS: Record<SetupStep['outcome'], string> = {
  made: 'made',
  replaced: 'replaced',
  kept: 'there already',
  missing: 'missing, would be made',
  refused: 'refused',
  unsupported: 'left out'
}

export const registerSetup: Register = (program, world, exit) => {
  program
    .command('setup')
    .description('prepare the destinations: index template, lifecycle policy, data stream; only what is missing')
    .option(...CONFIG_OPTION)
    .option('--output <name>', 'only this output')
    .option('--retention <duration>', 'the cluster may delete records after this time, such as 90d; never when absent')
    .option('--dry-run', 'look what is there, change nothing')
    .option('--print', 'print the requests, contact nobody')
    .option('--force', 'replace what an earlier setup made, when it is of another version or configuration')
    .addHelpText(
      'after',
      '\nNothing is ever prepared by `yarder run`. What somebody else made is never replaced, and neither is data.'
    )
    .action(async (given: Given) => {
      const options = optionsOf(given)
      const config = await usableConfig(world, given.config)
      if (config === undefined) return exit(EXIT.usage)
      tellProblems(world, config)
      const context = offlineContexts(config.checked, config.dir, world.env)
      const outputs = chosen(config.checked.units.outputs, given.output, name => context('output', name))
      exit(await setUp(world, outputs, options, given.print === true))
    })
}

function optionsOf({ retention, dryRun, print, force }: Given): SetupOptions {
  if (dryRun === true && print === true) throw new YarderError('USAGE', '--dry-run and --print go one at a time')
  const ms = retention === undefined ? undefined : parseDuration(retention)
  if (retention !== undefined && (ms === undefined || ms < DAY_MS))
    throw new YarderError('USAGE', `--retention must be a duration of a day or more, such as 90d; got "${retention}"`)
  return {
    dry: dryRun === true,
    force: force === true,
    retentionDays: ms === undefined ? undefined : Math.ceil(ms / DAY_MS)
  }
}

type Named = readonly [name: string, output: Output]

function chosen(units: readonly OutputUnit[], only: string | undefined, contextOf: (name: string) => Context): Named[] {
  const names = units.map(unit => unit.name)
  if (only !== undefined && !names.includes(only))
    throw new YarderError('USAGE', `there is no output "${only}"${didYouMean(only, names)}`)
  const built = units
    .filter(unit => only === undefined || unit.name === only)
    .map((unit): Named => [unit.name, unit.build(contextOf(unit.name))])
  const able = built.filter(([, output]) => output.setup !== undefined)
  if (able.length > 0) return able
  const what = only === undefined ? 'the configuration has no output' : `the output ${only} is none`
  throw new YarderError('USAGE', `${what} that has something to prepare; of type elasticsearch it has`)
}

async function setUp(world: World, outputs: readonly Named[], o: SetupOptions, print: boolean): Promise<number> {
  if (print) {
    for (const [name, output] of outputs) world.out(`# ${name}\n${output.printSetup?.(o) ?? ''}\n`)
    return EXIT.ok
  }
  const { signal } = new AbortController()
  let status: number = EXIT.ok
  for (const [name, output] of outputs) {
    try {
      for (const { what, outcome, detail } of await output.setup!(o, signal)) {
        world.out(`${name}: ${what}: ${WORDS[outcome]}${detail === undefined ? '' : ` (${oneLine(detail)})`}\n`)
        if (outcome === 'refused') status = EXIT.failed
      }
    } catch (error) {
      world.err(`yarder setup: ${name}: ${describe(error)}\n`)
      status = EXIT.failed
    } finally {
      await output.close()
    }
  }
  return status
}
