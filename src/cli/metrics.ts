// `yarder metrics`: which metrics the running agent has, and whether those of a configuration are well named.
import type { ListedMetric } from '../agent/metric-list.ts'
import type { CheckedConfig } from '../agent/components.ts'
import { formatProblem } from '../config/problem.ts'
import { YarderError } from '../core/errors.ts'
import { EXIT } from './command.ts'
import type { Register, World } from './command.ts'
import { CONFIG_OPTION, usableConfig } from './config-file.ts'
import { ask, controlPaths } from './control.ts'
import { findDataDir } from './data-dir.ts'

export const registerMetrics: Register = (program, world, exit) => {
  const metrics = program
    .command('metrics')
    .description('list the metrics of the running agent; check the names of a configuration')

  metrics
    .command('list')
    .description('print each metric that the running agent has made out of records, with its number of series')
    .option(...CONFIG_OPTION)
    .option('--data-dir <path>', 'data_dir of the agent, where its control socket is')
    .option('--all', "the agent's own metrics too: yarder_, process_ and nodejs_")
    .option('--json', 'print JSON, a line each')
    .addHelpText('after', '\nExit status: 0 printed, 1 no agent answers.')
    .action(async (o: ListOptions) => {
      await list(world, o)
      exit(EXIT.ok)
    })

  metrics
    .command('lint')
    .description('check names, labels and units of a configuration against the conventions, in the words of promtool')
    .argument(
      '[names...]',
      'names to check instead: with dots as those of StatsD, region.environment.host.name, without as those of Prometheus'
    )
    .option(...CONFIG_OPTION)
    .addHelpText('after', '\nExit status: 0 all is well named, 1 not, 2 the configuration is wrong.')
    .action(async (names: string[], o: { config?: string }) => {
      if (names.length > 0) return exit(await lintNames(world, names))
      const config = await usableConfig(world, o.config)
      exit(config === undefined ? EXIT.usage : await lintConfig(world, config.checked))
    })
}

interface ListOptions {
  config?: string
  dataDir?: string
  all?: boolean
  json?: boolean
}

const OWN = /^(?:yarder|process|nodejs|probe)_/

async function list(world: World, o: ListOptions): Promise<void> {
  const dir = await findDataDir(world, o.dataDir, o.config)
  const answer = await ask(controlPaths(world.env, dir.path), 'metrics-list', {})
  const { metrics } = answer as { metrics?: ListedMetric[] }
  if (metrics === undefined) throw new YarderError('PROTOCOL', 'the agent is older than this command; restart it')
  const shown = metrics.filter(({ name }) => o.all === true || !OWN.test(name))
  if (o.json === true || !world.terminal) for (const metric of shown) world.out(`${JSON.stringify(metric)}\n`)
  else
    world.out(shown.length === 0 ? 'no metrics out of records; --all shows the own ones of the agent\n' : table(shown))
}

function table(metrics: readonly ListedMetric[]): string {
  const rows = metrics.map(m => [m.name, m.type, `${m.series}${m.overflowing ? ' (full)' : ''}`, m.help])
  const all = [['METRIC', 'TYPE', 'SERIES', 'HELP'], ...rows]
  const widths = [0, 1, 2].map(i => Math.max(...all.map(row => row[i]!.length)))
  return all
    .map(
      row =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`
    )
    .join('')
}

async function lintNames(world: World, names: readonly string[]): Promise<number> {
  const { nameFaults } = await import('../agent/metric-names.ts')
  const judged = names.map(name => ({ name, ...nameFaults(name) }))
  const faults = judged.flatMap(({ name, kind, faults: own }) => own.map(fault => `${name} (${kind} name): ${fault}\n`))
  const counts = (['Prometheus', 'StatsD'] as const)
    .map(kind => [kind, judged.filter(one => one.kind === kind).length] as const)
    .filter(([, count]) => count > 0)
  const good = `all is well named; ${counts.map(([kind, count]) => `${kind} names: ${count}`).join(', ')}\n`
  world.out(faults.length === 0 ? good : faults.join(''))
  return faults.length === 0 ? EXIT.ok : EXIT.failed
}

async function lintConfig(world: World, checked: CheckedConfig): Promise<number> {
  const { metricNameProblems } = await import('../agent/metric-names.ts')
  const problems = metricNameProblems(checked)
  for (const problem of problems) world.out(`${formatProblem(problem)}\n`)
  const { metrics, exporters } = checked.units
  if (problems.length === 0)
    world.out(`all is well named; metrics: ${metrics.length}, exporters: ${exporters.length}\n`)
  return problems.length === 0 ? EXIT.ok : EXIT.failed
}
