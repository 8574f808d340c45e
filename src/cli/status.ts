// `yarder status`: what the running agent says about itself.
import { counted } from '../agent/doctor/finding.ts'
import type { OutputStatus, Status } from '../agent/status.ts'
import { describe } from '../core/errors.ts'
import { uptimeText } from './check-control.ts'
import { ask, controlPaths } from './control.ts'
import { EXIT } from './command.ts'
import type { Register, World } from './command.ts'
import { WHOSE_OPTION, namedDataDir } from './data-dir.ts'
import { onLines } from './one-line.ts'
import { laggingLines, ledgerLines } from './status-files.ts'
import { seconds } from './status-units.ts'

const COLOURS: Record<string, string> = {
  ok: '32',
  warning: '33',
  critical: '31',
  unknown: '36',
  maintenance: '36',
  green: '32',
  running: '32',
  finished: '32',
  yellow: '33',
  degraded: '33',
  uninitialized: '36',
  red: '31',
  failed: '31'
}
const paint = (world: World, word: string): string =>
  world.colour ? `\u001b[${COLOURS[word] ?? '0'}m${word}\u001b[0m` : word

function outputLines(world: World, o: OutputStatus): string[] {
  const waiting =
    o.unacknowledged > 0
      ? `, ${counted(o.unacknowledged, 'record')} unacknowledged, oldest ${seconds(o.oldestAgeMs)}`
      : ''
  const lines = [
    `  ${o.name} (${o.type})  ${paint(world, o.state)}  ${o.message}${o.target === undefined ? '' : `  ${o.target}`}${waiting}`
  ]
  if (o.lastError !== undefined && o.state !== 'green') lines.push(`      last error: ${o.lastError}`)
  lines.push(...troubles(o).map(line => `      ${line}`))
  return lines
}

function troubles(o: OutputStatus): string[] {
  const lines: string[] = []
  if (o.full)
    lines.push(o.whenFull === 'block' ? 'full: its inputs wait for it' : 'full: it gets the rest later, from the files')
  if (o.dropped > 0) lines.push(`${counted(o.dropped, 'record')} dropped since the start (when_full: ${o.whenFull})`)
  if (o.unwrittenDeadLetters > 0)
    lines.push(`refused, and waiting since no dead letter can be written: ${counted(o.unwrittenDeadLetters, 'record')}`)
  if (o.deadLetters > 0) lines.push(`${counted(o.deadLetters, 'dead letter')}: yarder dlq ls --output ${o.name}`)
  return lines
}

/** The status for people; `files` shows each file with what became of its bytes. */
export function renderStatus(world: World, status: Status, files: boolean): string {
  const s = onLines(status)
  const lines = [
    `yarder ${s.version}  ${paint(world, s.state)}  ${s.message}  (pid ${s.pid}, up ${seconds(s.uptimeSeconds * 1000)}${s.ready ? '' : ', not ready'})`
  ]
  lines.push(`config: ${s.configFiles.join(', ')}`)
  if (s.configError !== undefined) lines.push(`  the last reload was refused: ${s.configError}`)
  lines.push('outputs:', ...s.outputs.flatMap(o => outputLines(world, o)), 'inputs:')
  for (const input of s.inputs) {
    lines.push(`  ${input.name} (${input.type})  ${paint(world, input.state)}  ${input.message}`)
    const own = files ? ledgerLines(input.files) : laggingLines(input.files)
    lines.push(...own.map(line => `      ${line}`))
  }
  if (s.checks.length > 0) lines.push('checks:')
  for (const check of s.checks) {
    const uptime = uptimeText({ ...check.uptime }, check.knownSeconds)
    const muted = check.muted === undefined ? '' : `  (nobody is told: ${check.muted})`
    lines.push(`  ${check.name} (${check.type})  ${paint(world, check.state)}  ${check.message}${muted}`)
    if (uptime !== '') lines.push(`      ${uptime}`)
  }
  return `${lines.map(line => line.trimEnd()).join('\n')}\n`
}

export const registerStatus: Register = (program, world, exit) => {
  program
    .command('status')
    .description('show the state of the running agent: outputs, inputs, files and how far each is')
    .option(...WHOSE_OPTION)
    .option('--data-dir <path>', 'data_dir of the agent, where its control socket is')
    .option('--files', 'show every file, with what became of its bytes; without it, those that lag or have trouble')
    .option('--json', 'print JSON, as into a pipe')
    .addHelpText('after', '\nExit status: 0 green, 1 not green or not reachable, 2 wrong usage.')
    .action(async (options: { config?: string; dataDir?: string; files?: boolean; json?: boolean }) => {
      const dataDir = await namedDataDir(world, options.dataDir, options.config)
      try {
        const status = (await ask(controlPaths(world.env, dataDir), 'status')) as Status
        world.out(
          options.json === true || !world.terminal
            ? `${JSON.stringify(status)}\n`
            : renderStatus(world, status, options.files === true)
        )
        exit(status.state === 'green' ? EXIT.ok : EXIT.failed)
      } catch (error) {
        world.err(`yarder status: ${describe(error)}\n`)
        exit(EXIT.failed)
      }
    })
}
