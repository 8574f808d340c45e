// `yarder positions adopt`: goes on where Filebeat was.
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { AdoptAnswer } from '../agent/adopt.ts'
import { systemClock } from '../core/clock.ts'
import { EXIT } from './command.ts'
import type { Register, World } from './command.ts'
import { CONFIG_OPTION, usableConfig } from './config-file.ts'
import { findDataDir } from './data-dir.ts'

interface AdoptOptions {
  config?: string
  dataDir?: string
  input?: string
  dryRun?: boolean
  json?: boolean
}

const HELP = `
Stop Filebeat first; run this before the first start of the agent, as the agent's user. Filebeat's registry is read,
never changed. Each file of the inputs gets a position: Filebeat's, where the file still is the one that it
knew; its first byte, where it isn't, or was written since; else what start_at says. From then on new files are read whole.

Example: yarder positions adopt /var/lib/filebeat/registry/filebeat -c /etc/yarder/yarder.yaml

Exit status: 0 done, 1 it failed (an agent runs) or no position of Filebeat fitted, so that all is read as new, 2 it cannot be right; nothing was changed then.`

const HOW: Record<AdoptAnswer['files'][number]['how'], string> = {
  filebeat: 'goes on where Filebeat was',
  unfit: 'from its first byte',
  new: 'from its first byte',
  unknown: 'Filebeat did not know it'
}

async function adopt(world: World, registry: string, options: AdoptOptions): Promise<number> {
  const config = await usableConfig(world, options.config)
  if (config === undefined) return EXIT.usage
  const dir = await findDataDir(world, options.dataDir, options.config)
  const { adopt: run } = await import('../agent/adopt.ts')
  const answer = await run(
    { registry: resolve(registry), input: options.input, dryRun: options.dryRun === true },
    {
      checked: config.checked,
      configDir: config.dir,
      dataDir: dir.path,
      log: world.logs.root.child('positions'),
      clock: systemClock
    }
  )
  if (options.json === true) world.out(`${JSON.stringify({ ...answer, changed: options.dryRun !== true })}\n`)
  else tell(world, answer, options.dryRun === true)
  return answer.files.some(isAdopted) ? EXIT.ok : EXIT.failed
}

const isAdopted = ({ how }: AdoptAnswer['files'][number]): boolean => how === 'filebeat'

function tell(world: World, { files, strangers, gone, misfits, notes }: AdoptAnswer, dryRun: boolean): void {
  for (const { input, path, offset, size, how, note } of files) {
    const why = note === undefined ? '' : ` (${note})`
    world.out(`${input}: ${path} at ${offset} of ${size}: ${HOW[how]}${why}\n`)
  }
  for (const source of strangers) world.out(`not read by any input: ${source}\n`)
  for (const source of gone) world.out(`not there any more: ${source}\n`)
  const told = new Set(files.map(f => f.path))
  for (const { source, reason } of misfits)
    if (!told.has(source)) world.out(`does not fit the file that is there: ${source} (${reason})\n`)
  for (const note of notes) world.out(`note: ${note}\n`)
  const adopted = files.filter(isAdopted).length
  const all = adopted + strangers.length + gone.length + misfits.length
  world.out(`${dryRun ? 'would take' : 'took'} over ${adopted} of ${all} positions\n`)
  if (adopted === 0) world.err('yarder: no position of Filebeat fits a file that an input reads\n')
}

export const registerAdopt: Register = (program: Command, world, exit) => {
  program
    .command('adopt')
    .description('take over the positions of a stopped Filebeat')
    .argument('<registry>', "Filebeat's registry: a folder, or its one file in old versions")
    .option(...CONFIG_OPTION)
    .option('--data-dir <path>', 'data_dir of the agent, when the configuration does not say it')
    .option('--input <name>', 'for this input only')
    .option('--dry-run', 'only say what would be done')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(async (registry: string, options: AdoptOptions) => exit(await adopt(world, registry, options)))
}
