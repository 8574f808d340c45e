// `yarder run`: the agent itself, until a signal ends it or there is nothing more to read.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Agent } from '../agent/agent.ts'
import { catalog } from '../agent/components.ts'
import type { CheckedConfig } from '../agent/components.ts'
import { literalPath } from '../agent/trial.ts'
import { loadText } from '../config/load.ts'
import { ConfigError } from '../config/problem.ts'
import { watchConfig } from '../config/watch.ts'
import { systemClock } from '../core/clock.ts'
import { describe, YarderError } from '../core/errors.ts'
import { connectSystemd } from '../service/systemd.ts'
import { EXIT, version } from './command.ts'
import type { Register, World } from './command.ts'
import { CONFIG_OPTION, readConfigFile, tellProblems } from './config-file.ts'
import type { ReloadAnswer } from './reload.ts'
import { Supervised } from './supervised.ts'

interface RunOptions {
  readonly config?: string
  readonly once?: boolean
  readonly fromBeginning?: boolean
}

/** What to run: a configuration, where its relative paths start, and how to read it again. */
interface Job {
  readonly checked: CheckedConfig
  readonly dir: string
  readonly again?: { readonly path: string; readonly load: () => Promise<CheckedConfig> }
  readonly cleanUp: () => void
}

/** A configuration for files named on the command line: recognise what they hold and print it. */
function jobOfFiles(files: readonly string[], options: RunOptions, world: World): Job {
  const dataDir = mkdtempSync(join(tmpdir(), 'yarder-run-'))
  const config = {
    agent: { data_dir: dataDir, ship_own_errors: false },
    admin: { enabled: false },
    inputs: {
      files: {
        type: 'file',
        paths: files.map(file => literalPath(resolve(file)).replaceAll('${', '$${')),
        start_at: options.once === true || options.fromBeginning === true ? 'beginning' : 'end',
        pipeline: ['auto']
      }
    },
    outputs: { screen: { type: 'stdout', format: world.terminal ? 'text' : 'json' } }
  }
  const { checked, problems } = loadText(JSON.stringify(config), catalog, {}, 'command line')
  const cleanUp = (): void => {
    process.off('exit', cleanUp)
    rmSync(dataDir, { recursive: true, force: true })
  }
  // A reader that went away (`| head`) ends the process on the spot.
  process.on('exit', cleanUp)
  if (problems.length === 0) return { checked, dir: process.cwd(), cleanUp }
  cleanUp()
  throw new ConfigError(problems)
}

/** A file that is not there yet is waited for, but not by who wants what is there. Throws YarderError. */
function refuseFiles(files: readonly string[], once: boolean): void {
  for (const file of files) {
    const stat = statSync(file, { throwIfNoEntry: false })
    if (stat?.isDirectory() === true)
      throw new YarderError('USAGE', `${file} is a folder; name its files: yarder run ${join(file, '*.log')}`)
    if (stat === undefined && once) throw new YarderError('RUNTIME', `${file}: there is no such file`)
  }
}

/** The configuration of a file; undefined when it can't be used, which was told then. */
async function jobOfConfig(options: RunOptions, world: World): Promise<Job | undefined> {
  const config = await readConfigFile(options.config, world.env)
  tellProblems(world, config)
  if (config.problems.length > 0) return undefined
  const load = async (): Promise<CheckedConfig> => {
    const { checked, problems } = await readConfigFile(config.path, world.env)
    if (problems.length > 0) throw new ConfigError(problems)
    return checked
  }
  return { checked: config.checked, dir: config.dir, again: { path: config.path, load }, cleanUp: () => {} }
}

/** Runs an agent until it is done, asked to stop, or nobody reads its output any more. Returns the exit status. */
async function runAgent(job: Job, options: RunOptions, world: World): Promise<number> {
  const once = options.once === true
  const { logs, env } = world
  const systemd = connectSystemd(env)
  let { mask } = job.checked
  const agent = new Agent({
    checked: job.checked,
    configDir: job.dir,
    env,
    logs,
    clock: systemClock,
    version: version(),
    once,
    actions: { reload: async (): Promise<ReloadAnswer> => ({ refused: await reload() }) }
  })
  const supervised =
    systemd === undefined
      ? undefined
      : new Supervised({
          systemd,
          status: () => agent.status(),
          progress: agent.progress,
          clock: systemClock,
          log: logs.root.child('agent'),
          mask: text => mask(text)
        })
  const reload = async (): Promise<string | undefined> => {
    const { again } = job
    if (again === undefined) return 'it runs without a configuration file'
    const load = async (): Promise<CheckedConfig> => {
      const checked = await again.load()
      mask = checked.mask
      return checked
    }
    const refused = await (supervised?.reloading(() => agent.reload(load)) ?? agent.reload(load))
    return refused === undefined ? undefined : mask(refused)
  }
  const stopWatching = new AbortController()
  const asked = Promise.withResolvers<'asked'>()
  let askedBefore = false
  const ask = (signal: 'SIGTERM' | 'SIGINT'): void => {
    asked.resolve('asked')
    if (!askedBefore) return void (askedBefore = true)
    const sentence = 'Ended at once by a second signal; what was not acknowledged is read again at the next start.'
    logs.root.child('agent').warn({ signal }, sentence)
    job.cleanUp()
    world.end(EXIT.failed)
  }
  const takeBack = (['SIGTERM', 'SIGINT'] as const).map(signal => world.onSignal(signal, () => ask(signal)))
  if (job.again !== undefined) {
    takeBack.push(world.onSignal('SIGHUP', () => void reload()))
    if (job.checked.sections.agent.values.watch_config)
      watchConfig(job.again.path, job.checked.reads, () => void reload(), stopWatching.signal)
  }
  try {
    await agent.start()
    supervised?.ready()
    hint(job, options, world)
    const done = agent.finished.then(() => agent.settled()).then(() => 'done' as const)
    const pointless = agent.pointless.then(() => 'pointless' as const)
    const end = await Promise.race([done, pointless, asked.promise])
    supervised?.stopping(agent.shutdownTimeout)
    const arrived = await agent.stop()
    return end !== 'done' || (arrived && !agent.failed) ? EXIT.ok : EXIT.failed
  } finally {
    supervised?.close()
    stopWatching.abort()
    for (const take of takeBack) take()
  }
}

/** What somebody who sees nothing would want to know. */
function hint(job: Job, options: RunOptions, world: World): void {
  const { units, sections } = job.checked
  const idle = units.inputs.length === 0 && units.checks.length === 0 && !sections.host_metrics.values.enabled
  if (idle) world.logs.root.child('agent').warn({}, 'No input and no check is configured: there is nothing to do.')
  if (job.again === undefined && options.once !== true && options.fromBeginning !== true)
    world.err('yarder run: waiting for new lines (Ctrl-C ends it); --from-beginning also shows what is there\n')
}

export const registerRun: Register = (program, world, exit) => {
  program
    .command('run')
    .description('run the agent; with files, print their records as they grow')
    .argument('[files...]', 'files to follow, without any configuration')
    .option(...CONFIG_OPTION)
    .option('--once', 'read everything to its end, deliver it, and exit')
    .option('--from-beginning', 'with files: also print what they hold already')
    .addHelpText(
      'after',
      '\nSignals: SIGTERM and SIGINT finish what was read and stop, a second one stops at once; SIGHUP reads the' +
        ' configuration again (`yarder reload` also says whether it was taken).' +
        '\nExit status: 0 stopped, 1 it could not start or deliver, 2 wrong usage or configuration.'
    )
    .action(async (files: string[], options: RunOptions) => {
      if (files.length > 0 && options.config !== undefined)
        throw new YarderError('USAGE', 'takes files or a configuration, not both')
      const yaml = files.find(file => /\.ya?ml$/.test(file))
      if (yaml !== undefined)
        throw new YarderError('USAGE', `files are logs to follow; to run a configuration: yarder run -c ${yaml}`)
      refuseFiles(files, options.once === true)
      const job = files.length > 0 ? jobOfFiles(files, options, world) : await jobOfConfig(options, world)
      if (job === undefined) return exit(EXIT.usage)
      try {
        exit(await runAgent(job, options, world))
      } catch (error) {
        if (!(error instanceof YarderError)) throw error
        world.err(`yarder run: ${describe(error)}\n`)
        exit(error.code === 'CONFIG' ? EXIT.usage : EXIT.failed)
      } finally {
        job.cleanUp()
      }
    })
}
