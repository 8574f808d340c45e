// `yarder check beat`, `silence`, `unsilence`, `history`, `report`: what is told to and asked of the checks of the running agent, over its control socket.
import type { Command } from 'commander'
import { describe } from '../core/errors.ts'
import { parseDuration } from '../core/field.ts'
import type { World } from './command.ts'
import { EXIT } from './command.ts'
import { ask, controlPaths } from './control.ts'
import { renderReport } from './check-report.ts'
import type { CheckReport } from './check-report.ts'
import { percent } from './percent.ts'
import { seconds } from './status-units.ts'

const DATA_DIR = ['--data-dir <path>', 'data_dir of the agent, where its control socket is'] as const

/** Exit status of wrong usage, as everywhere below `yarder check`. */
const UNKNOWN = 3

/** Asks, and says what went wrong; true when it is done. */
async function told(
  world: World,
  exit: (status: number) => void,
  dataDir: string | undefined,
  action: string,
  body: unknown
): Promise<unknown> {
  try {
    const answer = await ask(controlPaths(world.env, dataDir), action, body)
    exit(EXIT.ok)
    return answer
  } catch (error) {
    world.err(`yarder check: ${describe(error)}\n`)
    exit(EXIT.failed)
    return undefined
  }
}

/** Adds the commands below `yarder check`. */
export function registerCheckControl(check: Command, world: World, exit: (status: number) => void): void {
  check
    .command('beat')
    .description('report to a heartbeat check of the running agent: all is well, or --failed')
    .argument('<name>', 'the check')
    .option('--message <text>', 'shown with the check')
    .option('--failed [why]', 'report a failure instead')
    .option(...DATA_DIR)
    .addHelpText('after', '\nExit status: 0 reported, 1 not.')
    .action(async (name: string, o: { message?: string; failed?: string | true; dataDir?: string }) => {
      const message = o.message ?? (typeof o.failed === 'string' ? o.failed : '')
      await told(world, exit, o.dataDir, 'check-beat', { check: name, ok: o.failed === undefined, message })
    })

  check
    .command('silence')
    .description('put a check of the running agent into maintenance: it runs on, and nobody is told of it')
    .argument('<name>', 'the check')
    .requiredOption('--for <duration>', 'how long, such as 2h')
    .option('--comment <text>', 'why; stands in the status and in records')
    .option(...DATA_DIR)
    .addHelpText('after', '\nExit status: 0 done, 1 not, 3 wrong usage.')
    .action(async (name: string, o: { for: string; comment?: string; dataDir?: string }) => {
      const forMs = parseDuration(o.for)
      if (forMs === undefined || forMs <= 0) {
        world.err(`yarder check: --for must be a duration such as 2h, got "${o.for}"\n`)
        return exit(UNKNOWN)
      }
      const body = { check: name, forMs, comment: o.comment ?? '' }
      const answer = (await told(world, exit, o.dataDir, 'check-silence', body)) as { until: string } | undefined
      if (answer !== undefined) world.out(`${name} is in maintenance until ${answer.until}\n`)
    })

  check
    .command('unsilence')
    .description('end the silence of a check before its time')
    .argument('<name>', 'the check')
    .option(...DATA_DIR)
    .action(async (name: string, o: { dataDir?: string }) => {
      const answer = await told(world, exit, o.dataDir, 'check-unsilence', { check: name })
      if (answer === undefined) return
      const { silenced } = answer as { silenced: boolean }
      world.out(silenced ? `${name} is silenced no longer\n` : `${name} was not silenced\n`)
    })

  check
    .command('history')
    .description('show the changes of a check of the running agent over the last month, and its uptime')
    .argument('<name>', 'the check')
    .option('--json', 'print JSON')
    .option(...DATA_DIR)
    .action(async (name: string, o: { json?: boolean; dataDir?: string }) => {
      const answer = (await told(world, exit, o.dataDir, 'check-history', { check: name })) as Past | undefined
      if (answer === undefined) return
      world.out(o.json === true || !world.terminal ? `${JSON.stringify(answer)}\n` : renderPast(answer))
    })

  check
    .command('report')
    .description(
      'show for each check of the running agent its uptime, how often it failed, on which days, and how often that passed by itself'
    )
    .option('--days <count>', 'how far back, at most 31', '31')
    .option('--json', 'print JSON')
    .option(...DATA_DIR)
    .addHelpText('after', '\nAn incident ended by itself when nobody had silenced the check and the agent ran on.')
    .action(async (o: { days: string; json?: boolean; dataDir?: string }) => {
      const days = Number(o.days)
      if (!Number.isInteger(days) || days < 1 || days > 31) {
        world.err(`yarder check: --days must be a number from 1 to 31, got "${o.days}"\n`)
        return exit(UNKNOWN)
      }
      const answer = (await told(world, exit, o.dataDir, 'check-report', { days })) as CheckReport | undefined
      if (answer === undefined) return
      world.out(o.json === true || !world.terminal ? `${JSON.stringify(answer)}\n` : renderReport(answer))
    })
}

interface Past {
  readonly check: string
  readonly state: string
  readonly uptime: Readonly<Record<string, number | undefined>>
  readonly knownSeconds: number
  readonly changes: readonly { readonly at: string; readonly state: string | null }[]
}

const DAY_S = 86_400
const SPANS = [
  ['day', DAY_S],
  ['week', 7 * DAY_S],
  ['month', 30 * DAY_S]
] as const

/** Restarts and maintenance take a little of every span. */
const NEARLY = 0.95

/** `uptime 99.98 % over a day, 100 % over the 3.0 days that are known`; '' when nothing is known. */
export function uptimeText(uptime: Readonly<Record<string, number | undefined>>, knownSeconds: number): string {
  const parts: string[] = []
  for (const [over, span] of SPANS) {
    const share = uptime[over]
    if (share === undefined) continue
    // What is known reaches no further: the longer spans would say the same again.
    if (knownSeconds < span * NEARLY) {
      parts.push(`${percent(share)} over the ${time(knownSeconds)} that are known`)
      break
    }
    parts.push(`${percent(share)} over a ${over}`)
  }
  return parts.length === 0 ? '' : `uptime ${parts.join(', ')}`
}

const time = (s: number): string => (s < 2 * DAY_S ? seconds(s * 1000) : `${(s / DAY_S).toFixed(1)} days`)

function renderPast({ check, state, uptime, knownSeconds, changes }: Past): string {
  const lines = changes.map(c => `${c.at}  ${c.state ?? 'the agent did not run'}`)
  return `${[...lines, `${check} is ${state}`, uptimeText(uptime, knownSeconds)].filter(line => line !== '').join('\n')}\n`
}
