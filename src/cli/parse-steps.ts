// The steps that `yarder parse` works with: a pipeline of the configuration, or one made from the command line.
import type { CheckedConfig } from '../agent/components.ts'
import type { MakeContext } from '../agent/context.ts'
import { ConfigError } from '../config/problem.ts'
import { PIPELINES } from '../config/catalog.ts'
import type { CheckedPipeline } from '../config/catalog.ts'
import { loadText } from '../config/load.ts'
import { YarderError } from '../core/errors.ts'
import type { Context } from '../core/component.ts'
import { didYouMean } from '../core/field.ts'
import type { Log } from '../core/log.ts'
import type { NamedStep } from '../pipeline/pipeline.ts'
import type { World } from './command.ts'
import { usableConfig } from './config-file.ts'
import { offlineContexts } from './offline.ts'

export interface StepOptions {
  readonly pipeline?: string
  readonly config?: string
  readonly grok?: string
  readonly json?: true
  readonly auto?: true
  readonly schema?: 'logstash' | 'ecs'
  readonly patternsDir?: string
  readonly timezone?: string
}

export interface ParseSteps {
  readonly steps: readonly NamedStep[]
  /** What an input of these records is built with. */
  readonly context: Context
}

/**
 * Builds the steps; undefined when the configuration can't be used, which was told then. Throws YarderError for what is
 * wrong on the command line.
 */
export async function parseSteps(world: World, options: StepOptions, log: Log): Promise<ParseSteps | undefined> {
  const { pipeline, config } = options
  if (pipeline !== undefined) return ofConfig(world, pipeline, config, log)
  if (config !== undefined) throw new YarderError('USAGE', '-c goes with --pipeline NAME: which of its pipelines?')
  return ofCommandLine(options, world.env, log)
}

async function ofConfig(
  world: World,
  name: string,
  path: string | undefined,
  log: Log
): Promise<ParseSteps | undefined> {
  const config = await usableConfig(world, path)
  if (config === undefined) return undefined
  const { checked, dir } = config
  const inputs = new Map(checked.units.inputs.map(unit => [unit.name, unit.common.pipeline]))
  const pipeline = checked.pipelines.get(name) ?? inputs.get(name)
  if (pipeline === undefined) {
    const reason = inputs.has(name)
      ? `the input "${name}" has no pipeline`
      : `there is no pipeline "${name}" in ${config.path}${didYouMean(name, [...checked.pipelines.keys()])}`
    throw new YarderError('USAGE', reason)
  }
  return build(pipeline, offlineContexts(checked, dir, world.env, log))
}

/** A time in a field that is usually one, by how it begins: which other formats it could have is not guessed. */
const TIMES = [
  ['^\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d', 'ISO8601'],
  ['^\\d\\d?/[A-Z][a-z]{2}/\\d{4}:\\d\\d:', 'dd/MMM/yyyy:HH:mm:ss Z'],
  ['^[A-Z][a-z]{2} +\\d\\d? \\d\\d:', 'MMM d HH:mm:ss']
] as const
const TIME_STEPS = ['timestamp', 'time'].flatMap(field =>
  TIMES.map(([matches, format]) => ({ date: { field, formats: [format] }, when: { [field]: { matches } } }))
)

function stepsOf({ grok, json, patternsDir }: StepOptions): unknown[] {
  if (grok !== undefined) {
    const files = patternsDir === undefined ? {} : { patterns_dir: [patternsDir] }
    return [{ grok: { match: grok, ...files } }, ...TIME_STEPS]
  }
  if (json === true) return [{ json: {} }, ...TIME_STEPS]
  return [{ auto: {} }]
}

/** Goes the way of a configuration, so that a step on the command line is the same step. */
async function ofCommandLine(options: StepOptions, env: NodeJS.ProcessEnv, log: Log): Promise<ParseSteps> {
  const { catalog } = await import('../agent/components.ts')
  if (options.timezone !== undefined) checkZone(options.timezone)
  const agent = { schema: options.schema ?? 'logstash', timezone: options.timezone }
  const config = { agent, [PIPELINES]: { parse: stepsOf(options) } }
  const text = JSON.stringify(config).replaceAll('${', () => '$${')
  const { checked, problems } = loadText(text, catalog, env, 'command line')
  const contexts = offlineContexts(checked as CheckedConfig, '.', env, log)
  if (problems.length > 0) throw wrong(new ConfigError(problems))
  // Which host this is says nothing about a file that is looked at once.
  return build(checked.pipelines.get('parse')!, (...of) => ({ ...contexts(...of), constants: {} }))
}

function checkZone(zone: string): void {
  try {
    Temporal.Now.zonedDateTimeISO(zone)
  } catch {
    throw new YarderError('USAGE', `--timezone must be an IANA zone such as Europe/Berlin, got "${zone}"`)
  }
}

function build(pipeline: CheckedPipeline, contexts: MakeContext): ParseSteps {
  const context = contexts('pipeline', pipeline.name)
  try {
    const steps = pipeline.steps.map(step => ({ ...step.build(context), name: step.name }))
    return { steps, context: contexts('input', 'parse', ['parse']) }
  } catch (error) {
    throw error instanceof ConfigError ? wrong(error) : error
  }
}

/** Places in a configuration that nobody wrote are left out. */
const wrong = (error: ConfigError): YarderError =>
  new YarderError('USAGE', [...new Set(error.problems.map(p => p.message))].join('; '))
