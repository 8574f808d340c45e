// `yarder support-bundle`: what somebody needs who is to help, in one file, without secrets and without log lines.
import { closeSync, openSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { errnoOf, YarderError } from '../core/errors.ts'
import { gather } from './bundle/gather.ts'
import type { GatherOptions } from './bundle/gather.ts'
import { tar } from './bundle/tar.ts'
import { EXIT } from './command.ts'
import type { Register } from './command.ts'
import { CONFIG_OPTION } from './config-file.ts'

export const registerSupportBundle: Register = (program, world, exit) => {
  program
    .command('support-bundle')
    .description(
      'write what a person needs who helps: configuration without secrets, state, numbers, the last log lines'
    )
    .option(...CONFIG_OPTION)
    .option('--data-dir <path>', 'data_dir of the agent, when no configuration says it')
    .option('-o, --output <file>', 'the tar archive; yarder-support-TIME.tar here when absent')
    .addHelpText(
      'after',
      `
Secrets are masked, and nothing that was read from a log is in it: no record, no value of a label, no dead letter. Names are:
of files, hosts, indices, users of the configuration. Look into it (tar xf) before you send it.`
    )
    .action(async (options: GatherOptions & { output?: string }) => {
      const now = new Date()
      const stamp = now.toISOString().replace(/[-:]|\.\d+/g, '')
      const path = resolve(options.output ?? `yarder-support-${stamp}.tar`)
      const fd = openNew(path)
      try {
        const files = await gather(world, options)
        const inside = new Map([...files].map(([name, text]) => [`yarder-support-${stamp}/${name}`, text]))
        writeSync(fd, tar(inside, now.getTime()))
        world.out(`${path}\n`)
        world.err(`${[...files.keys()].join(', ')}; look into it before you send it: tar xf ${path}\n`)
      } finally {
        closeSync(fd)
      }
      exit(EXIT.ok)
    })
}

/** For its owner alone; one that is there is kept. */
function openNew(path: string): number {
  try {
    return openSync(path, 'wx', 0o600)
  } catch (cause) {
    if (errnoOf(cause) === 'EEXIST')
      throw new YarderError('USAGE', `${path} is there already; name another with --output`)
    throw new YarderError('STORAGE', `writing ${path}`, { cause })
  }
}
