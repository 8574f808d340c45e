// `yarder support-bundle`: what somebody needs who is to help, in one file, without secrets and without log lines.
import { closeSync, openSync, writeSync } from 'node:fs'
import { basename, resolve } from 'node:path'
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
      const { path, fd } = options.output === undefined ? openFree(`yarder-support-${stamp}`) : openNew(options.output)
      const folder = options.output === undefined ? basename(path, '.tar') : `yarder-support-${stamp}`
      try {
        const files = await gather(world, options)
        const inside = new Map([...files].map(([name, text]) => [`${folder}/${name}`, text]))
        writeSync(fd, tar(inside, now.getTime()))
        world.out(`${path}\n`)
        world.err(`${[...files.keys()].join(', ')}; look into it before you send it: tar xf ${path}\n`)
      } finally {
        closeSync(fd)
      }
      exit(EXIT.ok)
    })
}

interface Opened {
  readonly path: string
  readonly fd: number
}

/** For its owner alone; one that is there is kept. */
function openNew(file: string): Opened {
  const path = resolve(file)
  const fd = tryNew(path)
  if (fd === undefined) throw new YarderError('USAGE', `${path} is there already; name another with --output`)
  return { path, fd }
}

/** The first of `stem.tar`, `stem-2.tar`, … that is free: two people, or one in a hurry, may ask within a second. */
function openFree(stem: string): Opened {
  for (let n = 2, path = resolve(`${stem}.tar`); ; path = resolve(`${stem}-${n++}.tar`)) {
    const fd = tryNew(path)
    if (fd !== undefined) return { path, fd }
  }
}

function tryNew(path: string): number | undefined {
  try {
    return openSync(path, 'wx', 0o600)
  } catch (cause) {
    if (errnoOf(cause) === 'EEXIST') return undefined
    throw new YarderError('STORAGE', `writing ${path}`, { cause })
  }
}
