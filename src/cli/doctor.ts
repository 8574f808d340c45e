// `yarder doctor`: what keeps the agent from working here, each with the command that mends it.
import { userInfo } from 'node:os'
import type { Finding } from '../agent/doctor.ts'
import { formatProblem } from '../config/problem.ts'
import { EXIT } from './command.ts'
import type { Register, World } from './command.ts'
import { CONFIG_OPTION, readConfigFile } from './config-file.ts'
import { offlineContexts } from './offline.ts'
import { oneLine } from './one-line.ts'

interface DoctorOptions {
  readonly config?: string
  readonly json?: boolean
  readonly user?: string
}

const COLOURS: Record<Finding['state'], string> = { ok: '32', warning: '33', problem: '31' }

export const registerDoctor: Register = (program, world, exit) => {
  program
    .command('doctor')
    .description(
      'find what keeps the agent from working on this host, with the commands that mend it or show more; changes nothing'
    )
    .option(...CONFIG_OPTION)
    .option('--user <name>', "look as this user (needs root); root looks as the service's user when it is installed")
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Looks at every element of the path of every file, at the journal, limits, clock and disk, at reach and rights at each
output, at the listener's port, and at the service. It asks the kernel as the user the service runs as, so run it with sudo.

Exit status: 0 no problem (warnings perhaps), 1 a problem was found.`
    )
    .action(async (options: DoctorOptions) => {
      const findings = await examine(world, options)
      const bad = findings.some(f => f.state === 'problem')
      world.out(options.json === true || !world.terminal ? asJson(findings) : asText(world, findings))
      exit(bad ? EXIT.failed : EXIT.ok)
    })
}

/** All findings. Rejects with YarderError when there is no configuration, or no such user. */
export async function examine(world: World, options: DoctorOptions): Promise<Finding[]> {
  const doctor = await import('../agent/doctor.ts')
  const unit = await doctor.unitFacts(AbortSignal.timeout(5000))
  // What systemd hands to the service (credentials, folders, variables) is not in the environment of a terminal.
  const env = { ...doctor.environmentOf(unit), ...world.env }
  const config = await readConfigFile(options.config, env)
  const root = process.getuid?.() === 0
  const service = unit?.('User') || 'root'
  const wanted = options.user ?? (root ? service : undefined)
  if (wanted !== undefined && wanted !== userInfo().username)
    doctor.become(await doctor.accountOf(wanted, wanted === service ? unit : undefined, AbortSignal.timeout(5000)))
  const user = wanted ?? userInfo().username
  const found = [...standIn(user, unit && service), ...configFindings(config)]
  if (config.problems.length > 0) return found
  const { checked, dir } = config
  const more = await doctor.diagnose({
    checked,
    configDir: dir,
    env,
    user,
    unit: unit !== undefined && user === service ? unit : undefined,
    contextOf: (section, name, log) => offlineContexts(checked, dir, env, log)(section, name)
  })
  // What a peer has answered may name what it was sent.
  return [...found, ...more.map(f => ({ ...f, message: oneLine(checked.mask(f.message)) }))]
}

/** Who is not the service's user sees what is not the service's trouble, and not all of that. */
function standIn(user: string, service: string | undefined): Finding[] {
  if (service === undefined || user === service) return []
  const message = `this is how it looks for ${user}; the service runs as ${service}`
  return [{ area: 'service', state: 'warning', message, mend: 'sudo yarder doctor' }]
}

function configFindings({ path, problems, warnings }: Awaited<ReturnType<typeof readConfigFile>>): Finding[] {
  const area = 'config'
  const mend = `yarder validate -c ${path}`
  if (problems.length + warnings.length === 0) return [{ area, state: 'ok', message: `${path} is valid` }]
  return [
    ...problems.map((p): Finding => ({ area, state: 'problem', message: oneLine(formatProblem(p)), mend })),
    ...warnings.map((p): Finding => ({ area, state: 'warning', message: oneLine(formatProblem(p)), mend }))
  ]
}

function asJson(findings: readonly Finding[]): string {
  const count = (state: Finding['state']): number => findings.filter(f => f.state === state).length
  const state = count('problem') > 0 ? 'problem' : count('warning') > 0 ? 'warning' : 'ok'
  return `${JSON.stringify({ state, problems: count('problem'), warnings: count('warning'), findings })}\n`
}

function asText(world: World, findings: readonly Finding[]): string {
  const paint = (state: Finding['state']): string => {
    const padded = state.padEnd(7)
    return world.colour ? `\u001b[${COLOURS[state]}m${padded}\u001b[0m` : padded
  }
  const lines = findings.flatMap(({ area, state, message, mend }) => [
    `${paint(state)}  ${area.padEnd(8)}  ${message}`,
    ...(mend === undefined ? [] : [`                     $ ${mend}`])
  ])
  return `${lines.join('\n')}\n`
}
