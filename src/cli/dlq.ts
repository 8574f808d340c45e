// `yarder dlq`: the records that destinations refused for good; look at them, send them again, drop them.
import type { Command } from 'commander'
import { describe, YarderError } from '../core/errors.ts'
import { parseDuration } from '../core/field.ts'
import type { Selector } from '../agent/dead-letters.ts'
import { EXIT } from './command.ts'
import type { Register } from './command.ts'

export interface DlqOptions {
  readonly config?: string
  readonly dataDir?: string
  readonly output?: string[]
  readonly file?: string
  readonly input?: string
  readonly reason?: string
  readonly since?: string
  readonly until?: string
  readonly limit?: string
  readonly json?: boolean
  readonly all?: boolean
}

export type DlqAct = 'ls' | 'show' | 'replay' | 'drop'

const ACTS: Record<DlqAct, string> = {
  ls: 'list them, oldest first',
  show: 'show them whole, with the document and the line of the log',
  replay: 'send them again, as they were, to where they were sent; what is acknowledged is removed',
  drop: 'remove them for good'
}

const gather = (value: string, before: string[] = []): string[] => [...before, value]

const SELECTING = `
All that is given must hold; without any, every letter is meant (drop wants --all then).
Times: 2h or 7d (ago), 2026-11-22, 2026-11-22T10:00, 2026-11-22T10:00:00Z.`

const AFTER: Record<DlqAct, string> = {
  ls: '\nExamples:\n  yarder dlq ls --since 2h\n  yarder dlq ls --json | jq -r .field | sort | uniq -c',
  show: '\nExample: yarder dlq show k3f9-1042',
  replay:
    '\nThe running agent does it, among the records that come meanwhile. A stopped one is stood in for with -c.' +
    '\nReplaying twice doubles nothing where the destination knows identities (elasticsearch). What is refused again' +
    '\nstays, with the new reason. Ctrl-C ends it; what was sent until then is done.' +
    "\nExamples:\n  yarder dlq replay\n  yarder dlq replay --output elastic --reason 'failed to parse field [size]'",
  drop: '\nExamples:\n  yarder dlq drop k3f9-1042\n  yarder dlq drop --until 30d\n  yarder dlq drop --all'
}

/** Milliseconds since the epoch of `2h` (ago), a day, or a time; local where it names no zone. Throws USAGE. */
export function parseTime(option: string, text: string, now: number): number {
  const ago = parseDuration(text)
  if (ago !== undefined) return now - ago
  const day = /^\d{4}-\d\d-\d\d$/.test(text)
  const whole = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$/.test(text)
  const ms = day ? Date.parse(`${text}T00:00`) : whole ? Date.parse(text.replace(' ', 'T')) : NaN
  if (!Number.isNaN(ms)) return ms
  throw new YarderError('USAGE', `${option} must be a time such as 2h, 2026-11-22 or 2026-11-22T10:00Z, got "${text}"`)
}

/** What the options select. Throws USAGE. */
export function selectorOf(ids: readonly string[], o: DlqOptions, now: number): Selector {
  return {
    ids: ids.length === 0 ? undefined : ids,
    path: o.file,
    input: o.input,
    reason: o.reason,
    since: o.since === undefined ? undefined : parseTime('--since', o.since, now),
    until: o.until === undefined ? undefined : parseTime('--until', o.until, now)
  }
}

/** How many to show at most. Throws USAGE. */
export function limitOf(o: DlqOptions): number {
  if (o.limit === undefined) return Infinity
  const n = Number(o.limit)
  if (/^\d+$/.test(o.limit) && n > 0) return n
  throw new YarderError('USAGE', `--limit must be a whole number from 1 on, got "${o.limit}"`)
}

function describeCommand(command: Command, act: DlqAct): Command {
  command
    .description(ACTS[act])
    .argument('[id...]', 'identities of letters, as ls prints them')
    .option('--output <name>', 'letters of this output; may be given again', gather)
    .option('--file <path>', 'whose records come from this log file; * stands for anything')
    .option('--input <name>', 'whose records come from this input')
    .option('--reason <text>', 'whose reason has this text in it')
    .option('--since <time>', 'refused then or later')
    .option('--until <time>', 'refused before then')
  if (act === 'drop') command.option('--all', 'every letter, without further choice')
  if (act === 'ls' || act === 'show') command.option('--limit <n>', 'at most so many')
  return command
    .option('--json', 'print JSON, one letter a line, as into a pipe')
    .option(
      '--data-dir <path>',
      'data_dir of the agent; that of -c, $STATE_DIRECTORY, else /var/lib/yarder when absent'
    )
    .option('-c, --config <file>', 'the configuration: names the data_dir, and lets replay do without the agent')
    .addHelpText('after', `${SELECTING}\n${AFTER[act]}`)
}

export const registerDlq: Register = (program, world, exit) => {
  const dlq = program
    .command('dlq')
    .description('dead letters, the records that a destination refused for good: ls, show, replay, drop')
    .addHelpText('after', '\nExit status: 0 it worked, 1 something was refused again or failed, 2 wrong usage.')
  for (const act of Object.keys(ACTS) as DlqAct[]) {
    describeCommand(dlq.command(act), act).action(async (ids: string[], options: DlqOptions) => {
      try {
        const { runDlq } = await import('./dlq-run.ts')
        exit(await runDlq(act, ids, options, world))
      } catch (error) {
        if (!(error instanceof YarderError)) throw error
        world.err(`yarder dlq ${act}: ${describe(error)}\n`)
        exit(error.code === 'USAGE' || error.code === 'CONFIG' ? EXIT.usage : EXIT.failed)
      }
    })
  }
}
