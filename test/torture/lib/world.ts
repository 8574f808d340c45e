// What most lanes need around them: a folder of logs, writers, the agent on it, its output file and the judge of that.
//
//   const world = new World(lane)
//   await world.start()
//   await world.write({ files: [{ writer: 'w', path: world.path('app.log') }], rate: 5000 })
//   for (const _ of lane.tries(8)) await logrotate(…)
//   await world.finish()                          // every line once, in order, intact; costs back; nothing counted lost
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../lib/real/process.ts'
import { startYarder } from '../../lib/real/yarder.ts'
import type { Ending, Yarder } from '../../lib/real/yarder.ts'
import { behind } from './committed.ts'
import { backTo, costsOf } from './costs.ts'
import type { Costs } from './costs.ts'
import { NdjsonDestination } from './destination.ts'
import { Judge } from './judge.ts'
import type { Verdict } from './judge.ts'
import type { Lane } from './lane.ts'
import { startWriter } from './writer.ts'
import type { Writer, WriterOptions, Written } from './writer.ts'

const PATIENCE_MS = 40_000

export interface WorldOptions {
  /** Options of the file input beside `paths`, as lines of YAML. */
  readonly input?: readonly string[]
  /** Patterns; `log/*.log` unless said. */
  readonly paths?: readonly string[]
  /** The `outputs` section; a `file` output to `out.ndjson` unless said. */
  readonly outputs?: string
  /** More sections. */
  readonly more?: string
  /** Put before the program, such as `setpriv` or `prlimit`. */
  readonly through?: readonly string[]
  readonly env?: Record<string, string>
  /** Where the lines arrive when that is not the `file` output's file; `outputs` has to lead there. */
  readonly destination?: (judge: Judge) => Destination
  /** More of the section `agent`. */
  readonly agent?: string
  /** Where logs are; a folder of the lane unless said. */
  readonly logs?: string
  /** Without a new line for so many milliseconds the rest is taken for lost. */
  readonly patience?: number
  /** False where offsets do not tell files apart, as when a writer without O_APPEND goes on behind a hole. */
  readonly ordered?: boolean
}

/** What a stretch of the agent's own log says was lost. */
export interface LossTold {
  readonly path: string
  readonly bytes: number
  readonly reason: string
}

/** Something that lines arrive in, as far as a world reads it. */
export type Destination = Pick<NdjsonDestination, 'path' | 'read'>

export class World {
  readonly lane: Lane
  readonly folder: string
  readonly logs: string
  readonly judge = new Judge()
  readonly out: Destination
  /** Written without a writer process: name → lines. */
  readonly byHand = new Map<string, number>()
  readonly options: WorldOptions
  readonly #writers: Writer[] = []
  readonly #told: LossTold[] = []
  #agent: Yarder | undefined
  #before: Costs | undefined

  constructor(lane: Lane, options: WorldOptions = {}) {
    this.lane = lane
    this.options = options
    this.folder = lane.folder
    this.logs = options.logs ?? join(lane.folder, 'log')
    mkdirSync(this.logs, { recursive: true })
    const { destination, ordered } = options
    this.out =
      destination?.(this.judge) ?? new NdjsonDestination(join(this.folder, 'out', 'out.ndjson'), this.judge, ordered)
  }

  path(name: string): string {
    return join(this.logs, name)
  }

  get agent(): Yarder {
    if (this.#agent === undefined) throw new Error('the agent is not started')
    return this.#agent
  }

  get config(): string {
    const { input = [], paths = [`${this.logs}/*.log`], outputs, more = '', agent = '' } = this.options
    // Files that are over are closed soon, so that a lane sees within seconds that their descriptors come back.
    const usual = { start_at: 'beginning', close_inactive: '1s', close_removed: '1s' }
    const lines = Object.entries(usual)
      .filter(([name]) => !input.some(line => line.startsWith(`${name}:`)))
      .map(([name, value]) => `${name}: ${value}`)
    return `
agent: { data_dir: '${this.folder}/data'${agent === '' ? '' : `, ${agent}`} }
admin: { listen: '127.0.0.1:0' }
inputs:
  logs:
    type: file
    paths: ${JSON.stringify(paths)}
    ${[...lines, ...input].join('\n    ')}
${outputs ?? `outputs:\n  out: { type: file, path: '${this.out.path}', max_bytes: 0 }`}
${more}
`
  }

  /** Starts the agent, again on the same data after `stop`. */
  async start(options: { env?: Record<string, string> } = {}): Promise<Yarder> {
    this.out.read()
    for (const name of ['data', 'out']) {
      const path = join(this.folder, name)
      if (existsSync(path)) continue
      mkdirSync(path)
      if (this.options.through !== undefined) chmodSync(path, 0o777)
    }
    const { through = [], env = {} } = this.options
    const all = { folder: join(this.folder, 'agent'), config: this.config, through, env: { ...env, ...options.env } }
    const agent = await startYarder(this.lane.t, all)
    this.#agent = agent
    this.#before = undefined
    return agent
  }

  /** Ends the agent with a signal, SIGTERM unless named. */
  async stop(signal?: NodeJS.Signals): Promise<Ending> {
    const { agent } = this
    const ending = await agent.end(signal)
    this.#told.push(...lossesIn(agent.log()))
    this.#agent = undefined
    return ending
  }

  /** Starts a writer. */
  async write(options: WriterOptions): Promise<Writer> {
    const writer = await startWriter(this.lane.t, { seed: this.lane.random.between(0, 1_000_000), ...options })
    this.#writers.push(writer)
    return writer
  }

  /** What all writers have written by now. */
  async written(): Promise<Map<string, Written>> {
    const all = new Map<string, Written>()
    for (const writer of this.#writers) for (const [name, what] of await writer.status()) all.set(name, what)
    for (const [name, lines] of this.byHand) all.set(name, { lines, bytes: 0, opens: 0 })
    return all
  }

  /** Waits until so many more lines have arrived; for time to pass under load. */
  async arrive(more: number): Promise<void> {
    this.out.read()
    const target = this.judge.got + more
    await this.#progress(`${more} more lines`, () => this.judge.got >= target)
    // What is held from here on is what a fault must not add to.
    this.#before ??= this.#agent === undefined ? undefined : costsOf(this.#agent.pid)
  }

  /** Waits until so many more lines are written, whoever reads them. */
  async grown(more: number): Promise<void> {
    const lines = async (): Promise<number> => [...(await this.written()).values()].reduce((n, w) => n + w.lines, 0)
    const target = (await lines()) + more
    await until(`${more} more lines written`, async () => (await lines()) >= target)
  }

  /** Waits until all that is written is acknowledged, with positions and counters on the disk; nobody may write meanwhile. */
  async acknowledged(): Promise<void> {
    await until('nothing in hand', async () => (await this.agent.metric('yarder_input_lag_bytes')) === 0)
    await until('the positions on the disk', () => behind(join(this.folder, 'data'))?.length === 0)
  }

  /** Waits until everything that is written by now has arrived. */
  async caughtUp(): Promise<void> {
    const owed = await this.written()
    await this.#progress('all lines that were written', () => this.#hasAll(owed))
  }

  #hasAll(owed: Map<string, Written>): boolean {
    for (const [writer, { lines }] of owed) {
      if (this.judge.upTo(writer) < lines) return false
      owed.delete(writer)
    }
    return true
  }

  /** Waits for a fact about what has arrived; rejects when nothing arrives any more. */
  async #progress(what: string, fact: () => boolean): Promise<void> {
    const { patience = PATIENCE_MS } = this.options
    let last = this.judge.got
    let since = performance.now()
    const come = (): boolean => {
      this.out.read()
      if (fact()) return true
      if (this.judge.got !== last) {
        last = this.judge.got
        since = performance.now()
      }
      if (performance.now() - since > patience) throw new Error(`${what}: nothing comes any more`)
      return false
    }
    await until(what, come, 3_600_000)
  }

  /** Stops the writers, waits for the rest, and judges; adds the row's numbers. Faults are for the caller to assert. */
  async judged(): Promise<Verdict> {
    for (const writer of this.#writers) await writer.pause()
    // What does not come is for the verdict to name.
    await this.caughtUp().catch(() => undefined)
    const written = new Map([...(await this.written())].map(([name, { lines }]) => [name, lines]))
    const verdict = this.judge.verdict(written)
    const sum = [...written.values()].reduce((a, b) => a + b, 0)
    this.lane.result({ written: sum, lost: verdict.lost, doubled: verdict.doubled })
    return verdict
  }

  /** What the agent says that it lost, in all its starts. */
  losses(): LossTold[] {
    return [...this.#told, ...(this.#agent === undefined ? [] : lossesIn(this.#agent.log()))]
  }

  /** The end of a lane in which nothing may be lost: every line once, in order, nothing told as lost, costs back. */
  async finish(slack: Parameters<typeof backTo>[2] = {}): Promise<Verdict> {
    const verdict = await this.judged()
    const { lost, doubled, disordered, damaged, invented } = verdict
    const none = { lost: 0, doubled: 0, disordered: 0, damaged: 0, invented: 0 }
    assert.deepEqual({ lost, doubled, disordered, damaged, invented }, none, this.#story(verdict))
    assert.deepEqual(this.losses(), [], 'nothing is told as lost that came')
    await this.costsBack(slack)
    const { code } = await this.stop()
    assert.equal(code, 0)
    return verdict
  }

  /** Descriptors and memory are back to where they were when lines first had arrived; writers may still be there. */
  async costsBack(slack: Parameters<typeof backTo>[2] = {}): Promise<void> {
    if (this.#before === undefined) return
    await backTo(this.agent.pid, this.#before, slack)
  }

  /** The verdict with the end of the agent's log, for a message. */
  #story(verdict: Verdict): string {
    const log = this.#agent?.log() ?? ''
    return `${verdict.text}\n${log.slice(-3000)}`
  }
}

function lossesIn(log: string): LossTold[] {
  const found: LossTold[] = []
  for (const line of log.split('\n')) {
    if (!line.includes('A part of a file was gone before it was read.')) continue
    const field = (name: string): string => new RegExp(` ${name}=(\\S+)`).exec(line)?.[1] ?? ''
    found.push({ path: field('path'), bytes: Number(field('bytes')), reason: field('reason') })
  }
  return found
}
