// What `yarder parse` does: files through the pipeline, its records to the printer.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { createBufferPool } from '../agent/buffers.ts'
import { followFiles, humanLine, openLines } from '../agent/trial.ts'
import { createWire } from '../agent/wire.ts'
import { systemClock } from '../core/clock.ts'
import type { Input } from '../core/component.ts'
import type { Condition } from '../core/condition.ts'
import { describe, errnoOf, YarderError } from '../core/errors.ts'
import { silentInstruments } from '../core/instruments.ts'
import { createPipeline } from '../pipeline/pipeline.ts'
import type { NamedStep } from '../pipeline/pipeline.ts'
import { EXIT } from './command.ts'
import type { World } from './command.ts'
import { warningsOf } from './offline.ts'
import { parseSteps } from './parse-steps.ts'
import type { ParseSteps, StepOptions } from './parse-steps.ts'
import { createPrinter } from './printer.ts'
import type { Printer } from './printer.ts'
import { every, onDay, parseWhere } from './where.ts'

export interface ParseOptions extends StepOptions {
  readonly follow?: true
  readonly first?: string
  readonly where: readonly string[]
  readonly date?: string
  readonly print?: string
  readonly count?: true
}

/** Returns the exit status; throws YarderError for wrong usage. */
export async function parse(world: World, files: readonly string[], options: ParseOptions): Promise<number> {
  if (options.follow === true && files.includes('-') && files.length > 1) {
    throw new YarderError('USAGE', '--follow can not read standard input beside files')
  }
  if (options.patternsDir !== undefined && options.grok === undefined) {
    throw new YarderError('USAGE', '--patterns-dir goes with --grok')
  }
  const printer = createPrinter(world, {
    print: options.print?.split(',').map(name => name.trim()),
    count: options.count,
    first: options.first !== undefined,
    human: humanLine
  })
  const built = await parseSteps(world, options, warningsOf(world.logs.root))
  if (built === undefined) return EXIT.usage
  const filter = filterOf(options, built.context.timezone)
  const run = runner(world, built, filter, printer)
  const followed = options.follow === true && !files.includes('-')
  const good = followed ? await follow(world, files, built, run) : await readAll(world, files, built, run)
  printer.end()
  return good && !(filter !== undefined && printer.count === 0) ? EXIT.ok : EXIT.failed
}

/** All conditions in one; undefined when there are none. */
function filterOf({ where, first, date, timezone }: ParseOptions, zone: string): Condition | undefined {
  const conditions = [...where, ...(first === undefined ? [] : [first])].map(parseWhere)
  if (date !== undefined) conditions.unshift(onDay(date, timezone ?? zone, timezone !== undefined))
  return conditions.length === 0 ? undefined : every(conditions)
}

/** Runs an input to its end, or until the printer has enough; false then, as nothing more is to be read. */
type Run = (input: Input, stop?: AbortSignal) => Promise<boolean>

function runner(world: World, built: ParseSteps, filter: Condition | undefined, printer: Printer): Run {
  const buffers = createBufferPool(2 * 1024 * 1024, 8 * 1024 * 1024)
  // A record that is not wanted is dropped before it costs an encoding.
  const last: NamedStep[] = filter === undefined ? [] : [{ name: 'where', run: filter, writes: [] }]
  const pipeline = createPipeline({
    name: 'parse',
    steps: [...built.steps, ...last],
    keys: [],
    observers: printer.observe === undefined ? [] : [printer.observe],
    log: warningsOf(world.logs.root),
    instruments: silentInstruments,
    buffers
  })
  return async (input, stop) => {
    const enough = new AbortController()
    const signal = stop === undefined ? enough.signal : AbortSignal.any([enough.signal, stop])
    const sink = {
      name: 'parse',
      full: false,
      detaches: false,
      down: false,
      room: () => Promise.resolve(),
      async offer(records: Parameters<Printer['take']>[0]): Promise<void> {
        if (!enough.signal.aborted && printer.take(records)) enough.abort()
        records.batch.settle('parse')
      }
    }
    const run: typeof pipeline.run = batch => pipeline.run(batch)
    const wire = createWire({ run, runAgain: () => run, sinks: [sink], buffers, clock: systemClock, signal })
    await input.run(wire.emit, signal)
    return !enough.signal.aborted
  }
}

/** One file after the other; false when one of them could not be read. */
async function readAll(world: World, files: readonly string[], built: ParseSteps, run: Run): Promise<boolean> {
  let good = true
  for (const file of files) {
    try {
      if (!(await run(await openLines(file, built.context)))) break
    } catch (error) {
      if (errnoOf(error) === '') throw error
      good = false
      world.err(`yarder parse: ${file}: ${describe(error).replace(/, (?:open|read|stat|fstat)\b.*$/, '')}\n`)
    }
  }
  return good
}

/** The file input itself, with positions that nobody keeps. */
async function follow(world: World, files: readonly string[], built: ParseSteps, run: Run): Promise<boolean> {
  for (const file of files) {
    if (!existsSync(file)) world.err(`yarder parse: ${file}: is not there yet; waiting for it\n`)
  }
  const stop = new AbortController()
  const take = (['SIGINT', 'SIGTERM'] as const).map(signal => world.onSignal(signal, () => stop.abort()))
  try {
    await run(
      followFiles(
        files.map(file => resolve(file)),
        built.context
      ),
      stop.signal
    )
  } finally {
    for (const off of take) off()
  }
  return true
}
