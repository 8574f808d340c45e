// The rows of an input in the state: one for each stream, and one for the input itself.
import { dirname } from 'node:path'
import { METRICS } from '../../core/component.ts'
import type { Context } from '../../core/component.ts'
import { isMap } from '../../core/field.ts'
import type { State } from '../../core/state.ts'
import type { Packing } from './carrier.ts'
import { FileTail } from './file-tail.ts'
import type { Arrival, Place } from './file-tail.ts'
import { inodeKey } from './identity.ts'
import { Resend } from './resend.ts'
import { Audit } from './ledger.ts'
import type { LedgerRow } from './ledger.ts'

/** A stream's row; short names, since there may be thousands. `yarder positions` edits them while the input is stopped. */
export interface Row {
  file: string
  gen?: number
  path: string
  /** Where its bytes lie, when not at `path`. */
  at?: string
  home?: string
  copy?: true
  place?: Place
  dev: number
  ino: number
  born?: number
  packing?: Packing
  head: [n: number, sum: string]
  tail?: [at: number, n: number, sum: string]
  /** By output. */
  pos: Record<string, number>
  size: number
  mtime: number
  seen: number
  high: number
  arrivals?: Arrival[]
  last?: number
  /** See FileTail. */
  copied?: [n: number, sum: string]
  expected?: number
  /** Why its bytes went out of sight, when not by deletion. */
  loss?: FileTail['loss']
  ends?: number[]
  skips?: number[]
  ledger?: LedgerRow
  /** Its positions were changed by hand since it was last written here. */
  moved?: true
}

/** When the input first ran, and until when it is known to have looked, milliseconds since the epoch. */
export interface Runs {
  readonly started: number
  readonly seen: number
}

/** The scope that holds the streams of an input, keyed by Source.id. */
export const scopeOf = (input: string): string => `input/${input}`
/** The scope that holds the Runs of every input, keyed by its name. */
export const RUNS = 'input'

/** How often a row is written just to say that the input still looks. */
const SEEN_EVERY = 60_000

/** Between the state and the streams in memory. Rows are written at the state's commits, those that changed only. */
export class Registry {
  #context: Context
  #state: State
  #scope: string
  #dirty = new Set<FileTail>()
  #audit: Audit
  #runs: Runs | undefined
  #seen = 0
  #unhook: () => void = () => {}
  #closed = false

  constructor(context: Context) {
    this.#context = context
    this.#state = context.state
    this.#scope = scopeOf(context.name)
    this.#audit = new Audit(context)
  }

  /** Reads when the input ran before, and writes with the state's commits from now on. */
  open(): void {
    const runs = this.#state.get(RUNS, this.#context.name)
    if (isMap(runs)) this.#runs = { started: Number(runs['started']), seen: Number(runs['seen']) }
    this.#audit.open()
    this.#unhook = this.#state.beforeCommit(() => this.#write())
  }

  /** Undefined until the first look at all files was completed. */
  get runs(): Runs | undefined {
    return this.#runs
  }

  /** All files were looked at, at this time of the wall clock. */
  looked(now: number): void {
    this.#seen = now
    if (this.#runs === undefined) {
      this.#runs = { started: now, seen: now }
      this.#state.set(RUNS, this.#context.name, this.#runs)
      // From now on a file that appears is a new one, whatever happens to this process.
      this.#state.commit()
    }
  }

  /** Whose positions are kept: those of the configured outputs and of metrics, or of a nameless one. */
  outputs(): readonly string[] {
    const { outputs, metered } = this.#context
    if (metered === true) return [...outputs, METRICS]
    return outputs.length > 0 ? outputs : ['']
  }

  /** A stream from its start, owed to every output. */
  make(path: string, start: number, of?: { fileId: string; generation: number }): FileTail {
    const tail = new FileTail({
      ...of,
      path,
      input: this.#context.name,
      constants: this.#context.constants,
      positions: this.outputs().map(output => [output, start] as const)
    })
    this.#dirty.add(tail)
    return tail
  }

  /** The streams that were known before. A new output begins where the slowest of the others is. */
  load(): FileTail[] {
    const tails: FileTail[] = []
    const resend = new Resend()
    for (const [id, value] of this.#state.entries(this.#scope)) {
      const row = isRow(value) ? value : undefined
      if (row === undefined) {
        this.#context.log.warn({ id }, 'A position is malformed and was ignored.')
        continue
      }
      resend.add(row)
      tails.push(this.#tailOf(row))
    }
    resend.tell(this.#context.log, this.#context.name)
    return tails
  }

  #tailOf(row: Row): FileTail {
    const positions = positionsIn(row, this.outputs())
    const tail = new FileTail({
      fileId: row.file,
      generation: row.gen ?? 0,
      path: row.path,
      input: this.#context.name,
      constants: this.#context.constants,
      positions
    })
    for (const [output, had] of positions) if (had > tail.read) tail.caughtUpTo.set(output, had)
    tail.at = row.at ?? row.path
    tail.home = row.home ?? tail.home
    tail.isCopy = row.copy === true
    tail.place = row.place ?? 'rotated'
    // Where a live file is now will show; until then it is one that has lost its name.
    if (tail.place === 'live' || tail.place === 'deleted') tail.place = 'rotated'
    tail.dev = row.dev
    tail.ino = row.ino
    tail.born = row.born ?? 0
    tail.packing = row.packing
    tail.head = { n: row.head[0], sum: row.head[1] }
    if (row.tail !== undefined) tail.checkpoints = [{ at: row.tail[0], n: row.tail[1], sum: row.tail[2] }]
    tail.size = row.size
    tail.mtime = row.mtime
    tail.seen = row.seen
    tail.high = row.high
    tail.resume = row.high
    tail.arrivals = row.arrivals ?? []
    tail.lastArrival = row.last ?? 0
    if (Array.isArray(row.copied)) tail.copied = { n: row.copied[0], sum: row.copied[1] }
    if (!tail.counted) tail.expected = row.expected ?? 0
    tail.loss = row.loss ?? 'deleted'
    tail.ends = row.ends ?? []
    tail.skips = row.skips ?? []
    const { size } = row
    tail.ledger.restore(isLedger(row.ledger) ? row.ledger : [tail.tracker.min(), 0, 0, size])
    tail.fresh = false
    return tail
  }

  /** Its row is to be written at the next commit. */
  changed(tail: FileTail): void {
    if (this.#closed) this.#writeLate(tail)
    else this.#dirty.add(tail)
  }

  /** Makes what changed durable; false when the disk refused (it is kept in memory then). */
  commit(): boolean {
    return this.#state.commit()
  }

  /** Nothing is owed of it and nothing can come. */
  drop(tail: FileTail): void {
    this.#dirty.delete(tail)
    this.#state.delete(this.#scope, tail.id)
  }

  /** The input has stopped: says up to where it looked. What is settled afterwards goes to the state at once. */
  close(tails: Iterable<FileTail>): void {
    for (const tail of tails) {
      tail.high = tail.read
      this.#dirty.add(tail)
    }
    this.#write()
    if (this.#seen > 0) {
      this.#runs = { started: this.#runs?.started ?? this.#seen, seen: this.#seen }
      this.#state.set(RUNS, this.#context.name, this.#runs)
    }
    this.#unhook()
    this.#closed = true
  }

  /** Another instance may have taken over by now (a reload): of a row that it wrote only positions are raised. */
  #writeLate(tail: FileTail): void {
    const row = this.#state.get(this.#scope, tail.id)
    if (!isRow(row)) return
    const pos = { ...row.pos }
    for (const [output, offset] of Object.entries(tail.tracker.positions())) {
      const known = pos[output]
      if (known !== undefined && known < offset) pos[output] = offset
    }
    // What was left out is settled with what stands around it.
    tail.ledger.balance(tail.position())
    this.#state.set(this.#scope, tail.id, { ...row, pos, ledger: laterOf(row.ledger, tail.ledger.row()) })
  }

  #write(): void {
    for (const tail of this.#dirty) {
      this.#audit.look(tail)
      tail.prune()
      // Read and settled to the end: what comes next gets its own time of arrival after a crash, too.
      if ((tail.read >= tail.size && tail.settled) || tail.counted) tail.high = tail.read
      tail.fresh = false
      this.#state.set(this.#scope, tail.id, rowOf(tail))
    }
    const wrote = this.#dirty.size > 0
    this.#dirty.clear()
    if (this.#runs === undefined) return
    if (this.#seen > 0 && Math.abs(this.#seen - this.#runs.seen) >= (wrote ? 1000 : SEEN_EVERY)) {
      this.#runs = { ...this.#runs, seen: this.#seen }
      this.#state.set(RUNS, this.#context.name, this.#runs)
    }
  }
}

/**
 * A new output begins where the slowest of the others is. What any output has had before metrics were made, or was moved
 * beyond by hand, is not counted.
 */
function positionsIn({ pos, moved }: Row, outputs: readonly string[]): [output: string, offset: number][] {
  const known = outputs.filter(o => o !== METRICS && pos[o] !== undefined).map(o => pos[o]!)
  const all = known.length > 0 ? known : Object.values(pos)
  const least = all.length > 0 ? Math.min(...all) : 0
  const most = Math.max(least, ...all, pos[METRICS] ?? 0)
  const counted = moved === true ? most : (pos[METRICS] ?? most)
  return outputs.map(o => [o, o === METRICS ? counted : (pos[o] ?? least)])
}

function rowOf(tail: FileTail): Row {
  const min = tail.tracker.min()
  const check = tail.checkpointAt(min)
  return {
    file: tail.fileId,
    ...(tail.generation > 0 && { gen: tail.generation }),
    path: tail.path,
    ...(tail.at !== tail.path && { at: tail.at }),
    ...(tail.home !== dirname(tail.path) && { home: tail.home }),
    ...(tail.isCopy && { copy: true as const }),
    ...(tail.place !== 'live' && { place: tail.place }),
    dev: tail.dev,
    ino: tail.ino,
    ...(tail.born > 0 && { born: tail.born }),
    ...(tail.packing !== undefined && { packing: tail.packing }),
    head: [tail.head.n, tail.head.sum],
    ...(check !== undefined && { tail: [check.at, check.n, check.sum] as [number, number, string] }),
    pos: tail.tracker.positions(),
    // What was told as lost is not told again after a restart.
    size: tail.counted ? tail.read : tail.size,
    mtime: tail.mtime,
    seen: tail.seen,
    high: tail.high,
    ...(tail.arrivals.length > 0 && { arrivals: [...tail.arrivals], last: tail.lastArrival }),
    ...(tail.copied.n > 0 && { copied: [tail.copied.n, tail.copied.sum] as [number, string] }),
    ...(tail.expected > tail.size && !tail.counted && { expected: tail.expected }),
    ...(tail.loss !== 'deleted' && { loss: tail.loss }),
    ...(tail.ends.length > 0 && { ends: [...tail.ends] }),
    ...(tail.skips.length > 0 && { skips: [...tail.skips] }),
    ledger: tail.ledger.row()
  }
}

const isNumber = (v: unknown): v is number => typeof v === 'number' && Number.isFinite(v) && v >= 0

const laterOf = (a: LedgerRow | undefined, b: LedgerRow): LedgerRow => (a === undefined || a[1] < b[1] ? b : a)

const isLedger = (v: unknown): v is LedgerRow => Array.isArray(v) && v.length >= 4 && v.every(isNumber)

/** The state's checksums guard against damage; this is against rows that another version or a person wrote. */
export function isRow(value: unknown): value is Row {
  if (!isMap(value) || typeof value['file'] !== 'string' || typeof value['path'] !== 'string') return false
  const { pos, head } = value
  return (
    isMap(pos) &&
    Object.values(pos).every(isNumber) &&
    Array.isArray(head) &&
    isNumber(head[0]) &&
    typeof head[1] === 'string' &&
    ['dev', 'ino', 'size', 'mtime', 'seen', 'high'].every(key => isNumber(value[key]))
  )
}

/** The key under which a stream's inode is found; '' when no inode holds it. */
export const inodeOf = (tail: FileTail): string => (tail.ino === 0 ? '' : inodeKey(tail.dev, tail.ino))
