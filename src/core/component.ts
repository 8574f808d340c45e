// THE CONTRACTS: what an input, a step, an output and the definition of a component are, and who calls them when.
import type { Clock } from './clock.ts'
import type { Condition } from './condition.ts'
import type { Cursor, Event, Step } from './event.ts'
import type { Field, Fields, Values } from './field.ts'
import type { Instruments, MetricReader } from './instruments.ts'
import type { Log } from './log.ts'
import type { Rate } from './rate.ts'
import type { State } from './state.ts'
import type { Template } from './template.ts'

/** A stream of bytes or events, and all that is the same for everything in it. */
export interface Source {
  /** The configured name of the input. */
  readonly input: string
  /** Short and unique for ever: with an offset it makes a record's identity. '' when the stream can't be read again. */
  readonly id: string
  /** The file it is read from now, for messages and labels. */
  readonly path: string | undefined
  /** Fields every record of it carries (`host`, `input`, `log.file.path`, …), nested objects. Replaced, never changed in place. */
  readonly constants: Readonly<Event>
}

/**
 * A slice of one source, cut at line ends. Its holder settles it once per output; only then does the input move that
 * output's position. `bytes` may be reused by the input as soon as the promise of `emit` has resolved.
 */
export interface Batch {
  readonly source: Source
  /** When its bytes were first read, milliseconds since the epoch; the same again when the range is read again. */
  readonly arrival: number
  readonly count: number
  /** Lines: the bytes, and start and end of each line in them, line ending left out. A joined multiline is one span. */
  readonly bytes: Buffer
  readonly bounds: Uint32Array
  /** Position in the source of `bytes[0]`. */
  readonly offset: number
  /** 1 for a line that was cut at `max_line_bytes`; absent when none was. */
  readonly cut?: Uint8Array | undefined
  /** Set instead of lines (`bytes` empty) by inputs whose records are structured already. */
  readonly events?: readonly Event[] | undefined
  /** Set when it was read again for this output, and is for no other: records that others had are not counted twice. */
  readonly only?: string | undefined
  /** Outputs that get it by a reading of their own: it is neither given to them nor settled for them here. */
  readonly behind?: readonly string[] | undefined
  /** True when one of these has it by now and waits for what comes next. */
  readonly awaited?: boolean
  /** The output has no room and gets it later, by a reading of its own; absent where nothing can be read again. */
  decline?(output: string): void
  /** Its first so many lines were taken into metrics; see METRICS. */
  counted?(lines: number): void
  /** `output` has taken over every record of the batch: delivered, refused with its dead letter on disk, or dropped by intention. */
  settle(output: string): void
}

/**
 * Stands among the outputs of an input whose records are counted: metrics have a position of their own, which is
 * committed together with their numbers, so that a record counts once also over a killed process. No output can be
 * called so.
 */
export const METRICS = '(metrics)'

/** Awaiting it is the back-pressure: no answer, no next read. Rejects only when the agent is stopping. */
export type Emit = (batch: Batch) => Promise<void>

/** Reads until `signal` aborts, then returns. Trouble with a file or a peer is retried inside; a rejection is a bug. */
export interface Input {
  run(emit: Emit, signal: AbortSignal): Promise<void>
  /** True once nothing more will come (`stdin` at its end, files with `--once`). `run` returns then. */
  readonly finite?: boolean
  /** For `yarder status`. */
  describe?(): InputDescription
}

/** One file of an input, or whatever else it reads. */
export interface FileStatus {
  readonly path: string
  /** Where its bytes lie when not under `path`, the name it was found under. */
  readonly at?: string | undefined
  readonly size: number
  /** How far it was read, and how far every output has acknowledged; bytes. */
  readonly read: number
  readonly acked: number
  /** `active`, `idle`, `unreadable`, … */
  readonly state: string
  readonly reason?: string | undefined
  readonly ledger?: FileLedger | undefined
  /** Seconds until unread bytes of it are rotated away; absent while that is not to be feared, or can't be known. */
  readonly expiresSeconds?: number | undefined
}

/** What became of the bytes of a file; `seen` is the sum of the others. */
export interface FileLedger {
  /** The largest size it is known to have had. */
  readonly seen: number
  /** Before the place where reading began: not asked for, or read before. */
  readonly skipped: number
  /** Taken over by every output. */
  readonly acked: number
  /** Handed out, and not acknowledged by every output yet. */
  readonly waiting: number
  readonly unread: number
  /** In no record: holes, and the rests of cut lines. */
  readonly leftOut: number
  /** Gone before they were read. */
  readonly lost: number
}

/** What an input says about itself when asked. */
export interface InputDescription {
  readonly message: string
  readonly files: readonly FileStatus[]
}

/** What a pipeline made of a batch: one JSON document a record. The same bytes serve every output. */
export interface Records {
  readonly batch: Batch
  readonly count: number
  /** The documents, UTF-8, each ended by '\n'. Never changed, never reused. */
  readonly bytes: Buffer
  /** End of each document in `bytes`, its '\n' included; a document starts where the one before it ended. */
  readonly ends: Uint32Array
  /** The time of each record, milliseconds since the epoch. */
  readonly times: Float64Array
  /** Where in the source each record starts; with `batch.source.id` its identity. */
  readonly offsets: Float64Array
  /** For each template that an output asked for (`Output.keys`), by its text, the rendered text of each record. */
  readonly keys: ReadonlyMap<string, readonly string[]>
  /** What each record had when it was sent the first time, and gets again: those of dead letters have it. */
  readonly given?: readonly Given[]
  /** What each output gets that chooses or changes records, by its name: of the same batch, with the same identities. */
  readonly selected?: ReadonlyMap<string, Records>
  /** How many records of the batch are not among these, since the output does not want them. */
  readonly unwanted?: number
  /** How many records before each share its offset, where the rows can't tell it since others were left out. */
  readonly within?: Uint32Array | undefined
}

/** Looks at a record that leaves a pipeline. Never throws, and keeps nothing of it: the next one may be the same object. */
export interface Observer {
  (event: Event, cursor: Cursor): void
  /** References of the fields it reads; absent when it may read any. Others need not be there. */
  readonly reads?: readonly string[]
}

/** Which records an output gets, and in which form. */
export interface Selection {
  readonly output: string
  /** Absent: all. */
  readonly takes?: Condition | undefined
  /** Changes a document as parsed from its JSON; absent: as it is. */
  readonly shape?: ((document: Event) => void) | undefined
}

/** Identity of a record, and where it went (an index name) if that was known. */
export interface Given {
  readonly id: string
  readonly target: string | undefined
}

/** Records `from` up to (not including) `to` of one `Records`. */
export interface Part {
  readonly records: Records
  readonly from: number
  readonly to: number
}

/** What one `send` carries, in order. Its records are numbered through from 0. */
export interface Parcel {
  readonly parts: readonly Part[]
  readonly count: number
  readonly bytes: number
}

/** A record the destination will never take as it is. */
export interface Rejected {
  readonly index: number
  /** The destination's own words. */
  readonly reason: string
  readonly status?: number
  /** Where it would have gone (an index name) and under which identity, for its dead letter. */
  readonly target?: string
  readonly id?: string
}

/** Indexes into the parcel; what is in neither list was delivered. */
export interface Sent {
  readonly retry: readonly number[]
  readonly rejected: readonly Rejected[]
  /** How many of the delivered the destination had already. */
  readonly duplicates?: number
  /** Wait at least this long before the retry, milliseconds. */
  readonly retryAfterMs?: number | undefined
  /** Why there is something to retry, for the log and the status. */
  readonly reason?: string
  /** The destination said that it has too much to do, so that fewer requests at a time may do better. */
  readonly overloaded?: boolean
}

/** What `yarder setup` asks of an output. */
export interface SetupOptions {
  /** Look, and change nothing. */
  readonly dry: boolean
  /** Replace what an earlier setup made and is of another version or configuration. */
  readonly force: boolean
  /** Days after which the destination may delete records; undefined: never. */
  readonly retentionDays: number | undefined
}

/** What became of one thing that the destination should have. */
export interface SetupStep {
  /** `index template yarder-logstash` */
  readonly what: string
  /** `missing`: it would have been made. `refused`: it is not as it should be. `unsupported`: nobody could make it there. */
  readonly outcome: 'made' | 'replaced' | 'kept' | 'missing' | 'refused' | 'unsupported'
  readonly detail?: string
}

/**
 * Sends parcels. Batching, order, retries with back-off, dead letters, counting and the states are the caller's
 * (output/delivery.ts). `send` may be called again before it has answered, up to `in_flight` times. A rejected promise
 * means: retry all; throw a YarderError with what was being done and to which URL.
 */
export interface Output {
  send(parcel: Parcel, signal: AbortSignal): Promise<Sent>
  /**
   * Contacts the destination without sending, so that its state is known before the first record. Called at the start,
   * until it or a `send` has succeeded; rejects as `send` does.
   */
  probe?(signal: AbortSignal): Promise<void>
  /** The delivery is being emptied: what rests on a wait of the output's own is better answered at once from now on. */
  hurry?(): void
  /** Makes what the destination should have before records come. Only when a person asks; rejects as `send` does. */
  setup?(options: SetupOptions, signal: AbortSignal): Promise<readonly SetupStep[]>
  /** The same as text, without contacting anybody. */
  printSetup?(options: SetupOptions): string
  /** Idempotent, and works half-started. */
  close(): Promise<void>
  /** Templates over a record's fields that `send` needs (an index name): rendered in the pipeline's pass into `Records.keys`. */
  readonly keys?: readonly Template[]
  /** Where it sends to at the moment, for status and messages, without credentials. */
  readonly target?: string
  /** What it gets a second time it keeps a second time: positions are written after each answer, so that a crash repeats little. */
  readonly repeats?: true
}

/** What a step is once built. */
export interface BuiltStep {
  readonly run: Step
  /** Top-level fields it may write or remove; 'any' when only the data tells. Lets the encoder skip look-ups. */
  readonly writes: readonly string[] | 'any'
}

/** One of the samples that a series is written as. */
export interface MetricPoint {
  /** What follows the metric's name: '', `_bucket`, `_sum`, `_count`. */
  readonly suffix: string
  /** Upper bound of a histogram's bucket. */
  readonly le?: number
  /** Of a summary: which share of the values are at most as large, 0 to 1. */
  readonly quantile?: number
}

/** Values of the last while, for a summary; neither exact nor kept over a restart. */
export interface RecentValues {
  add(value: number): void
  /** The value at each of these shares; NaN where there was none in the time. */
  quantiles(shares: readonly number[]): readonly number[]
}

/**
 * What a metric does with a record. It keeps nothing: a series is a few numbers, handed in by the one who knows the
 * labels and limits (metrics/from-logs/metric.ts).
 */
export interface Meter {
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary'
  /** How many numbers a series is made of; all start at 0. */
  readonly width: number
  /** Changes when numbers that were kept by another build of the metric can't be gone on with. */
  readonly signature: string
  /** References of the fields that `measure` and `reason` read. */
  readonly reads: readonly string[]
  /** The number that a record brings; NaN when it brings none, and `reason` then says why, in one snake_case word. */
  measure(event: Event, cursor: Cursor): number
  reason(event: Event, cursor: Cursor): string
  /** Makes what a series keeps besides its numbers; it is handed in with them. */
  recent?(): RecentValues
  /** Takes a finite number into a series; false, and nothing changed, when the series could not hold it. */
  add(numbers: number[], value: number, recent?: RecentValues): boolean
  /** What a series is written as, and the value of each. */
  readonly points: readonly MetricPoint[]
  values(numbers: readonly number[], recent?: RecentValues): readonly number[]
  readonly exemplar?: ExemplarReader | undefined
}

/** Which records stand for the others beside them. */
export interface ExemplarReader {
  /** References of the fields that `read` reads. */
  readonly reads: readonly string[]
  /** Its labels, of which the caller may keep all; undefined when a record has none. */
  read(event: Event, cursor: Cursor): Readonly<Record<string, string>> | undefined
  /** Which of the points it is put at. */
  point(value: number): number
}

/** Sends readings of all metrics to a place of its own, as often as it likes. */
export interface Exporter {
  /**
   * Works until `signal` aborts, sends once more, and returns. What is counted up to the first read, which is asked for
   * before `run` returns its promise, is taken as sent already: call it before inputs run. Trouble with the peer is
   * retried inside; a rejection is a bug.
   */
  run(reader: MetricReader, signal: AbortSignal): Promise<void>
  /** Idempotent, and works half-started. */
  close(): Promise<void>
}

/** Where a check, or what it watches, stands. */
export const CHECK_STATES = ['ok', 'warning', 'critical', 'unknown'] as const
export type CheckState = (typeof CHECK_STATES)[number]
/** As people are shown it: what is in maintenance is neither well nor ill. Numbered as they stand here. */
export const SHOWN_STATES = [...CHECK_STATES, 'maintenance'] as const
export type ShownState = (typeof SHOWN_STATES)[number]

/** Why a check is not ok: the closed set of a metric's label. What varies stands in the message. */
export type CheckReason =
  | 'ok'
  | 'dns'
  | 'connect'
  | 'tls'
  | 'timeout'
  | 'protocol'
  | 'status'
  | 'body'
  | 'answer'
  | 'exit'
  | 'start'
  | 'missing'
  | 'present'
  | 'inactive'
  | 'restarting'
  | 'redirect'
  | 'header'
  | 'expiry'
  | 'slow'
  | 'space'
  | 'inodes'
  | 'read_only'
  | 'limit'
  | 'count'
  | 'age'
  | 'size'
  | 'mode'
  | 'owner'
  | 'content'
  | 'version'
  | 'permission'
  | 'error'

/** What one look at the target gave. */
export interface CheckResult {
  readonly state: CheckState
  readonly reason: CheckReason
  /** One line for people; never a secret. */
  readonly message: string
  /** Numbers that were seen, in base units. */
  readonly values?: Readonly<Record<string, number>>
  /** Only a running agent could tell; who looks once, without one, leaves it out. */
  readonly skipped?: true | undefined
}

/**
 * One look at the target. An unhealthy target is a result; a rejection is a bug. Never called again before it has
 * settled. The caller measures the duration and aborts the signal at the time limit; the check then lets go of all it
 * holds and settles soon, and what it says is no longer heard.
 */
export interface Check {
  (signal: AbortSignal): Promise<CheckResult>
  /** Lets go of what it keeps between looks; called once, after the last of them. */
  close?(): void
}

/** What a check may look at of the agent that runs it. */
export interface AgentView {
  readonly metrics: MetricReader
  /** Shows the records of an input, of all when undefined, as they leave its pipeline. Returns the way to take it back. */
  watch(input: string | undefined, see: (event: Event, cursor: Cursor) => void): () => void
  /** One for all checks of the agent, made when it is first asked for. */
  shared?<T>(kind: SharedKind<T>): T
}

/** What checks share: it may keep what it has read for so long. */
export type SharedKind<T> = new (clock: Clock, maxAgeMs: number) => T

/** That a check has changed its state, for those who are to be told. */
export interface Notification {
  readonly check: string
  readonly type: string
  readonly state: CheckState
  readonly previous: CheckState
  readonly reason: CheckReason
  readonly message: string
  /** Since when, milliseconds since the epoch; and since when it had been in the state before. */
  readonly since: number
  readonly previousSince: number
  readonly owner: string | undefined
}

/** Tells one place of one change. The caller repeats while the rejection's YarderError is retryable. */
export type Notify = (notification: Notification, signal: AbortSignal) => Promise<void>

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
