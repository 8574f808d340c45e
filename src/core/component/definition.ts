// What every component is built with, and how each kind is declared.
import type { Clock } from '../clock.ts'
import type { Event } from '../event.ts'
import type { Field, Fields, Values } from '../field.ts'
import type { Instruments } from '../instruments.ts'
import type { Log } from '../log.ts'
import type { Rate } from '../rate.ts'
import type { State } from '../state.ts'
import type { AgentView, Check, Notify } from './check.ts'
import type { Input } from './input.ts'
import type { Exporter, Meter } from './metric.ts'
import type { Output } from './output.ts'
import type { BuiltStep } from './records.ts'

/** What a component gets to be built with. Building is pure: no file but those the config names, no socket, no timer. */
export interface Context {
  /** Its configured name. */
  readonly name: string
  readonly log: Log
  readonly clock: Clock
  readonly instruments: Instruments
  readonly state: State
  /** Absolute path of `agent.data_dir`. */
  readonly dataDir: string
  /** Folder of the config file, which relative paths start from. */
  readonly configDir: string
  /** `logstash` or `ecs`: which names the fields get. */
  readonly schema: 'logstash' | 'ecs'
  /** IANA zone for times without one. */
  readonly timezone: string
  /** Fields that every record of the agent carries. */
  readonly constants: Readonly<Event>
  /** True under `--once`: read to the end and return. */
  readonly once: boolean
  /** Names of the outputs whose positions an input keeps. */
  readonly outputs: readonly string[]
  /** Metrics are made of the input's records, so that it keeps their position, too. */
  readonly metered?: boolean
  /** For inputs: the `rate_limit` that is kept for them; their batches hold no more than `portionOf` it. */
  readonly rate?: Rate | undefined
  /** For checks: the agent around them; absent where none runs. */
  readonly agent?: AgentView
}

/** An example in a definition: a title and the YAML as it stands under the component's place in the config. */
export interface Example {
  readonly title: string
  readonly yaml: string
}

interface Described {
  /** snake_case; its file is called the same in kebab-case. */
  readonly name: string
  /** One sentence for the reference, ending with a period. */
  readonly summary: string
  /** Further paragraphs for the reference page. */
  readonly description?: string
  readonly examples?: readonly Example[]
}

/** A component with named options. `lint` names an option and what is wrong with it; `build` may throw OptionError. */
export interface Definition<Kind extends string, F extends Fields, Built> extends Described {
  readonly kind: Kind
  readonly fields: F
  lint?(options: Values<F>): Iterable<readonly [option: string, message: string]>
  build(options: Values<F>, context: Context): Built
}

/** A step may take one value instead of named options (`convert: {bytes: integer}`, `keep: {…}`). */
export interface ValueDefinition<Kind extends string, T, Built> extends Described {
  readonly kind: Kind
  readonly value: Field<T>
  lint?(value: T): Iterable<readonly [option: string, message: string]>
  build(value: T, context: Context): Built
}

// The list holds definitions of different options side by side; each one's own types were checked where it was defined.
type Erased = {
  readonly lint?: (options: never) => Iterable<readonly [string, string]>
}
export type InputDefinition = Described &
  Erased & { readonly kind: 'input'; readonly fields: Fields; readonly build: (o: never, c: Context) => Input }
export type OutputDefinition = Described &
  Erased & { readonly kind: 'output'; readonly fields: Fields; readonly build: (o: never, c: Context) => Output }
export type StepDefinition = Described &
  Erased & {
    readonly kind: 'step'
    readonly fields?: Fields
    readonly value?: Field<unknown>
    readonly build: (o: never, c: Context) => BuiltStep
  }
export type MetricDefinition = Described &
  Erased & { readonly kind: 'metric'; readonly fields: Fields; readonly build: (o: never, c: Context) => Meter }
export type ExporterDefinition = Described &
  Erased & { readonly kind: 'exporter'; readonly fields: Fields; readonly build: (o: never, c: Context) => Exporter }
export type CheckDefinition = Described &
  Erased & { readonly kind: 'check'; readonly fields: Fields; readonly build: (o: never, c: Context) => Check }
export type NotifyDefinition = Described &
  Erased & { readonly kind: 'notify'; readonly fields: Fields; readonly build: (o: never, c: Context) => Notify }
export type AnyDefinition =
  | InputDefinition
  | OutputDefinition
  | StepDefinition
  | MetricDefinition
  | ExporterDefinition
  | CheckDefinition
  | NotifyDefinition

export const defineInput = <F extends Fields>(
  d: Omit<Definition<'input', F, Input>, 'kind'>
): Definition<'input', F, Input> => ({ ...d, kind: 'input' })
export const defineOutput = <F extends Fields>(
  d: Omit<Definition<'output', F, Output>, 'kind'>
): Definition<'output', F, Output> => ({ ...d, kind: 'output' })
/** Parsers and transforms alike: what a pipeline is made of. */
export const defineStep = <F extends Fields>(
  d: Omit<Definition<'step', F, BuiltStep>, 'kind'>
): Definition<'step', F, BuiltStep> => ({ ...d, kind: 'step' })
export const defineValueStep = <T>(
  d: Omit<ValueDefinition<'step', T, BuiltStep>, 'kind'>
): ValueDefinition<'step', T, BuiltStep> => ({ ...d, kind: 'step' })
/** Metrics made out of records. Their name is `Context.name`. */
export const defineMetric = <F extends Fields>(
  d: Omit<Definition<'metric', F, Meter>, 'kind'>
): Definition<'metric', F, Meter> => ({ ...d, kind: 'metric' })
export const defineExporter = <F extends Fields>(
  d: Omit<Definition<'exporter', F, Exporter>, 'kind'>
): Definition<'exporter', F, Exporter> => ({ ...d, kind: 'exporter' })
/** Health checks. Schedule, time limit, counting and states are the caller's (health/checks.ts). */
export const defineCheck = <F extends Fields>(
  d: Omit<Definition<'check', F, Check>, 'kind'>
): Definition<'check', F, Check> => ({ ...d, kind: 'check' })
/** Ways to tell people of a check's change. Queueing and repeating are the caller's (health/notify.ts). */
export const defineNotify = <F extends Fields>(
  d: Omit<Definition<'notify', F, Notify>, 'kind'>
): Definition<'notify', F, Notify> => ({ ...d, kind: 'notify' })
