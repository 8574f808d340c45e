// `yarder completion SHELL`: scripts made from the commands themselves.
import type { Command } from 'commander'
import { YarderError } from '../core/errors.ts'
import { EXIT } from './command.ts'
import type { Register } from './command.ts'

interface Words {
  name: string
  /** Of a command that has commands of its own (`dlq ls`). */
  actions: string[]
  options: string[]
  description: string
}

const optionsOf = (command: Command): string[] => command.options.map(o => o.long ?? o.short ?? '')

const wordsOf = (program: Command): Words[] =>
  program.commands.map(c => ({
    name: c.name(),
    description: c.description(),
    actions: c.commands.map(action => action.name()),
    options: [...new Set([...optionsOf(c), ...c.commands.flatMap(optionsOf), '--help'])].filter(o => o !== '')
  }))

function bash(commands: Words[]): string {
  const cases = commands.map(c => `    ${c.name}) words='${[...c.actions, ...c.options].join(' ')}' ;;`).join('\n')
  return `# bash completion for yarder
_yarder() {
  local cur=\${COMP_WORDS[COMP_CWORD]} words
  case \${COMP_WORDS[1]} in
${cases}
    *) words='${commands.map(c => c.name).join(' ')} --help --version' ;;
  esac
  [ "$COMP_CWORD" = 1 ] && words='${commands.map(c => c.name).join(' ')} --help --version'
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur"; [[ $cur != -* && $COMP_CWORD -gt 1 ]] && compgen -f -- "$cur")
}
complete -o filenames -F _yarder yarder
`
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''").replaceAll(':', '\\:')}'`

function zsh(commands: Words[]): string {
  const lines = commands.map(c => `    ${quote(`${c.name}:${c.description}`)}`).join('\n')
  const cases = commands
    .map(c => `    ${c.name}) compadd -- ${[...c.actions, ...c.options].join(' ')}; _files ;;`)
    .join('\n')
  return `#compdef yarder
_yarder() {
  local -a commands=(
${lines}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  case $words[2] in
${cases}
  esac
}
compdef _yarder yarder
`
}

function fish(commands: Words[]): string {
  const lines = commands.flatMap(c => [
    `complete -c yarder -n __fish_use_subcommand -f -a ${c.name} -d '${c.description.replaceAll("'", "\\'")}'`,
    ...c.actions.map(a => `complete -c yarder -n '__fish_seen_subcommand_from ${c.name}' -f -a ${a}`),
    ...c.options.map(o => `complete -c yarder -n '__fish_seen_subcommand_from ${c.name}' -l ${o.replace(/^-+/, '')}`)
  ])
  return `# fish completion for yarder\n${lines.join('\n')}\n`
}

export const registerCompletion: Register = (program, world, exit) => {
  const shells: Record<string, (commands: Words[]) => string> = { bash, zsh, fish }
  program
    .command('completion')
    .description('print a completion script')
    .argument('<shell>', 'bash, zsh or fish')
    .addHelpText('after', '\nExample: yarder completion bash > /etc/bash_completion.d/yarder')
    .action((shell: string) => {
      const make = shells[shell]
      if (make === undefined)
        throw new YarderError('USAGE', `the shell must be one of ${Object.keys(shells).join(', ')}; got "${shell}"`)
      world.out(make(wordsOf(program)))
      exit(EXIT.ok)
    })
}
