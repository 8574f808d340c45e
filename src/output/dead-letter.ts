// Dead letters: records a destination refused for good, kept on disk with its reason until a person decides.
import { rm, stat } from 'node:fs/promises'
import type { Clock } from '../core/clock.ts'
import type { Records } from '../core/component.ts'
import { describe, YarderError } from '../core/errors.ts'
import { silentInstruments } from '../core/instruments.ts'
import type { Instruments } from '../core/instruments.ts'
import { recordId } from '../core/parcel.ts'
import { AppendFile } from './append-file.ts'
import { compact } from './dead-letter/erase.ts'
import {
  closeLetterFiles,
  deadLetterPath,
  filesOf,
  openLetterFiles,
  tailOf,
  unreadablePath
} from './dead-letter/files.ts'
import type { Found } from './dead-letter/files.ts'
import { newReport, runJob } from './dead-letter/job.ts'
import type { JobReport } from './dead-letter/job.ts'
import { keyOf, lineOf, parseLetter } from './dead-letter/letter.ts'
import type { Refusal, Selector } from './dead-letter/letter.ts'
import { deadLetterMeters } from './dead-letter/meters.ts'
import type { DeadLetterMeters, DeadLetterNumbers } from './dead-letter/meters.ts'
import type { DeadLetterOptions } from './dead-letter/options.ts'
import { Page } from './dead-letter/page.ts'
import type { Letter } from './dead-letter/page.ts'
import { Tally } from './dead-letter/tally.ts'

export { deadLetterPath, listDeadLetters, readDeadLetters } from './dead-letter/files.ts'
export type { JobReport } from './dead-letter/job.ts'
export type { DeadLetter, Refusal, Selector } from './dead-letter/letter.ts'

/** A file is rotated at this part of the bound, so that the oldest can go without the youngest. */
const PARTS = 4
/** Files are removed by their bytes; this many only come together when many were nearly emptied by replays. */
const MOST_FILES = 99
const MIB = 1024 * 1024
const STANDARD: DeadLetterOptions = { max_bytes: 128 * MIB, when_full: 'drop_oldest' }
/** A drop has no request to fill. */
const DROP_AT_ONCE = { maxCount: 10_000, maxBytes: 4 * MIB }
/** Letters in memory at a time; what is written anew about them must fit in the tail that is looked at after a crash. */
const MOST_AT_ONCE = 8 * MIB

export interface DeadLettersOptions {
  dataDir: string
  output: string
  bounds?: DeadLetterOptions | undefined
  clock: Pick<Clock, 'now'>
  instruments?: Instruments
  /** Letters that were removed to keep the bound: data is lost, so it is told. */
  onRemoved?: (file: string, letters: number, bytes: number) => void
}

/** How a replay reaches the output. */
export interface ReplayWay {
  /** Takes the records over at once, room or none; settles their batch when all is known of each. */
  offer(records: Records): void
  readonly maxCount: number
  readonly maxBytes: number
}

/** The writing end. One per output and data directory at a time: the agent's, or that of a command under its lock. */
export class DeadLetters {
  readonly #options: DeadLettersOptions
  readonly #bounds: DeadLetterOptions
  readonly #file: AppendFile
  readonly #tally: Tally
  readonly #meters: DeadLetterMeters
  readonly #pages = new WeakMap<Records, Page>()
  readonly #closing = Promise.withResolvers<undefined>()
  #closed = false
  #turn: Promise<unknown> = Promise.resolve()
  /** Records whose letters were written just before the agent died, so that they may be refused a second time. */
  #before: Set<string> | undefined
  #job: JobReport | undefined
  #stopping = false

  constructor(options: DeadLettersOptions) {
    const { dataDir, output, clock, instruments = silentInstruments } = options
    this.#options = options
    this.#bounds = options.bounds ?? STANDARD
    this.#tally = new Tally(dataDir, output)
    this.#meters = deadLetterMeters(instruments, output, clock, () => this.numbers)
    this.#file = new AppendFile({
      path: deadLetterPath(dataDir, output),
      mode: 0o600,
      maxBytes: Math.ceil(this.#bounds.max_bytes / PARTS),
      keep: MOST_FILES,
      onRemove: path => this.#tellRemoved(path)
    })
  }

  /** Looks at what is there, so that its numbers are known. Trouble with the disk is left to the first write. */
  async open(): Promise<void> {
    await this.#inTurn(() => this.#look()).catch(() => {})
  }

  get numbers(): DeadLetterNumbers {
    return { letters: this.#tally.letters, bytes: this.#tally.bytes, oldest: this.#tally.oldest }
  }

  /** Resolves when they are durable; rejects with STORAGE when not one of them is, or there is no room and it blocks. */
  write(refusals: readonly Refusal[]): Promise<void> {
    return this.#inTurn(async () => {
      await this.#look()
      const now = this.#options.clock.now()
      // A letter that is replaced has room already, or will have when its file is written anew.
      const again = refusals.filter(({ records, row }) => this.#pages.get(records)?.refused.has(row) === false)
      await this.#append(again, now)
      for (const { records, row } of again) this.#pages.get(records)!.refused.add(row)
      const fresh = refusals.filter(refusal => !this.#pages.has(refusal.records) && !this.#known(refusal))
      await this.#append(fresh, now, true)
    })
  }

  /**
   * Sends the selected letters again as they were, with their identities and targets. Resolves with the report when it
   * is at the end of what was there, was stopped, or this was closed. Throws USAGE while another job runs.
   */
  replay(selector: Selector, way: ReplayWay): Promise<JobReport> {
    return this.#run('replay', selector, way, async letters => {
      const page = new Page(letters)
      this.#pages.set(page.records, page)
      way.offer(page.records)
      const end = await Promise.race([page.settled.then(() => page), this.#closing.promise])
      if (end === undefined) return undefined
      const { refused, leftOut } = page
      const job = this.#job!
      const delivered = letters.length - refused.size - leftOut.size
      job.done += delivered
      job.refused += refused.size
      job.leftOut += leftOut.size
      this.#meters.replayed(delivered, refused.size)
      return letters.filter((_, row) => !leftOut.has(row))
    })
  }

  /** Removes the selected letters. Throws USAGE while another job runs. */
  drop(selector: Selector): Promise<JobReport> {
    return this.#run('drop', selector, DROP_AT_ONCE, letters => {
      this.#job!.done += letters.length
      return Promise.resolve(letters)
    })
  }

  /** The job that runs, or the last one. */
  get job(): Readonly<JobReport> | undefined {
    return this.#job
  }

  /** Ends the job after the page that is under way. */
  stopJob(): void {
    this.#stopping = true
  }

  /** The output left these rows out since its queue was full; if they are letters, they stay. */
  leftOut(records: Records, from: number, to: number): void {
    const page = this.#pages.get(records)
    if (page !== undefined) for (let row = from; row < to; row++) page.leftOut.add(row)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#closing.resolve(undefined)
    this.#meters.close()
    await this.#turn
    await this.#file.close()
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work).catch((error: unknown) => {
      if (error instanceof YarderError) throw error
      throw new YarderError('STORAGE', `keeping the dead letters of ${this.#options.output}`, { cause: error })
    })
    this.#turn = mine.catch(() => {})
    return mine
  }

  /** Once: what is there, and what a job that was killed has erased. */
  async #look(): Promise<void> {
    if (this.#before !== undefined) return
    const { dataDir, output } = this.#options
    await this.#tally.survey()
    if (this.#tally.erased) {
      for (const path of await filesOf(dataDir, output)) await compact(path, () => !this.#closed).catch(() => {})
      await this.#tally.survey()
    }
    const before = new Set<string>()
    const files = await openLetterFiles(dataDir, output, 'r')
    try {
      for await (const { line } of tailOf(files)) {
        const letter = parseLetter(line.bytes)
        if (letter !== undefined) before.add(keyOf(letter))
      }
    } finally {
      await closeLetterFiles(files)
    }
    this.#before = before
  }

  #known({ records, row, id, target }: Refusal): boolean {
    if (this.#before!.size === 0 || this.#pages.has(records)) return false
    return this.#before!.has(keyOf({ id: id ?? recordId(records, row), target }))
  }

  async #append(refusals: readonly Refusal[], now: number, bounded = false): Promise<void> {
    if (refusals.length === 0) return
    const at = new Date(now).toISOString()
    const lines = refusals.map(refusal => {
      const before = this.#pages.get(refusal.records)?.letters[refusal.row]!.letter
      return lineOf(refusal, this.#options.output, at, before)
    })
    if (bounded) await this.#makeRoom(lines.reduce((n, line) => n + line.length, 0))
    await this.#file.append(lines)
    const { ino, size } = await stat(this.#file.path)
    if (!this.#tally.appended(ino, size, lines.length, now)) await this.#tally.survey()
  }

  async #makeRoom(length: number): Promise<void> {
    const { max_bytes, when_full } = this.#bounds
    const { dataDir, output } = this.#options
    if (this.#tally.bytes === 0 || this.#tally.bytes + length <= max_bytes) return
    // Others may have taken something away.
    await this.#tally.survey()
    if (when_full === 'block') {
      // What is larger than the bound would never fit.
      if (this.#tally.bytes + length <= max_bytes || (length > max_bytes && this.#tally.bytes < max_bytes)) return
      throw new YarderError(
        'STORAGE',
        `keeping dead letters: ${this.#tally.bytes} bytes are there and dead_letter.max_bytes is ${max_bytes};` +
          ' replay or drop some with yarder dlq, or set a larger bound'
      )
    }
    for (const path of (await filesOf(dataDir, output)).filter(file => file !== this.#file.path)) {
      if (this.#tally.bytes + length <= max_bytes) return
      await this.#tellRemoved(path)
      await rm(path, { force: true })
      await this.#tally.survey()
    }
  }

  async #tellRemoved(path: string): Promise<void> {
    const file = await stat(path).catch(() => undefined)
    if (file === undefined) return
    const letters = this.#tally.lettersIn(file.ino)
    this.#meters.removed(letters, file.size)
    this.#options.onRemoved?.(path, letters, file.size)
  }

  async #run(
    kind: JobReport['kind'],
    selector: Selector,
    { maxCount, maxBytes }: Pick<ReplayWay, 'maxCount' | 'maxBytes'>,
    handle: (letters: readonly Letter[]) => Promise<readonly Found[] | undefined>
  ): Promise<JobReport> {
    const { dataDir, output } = this.#options
    if (this.#job?.state === 'running')
      throw new YarderError('USAGE', `a ${this.#job.kind} of the dead letters of ${output} is under way; wait for it`)
    const report = newReport(output, kind)
    this.#job = report
    this.#stopping = false
    const stopped = (): boolean => this.#stopping || this.#closed
    try {
      await this.#inTurn(() => this.#look())
      this.#before!.clear()
      const aside = unreadablePath(dataDir, output)
      // Without room for it the erased lines stay for now; they are no letters any more.
      const finished = ({ ino }: { ino: number }): Promise<void> =>
        this.#inTurn(() => this.#compact(ino)).catch(() => {})
      const atOnce = { maxCount, maxBytes: Math.min(maxBytes, MOST_AT_ONCE) }
      await runJob(report, { dataDir, output, selector, ...atOnce, aside, handle, finished, stopped })
      report.state = report.readBytes < report.bytes && stopped() ? 'stopped' : 'done'
    } catch (error) {
      report.state = 'failed'
      report.error = describe(error)
    }
    return report
  }

  /** Writes a file that was gone through anew, wherever a rotation has moved it. */
  async #compact(ino: number): Promise<void> {
    const { dataDir, output } = this.#options
    try {
      for (const path of await filesOf(dataDir, output))
        if ((await stat(path).catch(() => undefined))?.ino === ino) await compact(path, () => !this.#closed)
    } finally {
      this.#tally.changed(ino)
      await this.#tally.survey()
    }
  }
}
