// `yarder parse`: runs files or standard input through a pipeline and prints, filters or counts the records.
import { CONFIG_OPTION } from './config-file.ts'
import type { Register } from './command.ts'
import type { ParseOptions } from './parse-run.ts'
import { WHERE_HELP } from './where.ts'

const EXAMPLES = `
${WHERE_HELP}

Examples:
  yarder parse --where verb=GET --date 2019-11-08 --print clientip access.log
  yarder parse --first request=/assets/234 big.log     the first match, without reading further
  yarder parse --print clientip --count access.log     how many requests each client made
  tail -f app.log | yarder parse --json --where 'level!=info' -

Exit status: 0 it worked, 1 a file could not be read or no record met the conditions, 2 wrong usage.`

export const registerParse: Register = (program, world, exit) => {
  const command = program.command('parse')
  const kinds = ['pipeline', 'grok', 'json', 'auto']
  const oneOf = (flags: string, text: string, kind: string) =>
    command.createOption(flags, text).conflicts(kinds.filter(k => k !== kind))
  command
    .description('print the records that lines of files become; filter, look at chosen fields, or count')
    .argument('<file...>', 'log files, gzip too; - is standard input')
    .addOption(oneOf('--auto', 'find out the format of each line (this is the default)', 'auto'))
    .addOption(oneOf('--grok <pattern>', "take lines apart by a pattern such as '%{COMBINEDAPACHELOG}'", 'grok'))
    .addOption(oneOf('--json', 'lines are JSON', 'json'))
    .addOption(
      oneOf('--pipeline <name>', 'use this pipeline of the configuration, or that of this input', 'pipeline').conflicts(
        ['schema', 'patternsDir']
      )
    )
    .option(CONFIG_OPTION[0], `with --pipeline: ${CONFIG_OPTION[1]}`)
    .addOption(
      command
        .createOption('--schema <schema>', 'names of the fields (default: "logstash")')
        .choices(['logstash', 'ecs'])
    )
    .option('--patterns-dir <path>', 'with --grok: a file or folder of further patterns')
    .option('--where <condition>', 'only records that meet it; may be given several times', collect, [])
    .option('--first <condition>', 'only the first record that meets it')
    .option('--date <YYYY-MM-DD>', 'only records of this day, as the lines write it')
    .option('--timezone <zone>', "zone of times that name none (default: the host's); with --date also that of the day")
    .option('--print <fields>', 'print only these fields, such as clientip,request; tabs between')
    .option('--count', 'print how many records there are; with --print, how many of each')
    .option('--follow', 'go on as the files grow, until interrupted')
    .addHelpText('after', EXAMPLES)
    .action(async (files: string[], options: ParseOptions) => {
      const { parse } = await import('./parse-run.ts')
      exit(await parse(world, files, options))
    })
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value]
