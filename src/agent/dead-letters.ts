// `yarder dlq`: reads the dead letters of any agent, and replays or drops those of the one that runs, or of a stopped one.
import { existsSync, realpathSync } from 'node:fs'
import type { Clock } from '../core/clock.ts'
import { YarderError } from '../core/errors.ts'
import { didYouMean } from '../core/field.ts'
import { lock } from '../core/lock.ts'
import type { JobReport, Selector } from '../output/dead-letter.ts'
import { DeadLetters, listDeadLetters } from '../output/dead-letter.ts'
import { closeLetterFiles, openLetterFiles, unreadablePath, walk } from '../output/dead-letter/files.ts'
import { selects } from '../output/dead-letter/letter.ts'
import type { DeadLetter } from '../output/dead-letter/letter.ts'
import type { ControlActions } from './admin.ts'
import type { Outlets } from './outlets.ts'

export { documentOf, offendingField, rawLine } from '../output/dead-letter/letter.ts'
export type { Selector } from '../output/dead-letter/letter.ts'
export type { JobReport } from '../output/dead-letter/job.ts'

/** What the command asks of the agent. */
interface DeadLetterRequest {
  /** Whose letters are meant: an agent with another data directory refuses. */
  readonly dataDir: string
  /** All that have letters when absent. */
  readonly outputs?: readonly string[] | undefined
  readonly selector: Selector
}

export interface JobsAnswer {
  readonly jobs: readonly JobReport[]
  /** The agent has another data directory, which is named. */
  readonly elsewhere?: string
}

/** A letter and its line as it stands in the file. */
export interface StoredLetter {
  readonly letter: DeadLetter
  readonly line: Buffer
}

/** Names of the outputs whose letters are meant. Throws USAGE for one that has no file of letters. */
export async function outputsWithLetters(dataDir: string, wanted?: readonly string[]): Promise<string[]> {
  const known = (await reading(dataDir, () => listDeadLetters(dataDir))).map(l => l.output)
  const stranger = wanted?.find(name => !known.includes(name))
  if (stranger !== undefined && known.length > 0)
    throw new YarderError('USAGE', `the output "${stranger}" has no dead letters${didYouMean(stranger, known)}`)
  return wanted === undefined || known.length === 0 ? known : [...new Set(wanted)]
}

/** The selected letters of an output, oldest first; `onDamaged` hears how many bytes a line has that is no letter. */
export async function* lettersOf(
  dataDir: string,
  output: string,
  selector: Selector,
  onDamaged: (bytes: number) => void
): AsyncGenerator<StoredLetter> {
  const fits = selects(selector)
  const files = await reading(dataDir, () => openLetterFiles(dataDir, output, 'r'))
  try {
    for await (const block of walk(files)) {
      for (const { letter, bytes, replaced } of block) {
        if (letter === undefined) onDamaged(bytes.length)
        else if (!replaced && fits(letter)) yield { letter, line: bytes }
      }
    }
  } finally {
    await closeLetterFiles(files)
  }
}

/** Where damaged lines are put aside. */
export const damagedPath = unreadablePath

async function reading<T>(dataDir: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    const denied =
      (cause as NodeJS.ErrnoException).code === 'EACCES' ? ' (only its own user and root may; try sudo)' : ''
    throw new YarderError('STORAGE', `reading the dead letters in ${dataDir}${denied}`, { cause })
  }
}

const sameFolder = (a: string, b: string): boolean => a === b || (existsSync(a) && realpathSync(a) === realpathSync(b))

/** What the control socket answers. Jobs go on by themselves; how far they are is asked for. */
export function deadLetterActions(
  dataDir: () => string,
  outlets: Pick<Outlets, 'delivery' | 'names'>,
  clock: Clock
): ControlActions {
  // Those of outputs that are no longer configured: nobody writes to them.
  const strays = new Map<string, DeadLetters>()
  const keeperOf = (output: string): DeadLetters => {
    const keeper = outlets.delivery(output)?.deadLetters ?? strays.get(output)
    if (keeper !== undefined) return keeper
    const stray = new DeadLetters({ dataDir: dataDir(), output, clock })
    strays.set(output, stray)
    return stray
  }
  const jobsOf = (outputs: readonly string[]): JobReport[] =>
    outputs.map(output => keeperOf(output).job).filter(job => job !== undefined)
  const start = async (body: unknown, kind: JobReport['kind']): Promise<JobsAnswer> => {
    const { dataDir: asked, outputs: wanted, selector } = body as DeadLetterRequest
    if (!sameFolder(asked, dataDir())) return { jobs: [], elsewhere: dataDir() }
    const found = await outputsWithLetters(dataDir(), wanted)
    const outputs = kind === 'replay' && wanted === undefined ? configuredOf(found, outlets.names) : found
    for (const output of outputs) {
      if (kind === 'replay') refuseUnconfigured(output, outlets.names)
      refuseWhenBusy(output, keeperOf(output).job)
    }
    for (const output of outputs) {
      const job = kind === 'drop' ? keeperOf(output).drop(selector) : outlets.delivery(output)!.replay(selector)
      // What comes of it stands in its report.
      job.catch(() => {})
    }
    return { jobs: jobsOf(outputs) }
  }
  return {
    'dlq-replay': body => start(body, 'replay'),
    'dlq-drop': body => start(body, 'drop'),
    'dlq-jobs': body => ({ jobs: jobsOf((body as { outputs: readonly string[] }).outputs) }),
    'dlq-stop': body => {
      for (const output of (body as { outputs: readonly string[] }).outputs) keeperOf(output).stopJob()
      return {}
    }
  }
}

function refuseWhenBusy(output: string, job: Readonly<JobReport> | undefined): void {
  if (job?.state === 'running')
    throw new YarderError('USAGE', `a ${job.kind} of the dead letters of ${output} is under way; wait for its end`)
}

/** Those that can be replayed to; all when none can, so that it is said of one. */
export function configuredOf(outputs: readonly string[], names: readonly string[]): readonly string[] {
  const configured = outputs.filter(output => names.includes(output))
  return configured.length === 0 ? outputs : configured
}

export function refuseUnconfigured(output: string, names: readonly string[]): void {
  if (names.includes(output)) return
  const text = `there is no output "${output}" in the configuration to replay to${didYouMean(output, names)}`
  throw new YarderError('USAGE', text)
}

/** Drops letters of an agent that doesn't run. Throws LOCKED when it does. */
export async function dropOffline(
  dataDir: string,
  outputs: readonly string[],
  selector: Selector,
  clock: Clock
): Promise<JobReport[]> {
  const held = lock(dataDir)
  try {
    const reports: JobReport[] = []
    for (const output of outputs) {
      const letters = new DeadLetters({ dataDir, output, clock })
      reports.push(await letters.drop(selector))
      await letters.close()
    }
    return reports
  } finally {
    held.release()
  }
}
