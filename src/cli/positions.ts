// `yarder positions`: how far each file is, and how to send some of it again or leave it out.
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import type {
  ListedPosition,
  PositionsAnswer,
  PositionsQuestion,
  PositionsReply,
  PositionsRequest
} from '../agent/positions.ts'
import { systemClock } from '../core/clock.ts'
import { YarderError } from '../core/errors.ts'
import { parseSize } from '../core/field.ts'
import { readState } from '../core/state-read.ts'
import { EXIT } from './command.ts'
import type { Register, World } from './command.ts'
import { CONFIG_OPTION } from './config-file.ts'
import { ask, controlPaths } from './control.ts'
import { findDataDir } from './data-dir.ts'
import type { DataDir } from './data-dir.ts'
import { onLines } from './one-line.ts'
import { registerAdopt } from './positions-adopt.ts'

interface Where {
  config?: string
  dataDir?: string
}

interface Which extends Where {
  input?: string
  path?: string
}

interface EditOptions extends Which {
  to?: string
  since?: string
  output?: string
  all?: boolean
  newIds?: boolean
  dryRun?: boolean
  yes?: boolean
  json?: boolean
}

const usage = (text: string): never => {
  throw new YarderError('USAGE', text)
}

/** The running agent's reply; undefined when none runs for this data directory. */
async function askAgent(world: World, dir: DataDir, edit?: PositionsRequest): Promise<PositionsReply | undefined> {
  const question: PositionsQuestion = { dataDir: dir.guessed ? undefined : dir.path, edit }
  try {
    const reply = (await ask(controlPaths(world.env, dir.path), 'positions', question)) as PositionsReply
    return 'elsewhere' in reply ? undefined : reply
  } catch (error) {
    if (error instanceof YarderError && error.code === 'UNREACHABLE') return undefined
    throw error
  }
}

async function ls(world: World, options: Which & { json?: boolean }): Promise<void> {
  const dir = await findDataDir(world, options.dataDir, options.config)
  const { positions, unlisted = [] } = await list(world, dir)
  const matches = await matcher(options.path)
  const shown = positions
    .filter(p => (options.input === undefined || p.input === options.input) && matches(p))
    .toSorted((a, b) => `${a.input}\0${a.path}`.localeCompare(`${b.input}\0${b.path}`))
  if (options.json === true || !world.terminal) for (const p of shown) world.out(`${JSON.stringify(p)}\n`)
  else world.out(shown.length === 0 ? 'no positions\n' : table(shown))
  for (const name of unlisted)
    if (options.path === undefined && (options.input ?? name) === name)
      world.err(`yarder: not listed: ${name}, which reads the journal; yarder status says up to when it has\n`)
}

/** Those of the running agent, else what its state says. */
export async function listPositions(world: World, dir: DataDir): Promise<readonly ListedPosition[]> {
  return (await list(world, dir)).positions
}

async function list(world: World, dir: DataDir): Promise<Extract<PositionsReply, { positions: unknown }>> {
  const reply = await askAgent(world, dir)
  return reply !== undefined && 'positions' in reply ? reply : { positions: await readStopped(world, dir) }
}

async function readStopped(world: World, dir: DataDir): Promise<readonly ListedPosition[]> {
  const { listStopped } = await import('../agent/positions.ts')
  const { state, format, damage } = readState(join(dir.path, 'state.db'))
  world.err(`yarder: no agent answers; this is what ${join(dir.path, 'state.db')} says (format ${format})\n`)
  if (damage !== undefined) world.err(`yarder: the state file is damaged: ${damage}; the rest of it is shown\n`)
  return listStopped(state)
}

async function matcher(path: string | undefined): Promise<(p: ListedPosition) => boolean> {
  if (path === undefined) return () => true
  const { pathMatcher } = await import('../agent/positions.ts')
  const matches = pathMatcher(resolve(path))
  return p => matches(p.at ?? p.path) || matches(p.path)
}

const HEAD = ['INPUT', 'PATH', 'STATE', 'SIZE', 'READ', 'LAG', 'ACKNOWLEDGED', 'ID']

function table(positions: readonly ListedPosition[]): string {
  const rows = onLines(positions).map(p => [
    p.input,
    p.at === undefined ? p.path : `${p.path} (now ${p.at})`,
    p.state,
    String(p.size),
    String(p.read),
    String(p.lag),
    Object.entries(p.acked)
      .map(([output, offset]) => (output === '' ? String(offset) : `${output}:${offset}`))
      .join(' '),
    p.id
  ])
  const widths = HEAD.map((head, i) => Math.max(head.length, ...rows.map(row => row[i]!.length)))
  return [HEAD, ...rows]
    .map(
      row =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i]!))
          .join('  ')
          .trimEnd()}\n`
    )
    .join('')
}

async function edit(world: World, verb: 'set' | 'reset', options: EditOptions): Promise<number> {
  const request = await requestOf(verb, options)
  const dir = await findDataDir(world, options.dataDir, options.config)
  const reply = (await askAgent(world, dir, request)) ?? (await editFile(world, dir, request))
  if ('refused' in reply) return usage(reply.refused)
  const answer = reply as PositionsAnswer
  if (options.json === true) world.out(`${JSON.stringify({ ...answer, changed: !request.dryRun })}\n`)
  else tell(world, verb, request, answer)
  if (!request.dryRun || options.dryRun === true) return EXIT.ok
  world.err('yarder: nothing was changed; add --yes to do it\n')
  return EXIT.usage
}

async function editFile(world: World, dir: DataDir, request: PositionsRequest): Promise<PositionsAnswer> {
  const { editStopped } = await import('../agent/positions.ts')
  return editStopped(request, dir.path, world.logs.root.child('positions'), systemClock)
}

async function requestOf(verb: 'set' | 'reset', options: EditOptions): Promise<PositionsRequest> {
  const { input, path, output } = options
  if (input === undefined) return usage('needs --input NAME; see: yarder positions ls')
  if ((path === undefined) === (options.all !== true)) return usage('needs either --path PATH (wildcards too) or --all')
  return {
    input,
    path: path === undefined ? undefined : resolve(path),
    to: verb === 'set' ? await targetOf(options) : undefined,
    output,
    newIds: options.newIds === true,
    dryRun: options.dryRun === true || (verb === 'reset' && options.yes !== true)
  }
}

async function targetOf({ to, since }: EditOptions): Promise<NonNullable<PositionsRequest['to']>> {
  if ((to === undefined) === (since === undefined)) return usage('needs either --to or --since')
  if (since !== undefined) {
    const ms = Date.parse(/^\d{4}-\d\d-\d\d$/.test(since) ? `${since}T00:00` : since.replace(' ', 'T'))
    return Number.isNaN(ms)
      ? usage(`--since must be a time such as "2026-11-21 00:00", got "${since}"`)
      : { kind: 'since', ms }
  }
  const { parseTarget } = await import('../agent/positions.ts')
  return (
    parseTarget(to!, parseSize) ?? usage(`--to must be an offset such as 0 or 4096, "end", or "-10MB"; got "${to}"`)
  )
}

function tell(world: World, verb: 'set' | 'reset', request: PositionsRequest, answer: PositionsAnswer): void {
  const would = request.dryRun ? 'would be ' : ''
  for (const { path, from, to, notes, newId } of answer.changes) {
    const before = [...new Set(Object.values(from))].join(', ')
    const ids = newId === undefined ? '' : ', with new ids'
    world.out(
      `${path}: ${would}${verb === 'set' ? `moved from ${before} to ${to}${ids}` : `forgotten (was at ${before})`}\n`
    )
    for (const note of notes) world.out(`    ${note}\n`)
  }
  for (const left of answer.left) world.out(`left as it is: ${left}\n`)
  if (answer.forgetsInput)
    world.out(
      `${request.input}: ${would}as if it had never run; start_at says where reading begins in the files that are there\n`
    )
}

const SET_HELP = `
Records that are sent again have the ids they had: Elasticsearch answers 409 for those it still has and keeps one of
each, which fills a gap and doubles nothing. With --new-ids everything arrives again as new documents.
While the agent runs, this one input stands still until what it read is acknowledged (8 s at most) and goes on from there.

Examples:
  yarder positions set --input nginx --path /var/log/nginx/access.log --to 0          send all of it again
  yarder positions set --input nginx --path '/var/log/nginx/*' --since '2026-11-21'   send again what came since
  yarder positions set --input app --path /srv/app/app.log --to end --output elastic  skip a flood, for one output

Exit status: 0 done, 1 it failed, 2 it cannot be right; nothing was changed then.`

const RESET_HELP = `
A file that is forgotten is read from its first byte as a new one, with new ids: everything of it arrives again.
With --all the input itself is forgotten, and start_at applies as at its first start.

Exit status: 0 done, 1 it failed, 2 it cannot be right or --yes is missing; nothing was changed then.`

function addWhere(command: Command): Command {
  return command
    .option(...CONFIG_OPTION)
    .option('--data-dir <path>', 'data_dir of the agent, when no configuration says it')
}

export const registerPositions: Register = (program, world, exit) => {
  const positions = program
    .command('positions')
    .description('how far each file is; send some of it again, leave it out, or take over positions of Filebeat')
  addWhere(
    positions.command('ls').description('list the files with their positions, of the running agent or of its state')
  )
    .option('--input <name>', 'only those of this input')
    .option('--path <glob>', 'only those whose path matches')
    .option('--json', 'print a JSON line for each, as into a pipe')
    .action(async (options: Which) => {
      await ls(world, options)
      exit(EXIT.ok)
    })
  addWhere(positions.command('set').description('move positions: send a part again, or leave one out'))
    .option('--input <name>', 'the input')
    .option('--path <glob>', 'where the file lies now; wildcards match several')
    .option('--all', 'every file of the input')
    .option('--to <where>', '0, an offset in bytes, end, or -10MB: that much before the end')
    .option(
      '--since <time>',
      'from what arrived then on; a time of day is taken as the start of its UTC day at the latest'
    )
    .option('--output <name>', 'for this output only')
    .option('--new-ids', 'what is sent again counts as new')
    .option('--dry-run', 'only say what would be done')
    .option('--json', 'print JSON')
    .addHelpText('after', SET_HELP)
    .action(async (options: EditOptions) => exit(await edit(world, 'set', options)))
  addWhere(positions.command('reset').description('forget positions: files are read as new ones'))
    .option('--input <name>', 'the input')
    .option('--path <glob>', 'where the file lies now; wildcards match several')
    .option('--all', 'the whole input, as if it had never run')
    .option('--dry-run', 'only say what would be done')
    .option('--yes', 'do it')
    .option('--json', 'print JSON')
    .addHelpText('after', RESET_HELP)
    .action(async (options: EditOptions) => exit(await edit(world, 'reset', options)))
  registerAdopt(positions, world, exit)
}
