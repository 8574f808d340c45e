// For tests: a file input that is driven step by step over a real folder and a real state file.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { systemClock } from '../../core/clock.ts'
import type { Batch, Context, Emit } from '../../core/component.ts'
import { readFields } from '../../core/field.ts'
import { silentInstruments } from '../../core/instruments.ts'
import type { Instruments } from '../../core/instruments.ts'
import type { Log, LogData } from '../../core/log.ts'
import { openStateFile } from '../../core/state-file.ts'
import type { StateFile } from '../../core/state-file.ts'
import { file } from '../file.ts'
import type { FileInput } from './file-input.ts'

export interface Got {
  readonly id: string
  readonly offset: number
  readonly text: string
  readonly path: string | undefined
  readonly arrival: number
  readonly cut: boolean
  /** The output that it was read again for. */
  readonly only: string | undefined
  /** Which start of the input read it. */
  readonly life: number
}

/** What a test needs of node:test's context. */
interface Cleanup {
  after(fn: () => void | Promise<void>): void
}

/** The outputs that a batch is for. */
export const takers = ({ only, behind = [] }: Batch, outputs: readonly string[]): string[] =>
  outputs.filter(output => (only === undefined ? !behind.includes(output) : output === only))

export class Rig {
  readonly dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  readonly logs = join(this.dir, 'log')
  /** Every record that was emitted, repeats included. */
  readonly got: Got[] = []
  readonly said: string[] = []
  readonly data: LogData[] = []
  readonly lost: Record<string, number> = {}
  /** Every other counter, its series summed up. */
  readonly counted: Record<string, number> = {}
  /** Added to the monotonic clock; the wall clock stays, since the kernel stamps files with it. */
  skew = 0
  wall: () => number = () => Date.now()
  outputs: readonly string[] = ['out']
  once = false
  metered = false
  /** Batches are settled as they come; otherwise they are kept in `held`. */
  settles = true
  held: Batch[] = []
  options: Record<string, unknown>
  #life = 0
  input!: FileInput
  state!: StateFile

  constructor(t: Cleanup, options: Record<string, unknown> = {}) {
    this.options = options
    t.after(async () => {
      await this.input?.close()
      this.state?.close()
      rmSync(this.dir, { recursive: true, force: true })
    })
  }

  readonly clock: Clock = {
    now: () => this.wall(),
    elapsed: () => systemClock.elapsed() + this.skew,
    wait: (ms, signal) => systemClock.wait(ms, signal)
  }

  readonly log: Log = {
    error: (d, m) => this.#say('error', d, m),
    warn: (d, m) => this.#say('warn', d, m),
    info: (d, m) => this.#say('info', d, m),
    debug: (d, m) => this.#say('debug', d, m),
    debugs: true,
    child: () => this.log
  }

  #say(level: string, data: LogData, message: string): void {
    assert.notEqual(message, 'The bytes of a file do not add up.', JSON.stringify(data))
    this.said.push(`${level} ${message}`)
    this.data.push(data)
  }

  /** Gauges as `name{label,…}`. */
  readonly #gauges = new Map<string, number>()
  readonly #scrapes = new Set<() => void>()

  readonly instruments: Instruments = {
    ...silentInstruments,
    counter: name =>
      name !== 'yarder_input_lost_bytes_total'
        ? { add: n => void (this.counted[name] = (this.counted[name] ?? 0) + n) }
        : { add: (n, _input, reason) => void (this.lost[reason!] = (this.lost[reason!] ?? 0) + n) },
    gauge: name => ({
      set: (value, ...labels) => void this.#gauges.set(`${name}{${labels.join(',')}}`, value),
      remove: (...labels) => void this.#gauges.delete(`${name}{${labels.join(',')}}`)
    }),
    beforeScrape: read => {
      this.#scrapes.add(read)
      return () => this.#scrapes.delete(read)
    }
  }

  scrape(): ReadonlyMap<string, number> {
    for (const read of this.#scrapes) read()
    return this.#gauges
  }

  context(): Context {
    return {
      name: 'in',
      log: this.log,
      clock: this.clock,
      instruments: this.instruments,
      state: this.state,
      dataDir: this.dir,
      configDir: this.dir,
      schema: 'logstash',
      timezone: 'UTC',
      constants: { host: { name: 'h' } },
      once: this.once,
      outputs: this.outputs,
      metered: this.metered
    }
  }

  start(): this {
    this.state = openStateFile(join(this.dir, 'state.db'), this.log)
    return this.startAgain()
  }

  /** Another instance on the same state, as after a reload. */
  startAgain(): this {
    this.#life++
    const options = readFields(file.fields, { paths: [`${this.logs}/*.log`], watch: false, ...this.options }, (p, m) =>
      assert.fail(`${p} ${m}`)
    )
    this.input = file.build(options!, this.context()) as FileInput
    this.input.open()
    return this
  }

  readonly emit: Emit = async batch => {
    assert.ok(batch.count > 0, 'a batch has records')
    for (let i = 0; i < batch.count; i++) {
      const start = batch.bounds[i * 2]!
      const end = batch.bounds[i * 2 + 1]!
      assert.ok(start <= end && end <= batch.bytes.length)
      this.got.push({
        id: batch.source.id,
        offset: batch.offset + start,
        text: batch.bytes.toString('latin1', start, end),
        path: batch.source.path,
        arrival: batch.arrival,
        cut: batch.cut?.[i] === 1,
        only: batch.only,
        life: this.#life
      })
    }
    if (this.settles) for (const output of takers(batch, this.outputs)) batch.settle(output)
    else this.held.push(batch)
  }

  /** One look at everything, and all that is ready read; `times` for what needs several looks. */
  async poll(times = 1): Promise<void> {
    for (let i = 0; i < times; i++) {
      await this.input.look(true)
      await this.input.feed(this.emit, new AbortController().signal)
      await this.input.catchUp(this.emit, new AbortController().signal)
      this.skew += 1000
      this.balanced()
    }
  }

  /** What became of the bytes of each file adds up to what was seen of it. */
  balanced(): void {
    for (const { path, ledger } of this.input.describe().files) {
      if (ledger === undefined) continue
      const { seen, ...parts } = ledger
      const sum = Object.values(parts).reduce((a, b) => a + b, 0)
      const whole = sum === seen && Object.values(parts).every(part => part >= 0)
      assert.ok(whole, `${path} ${JSON.stringify(ledger)}`)
    }
  }

  /** Looks until everything that could be found was found. */
  async finish(): Promise<void> {
    await this.poll(6)
  }

  /** SIGTERM: what was settled is written. */
  async stop(): Promise<void> {
    await this.input.close()
    this.state.close()
  }

  /** SIGKILL: what was not committed is gone. */
  async kill(): Promise<void> {
    // The descriptors go with the process; the state keeps what its last commit wrote.
    await this.input.close()
    this.held = []
  }

  get texts(): string[] {
    return this.got.map(g => g.text)
  }

  /** Records by identity: a repeated one must be the same. */
  records(): Map<string, string> {
    const records = new Map<string, string>()
    for (const { id, offset, text } of this.got) {
      const key = `${id}@${offset}`
      const known = records.get(key)
      assert.ok(
        known === undefined || known === text,
        `${key} was ${JSON.stringify(known)} and is ${JSON.stringify(text)}`
      )
      records.set(key, text)
    }
    return records
  }

  /** Between two starts a stream is read in its order. */
  ordered(): void {
    const last = new Map<string, number>()
    for (const { id, offset, life, only = '' } of this.got) {
      const key = `${life} ${id} ${only}`
      assert.ok(offset > (last.get(key) ?? -1), `${key}: ${offset} came after ${last.get(key)}`)
      last.set(key, offset)
    }
  }

  /** Every line once, whatever was read again; in order within each stream. */
  expect(lines: readonly string[]): void {
    const seen = [...this.records().values()].sort()
    assert.deepEqual(seen, [...lines].sort())
    this.ordered()
  }
}
