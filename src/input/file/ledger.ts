// The ledger of a stream: for each byte that its file is known to have had, what became of it.
//
//   seen = skipped + acked + waiting + unread + leftOut + lost
//
// What was handed out is counted at the moment of handing out, and acknowledgements come from the tracker, so that the
// sum holds only as long as the position in the file, the batches and the acknowledgements agree.
import type { Batch, Context, FileLedger } from '../../core/component.ts'

/**
 * What survives a restart: where reading began, bytes left out before every output's position, bytes lost, bytes seen,
 * and of what was read those that one output never got.
 */
export type LedgerRow = readonly [start: number, leftOut: number, lost: number, seen: number, missed?: number]

/** What the ledger is held against. */
export interface Position {
  readonly size: number
  /** How many bytes it is known to have had when they went out of sight. */
  readonly expected: number
  readonly read: number
  /** Every output has taken over what lies before. */
  readonly acked: number
  /** Nothing of it is read any more. */
  readonly over: boolean
}

/** Of one stream. Offsets and lengths are bytes. */
export class Ledger {
  #start: number
  #seen: number
  #lost = 0
  /** Where this run began to read. */
  #from: number
  /** Bytes handed out, and passed over without a record, since then. */
  #handed = 0
  #passed = 0
  /** Bytes left out that every output's position is beyond, and the others with the offset at which they are settled. */
  #leftOut = 0
  #leftAhead: [until: number, bytes: number][] = []
  /** Bytes that were read, and were gone before an output that was behind could get them; each counts once. */
  #missed = 0
  #missedTo = 0
  #due = 0
  #handedTo = 0
  #ackedBefore: number
  #told: string | undefined

  /** `acked` may lie before `start`: outputs that are behind get that part by a reading of their own. */
  constructor(start: number, acked = start) {
    this.#start = acked
    this.#seen = start
    this.#from = start
    this.#ackedBefore = acked
  }

  /** Takes over what an earlier run counted; without it the books begin at `#from`. */
  restore([start, leftOut, lost, seen, missed = 0]: LedgerRow): void {
    // Positions may have been set back or on by hand meanwhile.
    this.#start = Math.min(start, this.#from)
    this.#leftOut = Math.min(leftOut, this.#from - this.#start)
    this.#lost = lost
    this.#missed = missed
    this.#seen = Math.max(seen, this.#from)
  }

  row(): LedgerRow {
    return [this.#start, this.#leftOut, this.#lost, this.#seen, this.#missed]
  }

  get seen(): number {
    return this.#seen
  }

  /** What lies before is about to be handed out, in one or more batches. */
  due(end: number): void {
    this.#due = end
  }

  /** A batch is handed out. Behind a cut record lies the rest of its line, which is left out. */
  hand({ offset, bytes, bounds, cut, count }: Batch): void {
    this.#handed += bytes.length
    this.#handedTo = offset + bytes.length
    if (cut === undefined) return
    let rests = 0
    for (let i = 0; i < count; i++)
      if (cut[i] === 1) rests += (i + 1 < count ? bounds[i * 2 + 2]! : bytes.length) - bounds[i * 2 + 1]!
    if (rests > 0) this.#leftAhead.push([this.#handedTo, rests])
  }

  /** The batch that was handed out last was refused: it is still to be handed out. */
  takeBack({ offset, bytes, cut }: Batch): void {
    this.#handed -= bytes.length
    this.#handedTo = offset
    if (cut !== undefined && this.#leftAhead.at(-1)?.[0] === offset + bytes.length) this.#leftAhead.pop()
  }

  /** Bytes without a record: a hole, or the rest of a cut line. */
  leaveOut(start: number, end: number): void {
    this.#passed += end - start
    this.#leftAhead.push([end, end - start])
  }

  lose(bytes: number): void {
    this.#lost += bytes
  }

  /** Its unread end was cut off, and may be written anew. */
  shorten(size: number): void {
    this.#seen = size
  }

  /** An output that was behind never gets these bytes, which the position is beyond. */
  miss(start: number, end: number): void {
    this.#missed += Math.max(0, end - Math.max(start, this.#missedTo))
    this.#missedTo = Math.max(this.#missedTo, end)
  }

  /** What was given up is there again. */
  found(): void {
    this.#lost = 0
  }

  /** What became of each byte. */
  balance(at: Position): FileLedger {
    this.#settle(at.acked)
    const ahead = this.#leftAhead.reduce((sum, [, bytes]) => sum + bytes, 0)
    this.#seen = Math.max(this.#seen, at.size, at.expected, at.read)
    // What was given up may turn up after all.
    this.#lost = Math.min(this.#lost, this.#seen - at.read)
    // In the midst of a turn the position is ahead of what was handed out.
    const taken = at.acked - this.#start - this.#leftOut
    const missed = Math.max(0, Math.min(this.#missed, taken))
    const given = this.#midTurn ? at.read : this.#from + this.#handed + this.#passed
    return {
      seen: this.#seen,
      skipped: this.#start,
      acked: taken - missed,
      waiting: given - at.acked - ahead,
      unread: at.over ? 0 : this.#seen - at.read - this.#lost,
      leftOut: this.#leftOut + ahead,
      lost: this.#lost + missed
    }
  }

  /** What doesn't add up, if anything; told once for as long as it is so. */
  fault(at: Position): { what: string; parts: FileLedger } | undefined {
    const parts = this.balance(at)
    const what = this.#what(at, parts)
    const known = what === this.#told
    this.#told = what
    return what === undefined || known ? undefined : { what, parts }
  }

  #what(at: Position, parts: FileLedger): string | undefined {
    const { seen, skipped, acked, waiting, unread, leftOut, lost } = parts
    if (at.acked > at.read) return 'more was acknowledged than was read'
    if (at.acked < this.#ackedBefore) return 'what was acknowledged went back'
    this.#ackedBefore = at.acked
    const sum = skipped + acked + waiting + unread + leftOut + lost
    if (sum !== seen) return 'the parts are not the whole'
    return Math.min(skipped, acked, waiting, unread, leftOut, lost) < 0 ? 'a part is below nothing' : undefined
  }

  get #midTurn(): boolean {
    return this.#handedTo < this.#due
  }

  #settle(acked: number): void {
    while (this.#leftAhead.length > 0 && this.#leftAhead[0]![0] <= acked) this.#leftOut += this.#leftAhead.shift()![1]
  }
}

/** What a ledger belongs to. */
export interface Account {
  readonly id: string
  readonly path: string
  readonly ledger: Ledger
  position(): Position
}

/** Looks into the ledgers of an input; tells what doesn't add up, and goes on. */
export class Audit {
  #context: Context
  #violations

  constructor(context: Context) {
    this.#context = context
    this.#violations = context.instruments.counter(
      'yarder_input_ledger_violations_total',
      'Times that the bytes of a file did not add up: a bug of the agent, told in its log with all numbers.',
      ['input']
    )
  }

  /** From now on the number is there, so that a rise from nothing is seen. */
  open(): void {
    this.#violations.add(0, this.#context.name)
  }

  look(account: Account): void {
    const { id, path } = account
    const at = account.position()
    const fault = account.ledger.fault(at)
    if (fault === undefined) return
    this.#violations.add(1, this.#context.name)
    this.#context.log.error(
      { path, id, fault: fault.what, ...fault.parts, size: at.size, read: at.read, acked_to: at.acked, over: at.over },
      'The bytes of a file do not add up.'
    )
  }
}
