// A lane: one fault, played many times against the real agent, which leaves one row in the table of the run.
//
//   lane('a rotation by rename loses nothing', { fault: 'logrotate create', needs: debian('logrotate') }, async lane => {
//     for (const n of lane.tries(8)) …            // 8 in CI; TORTURE_RUNS=N is N times as many,
//     lane.result({ written, lost, doubled })     // TORTURE_MINUTES=N goes on for N minutes in each lane
//   })
import { appendFileSync, chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, test } from 'node:test'
import type { TestContext } from 'node:test'
import { debianPackage } from '../../lib/real/debian.ts'
import { inCi } from '../../lib/real/process.ts'
import { SEED, randomFor } from './seed.ts'
import type { Random } from './seed.ts'
import { tableOf } from './table.ts'
import type { Row } from './table.ts'

export interface LaneOptions {
  /** What is done to the agent, in a few words for the table. */
  readonly fault: string
  /** Answers the reason why the lane can't run here; that is a failure in continuous integration. */
  readonly needs?: () => Promise<string | undefined>
  /** Milliseconds one run may take without TORTURE_RUNS and TORTURE_MINUTES; 120,000 unless said. */
  readonly timeout?: number
}

export interface Result {
  readonly written: number
  readonly lost: number
  readonly doubled: number
}

export class Lane {
  readonly t: TestContext
  /** Empty, of its own, removed afterwards; others may enter it. */
  readonly folder: string
  readonly random: Random
  readonly #deferred: Array<() => void | Promise<void>> = []
  #row: { -readonly [K in keyof Row]: Row[K] }

  constructor(t: TestContext, row: Row) {
    this.t = t
    this.#row = row
    this.random = randomFor(row.lane)
    this.folder = mkdtempSync(join(tmpdir(), 'yarder-torture-'))
    chmodSync(this.folder, 0o755)
  }

  /** Done when the lane is over, the last first; before its folder is removed. */
  defer(task: () => void | Promise<void>): void {
    this.#deferred.push(task)
  }

  /** Called by lane(). */
  async end(): Promise<void> {
    for (const task of this.#deferred.splice(0).toReversed()) await task()
    // Hooks run in their order: whoever was started is ended by then.
    this.t.after(() => rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 }))
  }

  /** Counts the tries of the fault: `usual` of them, more as the environment asks. */
  *tries(usual: number): Generator<number> {
    const deadline = performance.now() + MINUTES * 60_000
    for (let n = 0; n < usual * RUNS || performance.now() < deadline; n++) {
      this.#row.tries++
      yield n
    }
  }

  /** Adds to the lane's row; may be called several times. */
  result({ written, lost, doubled }: Result): void {
    this.#row.written += written
    this.#row.lost += lost
    this.#row.doubled += doubled
  }

  /** Says in the table what a reader of the numbers has to know. */
  note(text: string): void {
    this.#row.note = this.#row.note === '' ? text : `${this.#row.note}; ${text}`
  }
}

const RUNS = Math.max(1, Number(process.env['TORTURE_RUNS'] ?? 1))
const MINUTES = Number(process.env['TORTURE_MINUTES'] ?? 0)
const FOREVER = 2 ** 31 - 1
const rows: Row[] = []

/** Declares a lane as a test. The title is a claim. */
export function lane(title: string, options: LaneOptions, body: (lane: Lane) => Promise<void>): void {
  const { fault, needs, timeout = 120_000 } = options
  test(title, { timeout: RUNS > 1 || MINUTES > 0 ? FOREVER : timeout }, async t => {
    const reason = await needs?.()
    if (reason !== undefined) {
      if (inCi()) throw new Error(reason)
      t.skip(reason)
      return
    }
    const file = basename(process.argv[1] ?? '').replace(/\.test\.ts$/, '')
    const row: Row = {
      file,
      lane: title,
      fault,
      tries: 0,
      written: 0,
      lost: 0,
      doubled: 0,
      seconds: 0,
      passed: false,
      note: ''
    }
    rows.push(row)
    const began = performance.now()
    const own = new Lane(t, row)
    try {
      await body(own)
      Object.assign(row, { passed: true })
    } finally {
      await own.end()
      if (row.tries === 0) Object.assign(row, { tries: 1 })
      Object.assign(row, { seconds: Math.round((performance.now() - began) / 100) / 10 })
      const report = process.env['TORTURE_ROWS']
      if (report !== undefined) appendFileSync(report, `${JSON.stringify(row)}\n`)
    }
  })
}

// Run by itself a file prints its own table; under the runner, the runner prints one for all.
if (process.env['TORTURE_ROWS'] === undefined) {
  after(() => console.log(`seed ${SEED}\n${tableOf(rows)}`))
}

/** For `needs`: Debian packages, installed in continuous integration. */
export function debian(...names: readonly string[]): () => Promise<string | undefined> {
  return () => debianPackage(names)
}

/** For `needs`: what only root may do. */
export async function root(): Promise<string | undefined> {
  return process.getuid?.() === 0 ? undefined : 'needs root'
}

/** For `needs`: all of them; the first reason counts. */
export function all(...needs: ReadonlyArray<() => Promise<string | undefined>>): () => Promise<string | undefined> {
  return async () => {
    for (const need of needs) {
      const reason = await need()
      if (reason !== undefined) return reason
    }
    return undefined
  }
}
