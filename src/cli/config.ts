// `yarder config`: the configuration in effect, and where it was looked for.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Argument } from 'commander'
import { dropInDir, findConfig, isDropIn } from '../config/load.ts'
import { EXIT } from './command.ts'
import type { Register, World } from './command.ts'
import { CONFIG_OPTION, usableConfig } from './config-file.ts'

export const registerConfig: Register = (program, world, exit) => {
  program
    .command('config')
    .description('print the configuration in effect, or where it comes from')
    .addArgument(
      new Argument(
        '[what]',
        'show: as YAML, with defaults, secrets as ***; path: its files, and where they were looked for'
      )
        .choices(['show', 'path'])
        .default('show')
    )
    .option(...CONFIG_OPTION)
    .action(async (what: string, options: { config?: string }) => {
      exit(what === 'path' ? printPaths(world, options.config) : await printConfig(world, options.config))
    })
}

async function printConfig(world: World, explicit: string | undefined): Promise<number> {
  const config = await usableConfig(world, explicit)
  if (config === undefined) return EXIT.usage
  const { dump } = await import('../config/checked.ts')
  world.out(dump(config.checked))
  return EXIT.ok
}

/** The files in the order they are read, on stdout; the places that were looked at, on stderr. */
function printPaths(world: World, explicit: string | undefined): number {
  const { path, places } = findConfig(explicit, world.env)
  if (explicit === undefined && !places.some(p => p.from === '$YARDER_CONFIG')) world.err('$YARDER_CONFIG: not set\n')
  for (const { from, path: at, state } of places) world.err(`${from}: ${at}: ${state}\n`)
  if (path === undefined) return EXIT.failed
  world.out([path, ...dropInsOf(path)].map(file => `${file}\n`).join(''))
  return EXIT.ok
}

function dropInsOf(path: string): string[] {
  const dir = dropInDir(path)
  try {
    const names = readdirSync(dir).filter(isDropIn)
    return names.sort().map(name => join(dir, name))
  } catch {
    // That a folder can't be read is told by whoever loads it.
    return []
  }
}
