// `yarder init`: a first configuration, for what runs and logs on this host.
import { closeSync, fchmodSync, fchownSync, openSync, statSync, writeSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { errnoOf, YarderError } from '../core/errors.ts'
import { EXIT } from './command.ts'
import type { Register } from './command.ts'
import { compose } from './init/compose.ts'
import { lookAtHost } from './init/host.ts'

interface InitOptions {
  readonly output?: string
  readonly force?: boolean
  readonly root: string
}

export const registerInit: Register = (program, world, exit) => {
  program
    .command('init')
    .description('write a configuration for what runs and logs on this host')
    .option('-o, --output <file>', 'write it there; to standard output when absent')
    .option('--force', 'replace the file when it is there')
    .option('--root <folder>', 'look at the system below this folder, such as a mounted image', '/')
    .addHelpText(
      'after',
      `
Looks at the logs that are there, the units that run, and the ports that are listened on; connects to nothing. Only root
sees all of it.

Example: sudo yarder init -o /etc/yarder/conf.d/host.yaml && sudo yarder doctor && sudo systemctl reload yarder`
    )
    .action((options: InitOptions) => {
      const { text, found, notes } = compose(lookAtHost(options.root))
      const what = found.length === 0 ? 'no program that yarder knows was found' : `for ${found.join(', ')}`
      if (options.output === undefined) world.out(text)
      else {
        write(resolve(options.output), text, options.force === true)
        world.err(`${options.output}: written, ${what}; next: yarder validate -c ${options.output}\n`)
      }
      for (const note of notes) world.err(`yarder init: ${note}\n`)
      exit(EXIT.ok)
    })
}

/**
 * For nobody but its owner and the group of its folder, since secrets may be written into it later: /etc/yarder belongs
 * to the service's group. Never replaces a file without `force`. Throws YarderError.
 */
function write(path: string, text: string, force: boolean): void {
  let fd: number
  try {
    fd = openSync(path, force ? 'w' : 'wx', 0o640)
  } catch (cause) {
    if (errnoOf(cause) === 'EEXIST') throw new YarderError('USAGE', `${path} is there already; --force replaces it`)
    throw new YarderError('STORAGE', `writing ${path}`, { cause })
  }
  try {
    writeSync(fd, text)
    if (process.getuid?.() === 0) fchownSync(fd, 0, statSync(dirname(path)).gid)
    fchmodSync(fd, 0o640)
  } catch (cause) {
    throw new YarderError('STORAGE', `writing ${path}`, { cause })
  } finally {
    closeSync(fd)
  }
}
