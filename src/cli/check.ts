// `yarder check`: runs the checks of a configuration once and says how things stand.
import type { CheckedOnce, CheckUnit } from '../agent/check-once.ts'
import { systemClock } from '../core/clock.ts'
import type { CheckState, Context } from '../core/component.ts'
import { describe, YarderError } from '../core/errors.ts'
import { didYouMean } from '../core/field.ts'
import { junit, tap } from './check-formats.ts'
import { registerCheckControl } from './check-control.ts'
import type { Register, World } from './command.ts'
import { CONFIG_OPTION, readConfigFile, tellProblems } from './config-file.ts'
import { offlineContexts } from './offline.ts'
import { oneLine } from './one-line.ts'

/** Exit statuses of Nagios plugins. */
const STATUS: Record<CheckState, number> = { ok: 0, warning: 1, critical: 2, unknown: 3 }
/** Of wrong usage and a wrong configuration too: nobody knows how things stand. */
export const UNKNOWN = STATUS.unknown
/** From the best to the worst: what is known to be broken weighs more than what is not known. */
const RANK: readonly CheckState[] = ['ok', 'unknown', 'warning', 'critical']
const COLOURS: Record<CheckState, string> = { ok: '32', warning: '33', critical: '31', unknown: '36' }

export interface CheckOptions {
  readonly json?: boolean
  readonly nagios?: boolean
  readonly junit?: boolean
  readonly tap?: boolean
}

const FORMATS = ['json', 'nagios', 'junit', 'tap'] as const

/** Runs the named checks, or all; prints what came of them and returns the exit status. */
export async function check(
  world: World,
  units: readonly CheckUnit[],
  names: readonly string[],
  contextOf: (name: string) => Context,
  options: CheckOptions,
  mask: (text: string) => string = text => text
): Promise<number> {
  const known = units.map(unit => unit.name)
  const strangers = names.filter(name => !known.includes(name))
  if (strangers.length > 0 || units.length === 0) {
    const text =
      units.length === 0
        ? 'the configuration has no checks'
        : strangers.map(n => `there is no check "${n}"${didYouMean(n, known)}`).join('; ')
    if (options.nagios === true) world.out(`UNKNOWN - ${text}\n`)
    else world.err(`yarder check: ${text}\n`)
    return STATUS.unknown
  }
  const { checkOnce } = await import('../agent/check-once.ts')
  const chosen = names.length === 0 ? units : units.filter(unit => names.includes(unit.name))
  const looked = await checkOnce(chosen, contextOf, systemClock, mask)
  // Who names a check wants to know of it.
  const results = names.length === 0 ? looked : looked.map(result => ({ ...result, skipped: undefined }))
  if (options.nagios === true) world.out(nagiosLine(counted(results)))
  else if (options.junit === true) world.out(junit(results))
  else if (options.tap === true) world.out(tap(results))
  else if (options.json === true || !world.terminal) for (const result of results) world.out(jsonLine(result))
  else world.out(table(world, results))
  return STATUS[worstOf(counted(results))]
}

/** Those that could be looked at without an agent; all when there are none. */
function counted(results: readonly CheckedOnce[]): readonly CheckedOnce[] {
  const looked = results.filter(r => r.skipped !== true)
  return looked.length === 0 ? results : looked
}

const worstOf = (results: readonly CheckedOnce[]): CheckState =>
  results.map(r => r.state).reduce((a, b) => (RANK.indexOf(b) > RANK.indexOf(a) ? b : a), 'ok')

function jsonLine({ name, type, state, reason, message, seconds, values, skipped }: CheckedOnce): string {
  return `${JSON.stringify({ check: name, type, state, reason, message, seconds: Number(seconds.toFixed(6)), values, skipped })}\n`
}

function table(world: World, results: readonly CheckedOnce[]): string {
  const width = Math.max(...results.map(r => r.name.length))
  const lines = results.map(({ name, state, seconds, message, skipped }) => {
    const word = (skipped === true ? 'skipped' : state).padEnd(8)
    const shown = world.colour ? `\u001b[${COLOURS[state]}m${word}\u001b[0m` : word
    return `${shown}  ${name.padEnd(width)}  ${seconds.toFixed(3).padStart(7)} s  ${oneLine(message)}\n`
  })
  return lines.join('')
}

/** One line and the durations as performance data, of one check its numbers too. A bar would end what stands before it. */
function nagiosLine(results: readonly CheckedOnce[]): string {
  const worst = worstOf(results)
  const bad = results.filter(r => r.state !== 'ok')
  const told =
    bad.length === 0 && results.length > 1 ? `${results.length} checks are ok` : tell(bad.length === 0 ? results : bad)
  const times = results.map(r => `${label(r.name)}=${r.seconds.toFixed(6)}s;;;0`)
  const data = [...times, ...(results.length > 1 ? [] : numbersOf(results[0]!))].join(' ')
  return `${worst.toUpperCase()} - ${told.replaceAll('|', '/')} | ${data}\n`
}

/** What a plugin printed goes on as it is, with its units and thresholds. */
const numbersOf = ({ perfdata, values = {} }: CheckedOnce): readonly string[] =>
  perfdata?.map(oneLine) ?? Object.entries(values).map(([name, n]) => `${label(name)}=${plainNumber(n)}`)

/** The Monitoring Plugins' development guidelines: quoted, a quote twice, and no equals sign. */
const label = (name: string): string => `'${name.replaceAll("'", "''").replaceAll(/[=|]/g, '_')}'`

/** Never with an exponent, which plugins do not write. */
const plainNumber = (n: number): string => (Number.isInteger(n) ? BigInt(n).toString() : n.toFixed(6))

const tell = (results: readonly CheckedOnce[]): string =>
  results.map(r => oneLine(`${r.name}: ${r.message}`)).join('; ')

export const registerCheck: Register = (program, world, exit) => {
  const command = program
    .command('check')
    .description('run the health checks of a configuration once and say how things stand')
    .argument('[name...]', 'the checks to run; all of them when absent')
    .option(...CONFIG_OPTION)
    .option('--json', 'print JSON, one check a line')
    .option('--nagios', 'print one line as Nagios plugins do')
    .option('--junit', 'print XML as JUnit does, for a build server')
    .option('--tap', 'print TAP, the Test Anything Protocol')
    .addHelpText(
      'after',
      '\nA check that only a running agent can look at (log, metric, beats) is skipped, unless it is named.\nExit status, as with Nagios: 0 ok, 1 warning, 2 critical, 3 unknown, wrong usage or a wrong configuration.'
    )
    .action(async (names: string[], options: CheckOptions & { config?: string }) => {
      try {
        const formats = FORMATS.filter(format => options[format] === true).map(format => `--${format}`)
        if (formats.length > 1) throw new YarderError('USAGE', `${formats.join(' and ')} go one at a time`)
        const config = await readConfigFile(options.config, world.env)
        tellProblems(world, config)
        if (config.problems.length > 0) {
          if (options.nagios === true) world.out('UNKNOWN - the configuration is wrong\n')
          return exit(STATUS.unknown)
        }
        const context = offlineContexts(config.checked, config.dir, world.env)
        const units = (config.checked.units as { readonly checks?: readonly CheckUnit[] }).checks ?? []
        exit(await check(world, units, names, name => context('check', name), options, config.checked.mask))
      } catch (error) {
        if (options.nagios === true) world.out(`UNKNOWN - ${oneLine(describe(error)).replaceAll('|', '/')}\n`)
        else world.err(`yarder check: ${describe(error)}\n`)
        exit(STATUS.unknown)
      }
    })
  registerCheckControl(command, world, exit)
}
