// `yarder grok`: tries a pattern on lines and shows where it stops; looks up the patterns there are.
import type { Register } from './command.ts'
import type { GrokTrial } from './grok-run.ts'

const EXAMPLES = `
Examples:
  yarder grok '%{IP:client} %{WORD:verb} %{NUMBER:ms:float}' '55.3.244.1 GET 0.043'
  yarder grok '%{COMBINEDAPACHELOG}' --file access.log
  yarder grok '%{SYSLOGLINE}'               is the pattern itself right, and what does it capture?
  yarder grok --list http                   which patterns have http in their name?

Exit status: 0 it matched (every line of a file), 1 it did not, 2 the pattern is wrong.`

export const registerGrok: Register = (program, world, exit) => {
  const command = program.command('grok')
  command
    .description('try a grok pattern on a line and see where it stops, or look patterns up')
    .argument('[pattern]', "such as '%{COMBINEDAPACHELOG}'")
    .argument('[line]', 'the line to match; without one the pattern alone is checked')
    .option('--file <path>', 'match each line of a file; - is standard input')
    .addOption(
      command.createOption('--list [word]', 'list the names of patterns, those with the word in them').conflicts('show')
    )
    .option('--show <name>', 'print the definition of a pattern')
    .addOption(
      command
        .createOption('--schema <schema>', 'which set of patterns, by the names of its fields')
        .choices(['logstash', 'ecs'])
        .default('logstash')
    )
    .option('--patterns-dir <path>', 'a file or folder of further patterns')
    .addHelpText('after', EXAMPLES)
    .action(
      async (pattern: string | undefined, line: string | undefined, options: Omit<GrokTrial, 'pattern' | 'line'>) => {
        const { tryGrok } = await import('./grok-run.ts')
        exit(await tryGrok(world, { ...options, pattern, line }))
      }
    )
}
