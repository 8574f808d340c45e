// Finds the records that a server breaks the connection at, among those it takes.
import { describe } from '../../core/errors.ts'
import type { Records } from '../../core/component.ts'

/** A window that was broken off so often before any answer is suspected of what is in it. */
const SUSPICIOUS = 3
/** A record is refused for good when it was broken off so often all by itself. */
const ALONE = 3
/** Records that are tried singly for one that the server takes; if it takes none, the server is at fault. */
const WITNESSES = 8
/** So many breaks without an acknowledgement between them, and the server is at fault after all. */
const IN_A_ROW = 32

/** Remembers at which records windows that were broken off began. A window is known by its first record. */
export class Suspicion {
  readonly #breaks = new WeakMap<Records, { row: number; count: number }>()

  /** The window that begins there was broken off before any answer. */
  note(records: Records, row: number): void {
    const known = this.#breaks.get(records)
    this.#breaks.set(records, { row, count: known?.row === row ? known.count + 1 : 1 })
  }

  holds(records: Records, row: number): boolean {
    const known = this.#breaks.get(records)
    return known?.row === row && known.count >= SUSPICIOUS
  }
}

export interface Found {
  /** Indexes the server breaks off at, every time and while it takes others. */
  readonly refused: readonly number[]
  /** Indexes that nothing is known of, to be sent again. */
  readonly open: readonly number[]
  /** Why the search ended early. */
  readonly error: unknown
}

/**
 * Halves, and halves again, what a server breaks off at, until single records are left.
 *
 * `attempt` sends records `from` up to (not including) `to` and gives how many of them, from the first, were
 * acknowledged; 0 means that the server broke off without any answer; it throws when something else was wrong. Nothing
 * is blamed on a record before the server has taken another one, since one that breaks off at everything (a TLS port
 * spoken to in the clear) refuses no record: undefined then. Rejects as `attempt` does while nothing was delivered.
 */
export async function search(
  from: number,
  to: number,
  attempt: (from: number, to: number) => Promise<number>
): Promise<Found | undefined> {
  const witness = await findWitness(from, to, attempt)
  if (witness === undefined) return undefined
  const open = new Set(Array.from({ length: to - from }, (_, i) => from + i))
  open.delete(witness)
  const queue = [[from, witness] as const, [witness + 1, to] as const].filter(([a, b]) => a < b)
  const breaks = new Map<number, number>()
  const refused: number[] = []
  // Blamed, and no acknowledgement since: nothing says yet that the server is still there.
  let blamed: number[] = []
  let row = 0
  let error: unknown
  try {
    for (let range = queue.shift(); range !== undefined; range = queue.shift()) {
      const [a, b] = range
      const taken = await attempt(a, b)
      for (let index = a; index < a + taken; index++) open.delete(index)
      if (taken > 0) {
        row = 0
        refused.push(...blamed.splice(0))
        if (a + taken < b) queue.push([a + taken, b])
        continue
      }
      if (++row >= IN_A_ROW) throw new Error(`the server broke off ${row} times in a row`)
      const middle = (a + b) >> 1
      if (b - a > 1) queue.push([a, middle], [middle, b])
      else {
        const count = (breaks.get(a) ?? 0) + 1
        breaks.set(a, count)
        if (count < ALONE) queue.push(range)
        else blamed.push(a)
      }
    }
    refused.push(...blamed)
    blamed = []
  } catch (e) {
    error = e
  }
  for (const index of refused) open.delete(index)
  return { refused: refused.sort((a, b) => a - b), open: [...open], error }
}

async function findWitness(
  from: number,
  to: number,
  attempt: (from: number, to: number) => Promise<number>
): Promise<number | undefined> {
  const step = Math.max(1, (to - from) / WITNESSES)
  for (let at = from; at < to; at += step) {
    const index = Math.floor(at)
    if ((await attempt(index, index + 1)) === 1) return index
  }
  return undefined
}

export const refusalOf = (error: unknown): string =>
  `the connection was broken off ${ALONE} times at this record alone, while others were taken: ${describe(error)}`
