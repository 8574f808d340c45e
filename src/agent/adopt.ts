// `yarder positions adopt`: takes positions of Filebeat over for the inputs of a configuration, while no agent runs.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { YarderError } from '../core/errors.ts'
import { didYouMean, isMap } from '../core/field.ts'
import type { Log } from '../core/log.ts'
import { readState } from '../core/state-read.ts'
import type { State } from '../core/state.ts'
import { applyAdopt, planAdopt } from '../input/file/adopt.ts'
import type { AdoptingInput, Adoption, AdoptPlan, Misfit } from '../input/file/adopt.ts'
import { readFilebeat } from '../input/file/filebeat.ts'
import { inputsIn } from '../input/file/positions.ts'
import { scopeOf } from '../input/file/registry.ts'
import type { CheckedConfig } from './components.ts'
import { withState } from './positions.ts'

export interface AdoptRequest {
  /** Filebeat's registry, a folder or a file. */
  readonly registry: string
  /** One input only. */
  readonly input: string | undefined
  readonly dryRun: boolean
}

export interface AdoptAnswer {
  readonly files: readonly Omit<Adoption, 'row'>[]
  readonly strangers: readonly string[]
  readonly gone: readonly string[]
  /** Entries that fit the file at their path no more; it is read as one without a position. */
  readonly misfits: readonly Misfit[]
  readonly notes: readonly string[]
}

export interface AdoptWorld {
  readonly checked: CheckedConfig
  readonly configDir: string
  readonly dataDir: string
  readonly log: Log
  readonly clock: Clock
}

/** Throws YarderError USAGE with what would be right, LOCKED while an agent runs, STORAGE. */
export async function adopt(request: AdoptRequest, world: AdoptWorld): Promise<AdoptAnswer> {
  const inputs = inputsOf(world.checked, request.input)
  const registry = readFilebeat(request.registry)
  const path = join(world.dataDir, 'state.db')
  const plan = await planAdopt(registry, inputs, world.configDir)
  refuseStrangers(plan)
  if (request.dryRun) {
    if (existsSync(path)) refuseKnown(readState(path).state, plan)
  } else {
    withState(world.dataDir, world.log, world.clock, state => {
      refuseKnown(state, plan)
      applyAdopt(state, plan, world.clock.now())
    })
  }
  return answerOf(plan, registry.notes)
}

function inputsOf(checked: CheckedConfig, only: string | undefined): AdoptingInput[] {
  const all = checked.units.inputs.filter(unit => unit.type === 'file')
  const names = all.map(unit => unit.name)
  if (only !== undefined && !names.includes(only))
    throw new YarderError('USAGE', `"${only}" is no file input of the configuration${didYouMean(only, names)}`)
  const outputs = checked.units.outputs.map(unit => unit.name)
  return all.flatMap(({ name, common, options }) => {
    if (!isMap(options) || (only !== undefined && only !== name)) return []
    return {
      name,
      outputs: common.outputs ?? (outputs.length > 0 ? outputs : ['stdout']),
      paths: options['paths'] as string[],
      exclude: options['exclude'] as string[],
      startAt: options['start_at'] as AdoptingInput['startAt'],
      maxLineBytes: options['max_line_bytes'] as number,
      ignoreOlder: options['ignore_older'] as number
    }
  })
}

/** So many files that Filebeat knew are named. */
const MOST_NAMED = 5

/** Where nothing is of Filebeat, most likely the registry or the configuration is another host's or another Filebeat's. */
function refuseStrangers({ files, strangers, gone, misfits }: AdoptPlan): void {
  if (files.some(f => f.how === 'filebeat' || f.how === 'unfit')) return
  const known = [...strangers, ...gone, ...misfits.map(m => m.source)]
  const more = known.length > MOST_NAMED ? ` and ${known.length - MOST_NAMED} more` : ''
  const of = known.length === 0 ? 'it knows no files' : `it knows ${known.slice(0, MOST_NAMED).join(', ')}${more}`
  throw new YarderError('USAGE', `no file of the registry is read by an input, so there is nothing to take over; ${of}`)
}

/** Positions of an agent that has run already are better than any of before. */
function refuseKnown(state: State, plan: AdoptPlan): void {
  for (const input of new Set(plan.files.map(f => f.input))) {
    const some = inputsIn(state).includes(input) || !Iterator.from(state.entries(scopeOf(input))).next().done
    if (!some) continue
    const how = `to begin anew: yarder positions reset --input ${input} --all --yes`
    throw new YarderError('USAGE', `the input ${input} has positions already, and these count; ${how}`)
  }
}

const answerOf = ({ files, strangers, gone, misfits }: AdoptPlan, notes: readonly string[]): AdoptAnswer => ({
  files: files.map(({ input, path, offset, size, how, note }) => ({ input, path, offset, size, how, note })),
  strangers,
  gone,
  misfits,
  notes
})
