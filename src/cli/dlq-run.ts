// What `yarder dlq` does: reads the files itself; to change them it asks the running agent, or takes its lock.
import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { damagedPath, dropOffline, lettersOf, outputsWithLetters } from '../agent/dead-letters.ts'
import type { JobReport, JobsAnswer, Selector } from '../agent/dead-letters.ts'
import { systemClock } from '../core/clock.ts'
import { YarderError, errnoOf } from '../core/errors.ts'
import { EXIT } from './command.ts'
import type { World } from './command.ts'
import { usableConfig } from './config-file.ts'
import type { ConfigFile } from './config-file.ts'
import { ask, controlPaths } from './control.ts'
import type { DlqAct, DlqOptions } from './dlq.ts'
import { limitOf, selectorOf } from './dlq.ts'
import { columns, jobLine, letterJson, letterPage, letters, shownBytes } from './dlq-show.ts'

const POLL_MS = 200
/** Nothing was acknowledged for so long: the user should know why it takes so long. */
const SLOW_MS = 5000

interface Task {
  readonly world: World
  readonly options: DlqOptions
  readonly dataDir: string
  readonly config: ConfigFile | undefined
  readonly selector: Selector
}

/** Returns the exit status; throws YarderError. */
export async function runDlq(act: DlqAct, ids: readonly string[], options: DlqOptions, world: World): Promise<number> {
  const selector = selectorOf(ids, options, Date.now())
  limitOf(options)
  const chosen = options.output !== undefined || Object.values(selector).some(value => value !== undefined)
  if (act === 'drop' && chosen === (options.all === true)) {
    const right = 'name letters (an id, --output, --file, --since, …), or give --all for every one'
    throw new YarderError('USAGE', chosen ? `--all goes with nothing else; ${right}` : right)
  }
  const config = options.config === undefined ? undefined : await usableConfig(world, options.config)
  if (options.config !== undefined && config === undefined) return EXIT.usage
  const dataDir = await dataDirFor(world, options, config)
  refuseWithoutAgent(dataDir)
  const task = { world, options, dataDir, config, selector }
  const outputs = await outputsWithLetters(dataDir, options.output)
  if (outputs.length === 0) {
    world.err(`yarder dlq ${act}: there are no dead letters in ${dataDir}\n`)
    return selector.ids === undefined ? EXIT.ok : EXIT.failed
  }
  return act === 'ls' || act === 'show' ? look(task, act, outputs) : change(task, act, outputs)
}

async function dataDirFor(world: World, options: DlqOptions, config: ConfigFile | undefined): Promise<string> {
  if (options.dataDir !== undefined) return resolve(options.dataDir)
  if (config === undefined) return (world.env['STATE_DIRECTORY'] || '/var/lib/yarder').split(':')[0]!
  const { dataDirOf } = await import('../agent/data-dir.ts')
  return dataDirOf(config.checked, config.dir, world.env)
}

/** "No dead letters" would be good news; where no agent has ever kept anything it is none. */
function refuseWithoutAgent(dataDir: string): void {
  if (['state.db', 'dead-letters'].some(name => mayExist(join(dataDir, name)))) return
  const what = mayExist(dataDir) ? `no agent has run with ${dataDir}` : `there is no ${dataDir}`
  throw new YarderError(
    'USAGE',
    `${what}; name the data_dir of the agent with --data-dir, or its configuration with -c`
  )
}

/** False only when it surely isn't there; what forbids to look is told where it is read. */
function mayExist(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    return errnoOf(error) !== 'ENOTDIR'
  }
}

/** Lines are printed so many characters at a time: a million letters are a million system calls else. */
const FLUSH = 64 * 1024

async function look({ world, options, dataDir, selector }: Task, act: DlqAct, outputs: string[]): Promise<number> {
  const limit = limitOf(options)
  const json = options.json === true || !world.terminal
  const table = act === 'ls' && !json ? columns(outputs) : undefined
  let [count, bytes, text] = [0, 0, '']
  const flush = (least: number): void => {
    if (text.length < least || text === '') return
    world.out(text)
    text = ''
  }
  for (const output of outputs) {
    let damaged = 0
    if (count === limit) break
    for await (const stored of lettersOf(dataDir, output, selector, () => damaged++)) {
      if (count === 0 && table !== undefined) text += table.head
      const between = count > 0 ? '\n' : ''
      text += json ? letterJson(stored) : (table?.row(stored) ?? `${between}${letterPage(stored)}`)
      count++
      bytes += stored.line.length + 1
      if (count === limit) break
      flush(FLUSH)
    }
    flush(0)
    if (damaged > 0)
      world.err(`yarder dlq: ${output} has ${damaged} damaged lines; replay and drop put them aside and go on\n`)
  }
  if (table !== undefined && count > 0)
    world.err(`${letters(count)}, ${shownBytes(bytes)}; after a fix: yarder dlq replay\n`)
  if (count === 0) world.err(`yarder dlq ${act}: no dead letter fits\n`)
  return count === 0 && selector.ids !== undefined ? EXIT.failed : EXIT.ok
}

async function change(task: Task, act: 'replay' | 'drop', outputs: string[]): Promise<number> {
  const { world, dataDir, selector, options } = task
  const jobs = (await byAgent(task, act)) ?? (await withoutAgent(task, act, outputs))
  if (jobs === undefined) return EXIT.usage
  const left = outputs.filter(output => !jobs.some(job => job.output === output))
  if (left.length > 0)
    world.err(`yarder dlq ${act}: ${left.join(', ')}: not an output of the configuration; its letters are left alone\n`)
  for (const job of jobs) {
    world.out(options.json === true || !world.terminal ? `${JSON.stringify(job)}\n` : jobLine(job))
    if (job.unreadable > 0)
      world.err(`${job.output}: ${job.unreadable} damaged lines were put into ${damagedPath(dataDir, job.output)}\n`)
    if (job.state === 'failed') world.err(`yarder dlq ${act}: ${job.output}: ${job.error}\n`)
  }
  const none = jobs.every(job => job.selected === 0)
  if (none) world.err(`yarder dlq ${act}: no dead letter fits\n`)
  const whole = jobs.every(job => job.state === 'done' && job.done === job.selected)
  return whole && !(none && selector.ids !== undefined) ? EXIT.ok : EXIT.failed
}

/** Has the running agent do it and waits for the end; undefined when none runs with this data directory. */
async function byAgent(
  { world, dataDir, selector, options }: Task,
  act: 'replay' | 'drop'
): Promise<readonly JobReport[] | undefined> {
  for (const path of controlPaths(world.env, dataDir)) {
    const asked = (action: string, body: object): Promise<JobsAnswer> =>
      ask([path], action, body) as Promise<JobsAnswer>
    let outputs: string[]
    try {
      const answer = await asked(`dlq-${act}`, { dataDir, outputs: options.output, selector })
      if (answer.elsewhere !== undefined) continue
      outputs = answer.jobs.map(job => job.output)
    } catch (error) {
      if (error instanceof YarderError && error.code === 'UNREACHABLE' && !error.message.includes('EACCES')) continue
      throw error
    }
    return follow(world, outputs, asked)
  }
  return undefined
}

async function follow(
  world: World,
  outputs: string[],
  asked: (action: string, body: object) => Promise<JobsAnswer>
): Promise<readonly JobReport[]> {
  let stopped = false
  const takeBack = (['SIGINT', 'SIGTERM'] as const).map(signal => world.onSignal(signal, () => (stopped = true)))
  try {
    let [before, since] = [-1, performance.now()]
    for (;;) {
      if (stopped) await asked('dlq-stop', { outputs })
      const { jobs } = await asked('dlq-jobs', { outputs })
      if (jobs.length < outputs.length) throw new Error('its output was changed or removed')
      if (jobs.every(job => job.state !== 'running')) return jobs
      // What is under way is the agent's to finish.
      if (stopped) return jobs.map(job => ({ ...job, state: job.state === 'running' ? 'stopped' : job.state }))
      const now = jobs.reduce((n, job) => n + job.done + job.refused, 0)
      if (now !== before) [before, since] = [now, performance.now()]
      else if (performance.now() - since > SLOW_MS) {
        world.err('yarder dlq: waiting for the destination (yarder status says how it is); Ctrl-C ends the replay\n')
        since = Infinity
      }
      await wait(POLL_MS)
    }
  } catch (cause) {
    const kept = 'what was not acknowledged is kept; do it again when the agent runs'
    throw new YarderError('UNREACHABLE', `the agent went away in the middle; ${kept}`, { cause })
  } finally {
    for (const take of takeBack) take()
  }
}

/** Under the lock of the data directory; undefined when the configuration can't be used, which was told. */
async function withoutAgent(
  { world, dataDir, selector, config, options }: Task,
  act: 'replay' | 'drop',
  outputs: string[]
): Promise<readonly JobReport[] | undefined> {
  if (act === 'drop') return dropOffline(dataDir, outputs, selector, systemClock)
  if (config === undefined)
    throw new YarderError(
      'UNREACHABLE',
      `no agent runs with ${dataDir}; start it, or give its configuration with -c to send them without it`
    )
  const { replayOffline } = await import('../agent/dead-letters-offline.ts')
  const { offlineContexts, warningsOf } = await import('./offline.ts')
  const contexts = offlineContexts(config.checked, config.dir, world.env, warningsOf(world.logs.root))
  const stop = new AbortController()
  const takeBack = (['SIGINT', 'SIGTERM'] as const).map(signal => world.onSignal(signal, () => stop.abort()))
  try {
    return await replayOffline({
      checked: config.checked,
      dataDir,
      outputs,
      named: options.output !== undefined,
      selector,
      contextOf: name => contexts('output', name),
      signal: stop.signal
    })
  } finally {
    for (const take of takeBack) take()
  }
}
