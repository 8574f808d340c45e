// How far each output has taken over one file: the low-water mark of contiguous settled ranges.
import { METRICS } from '../../core/component.ts'

interface Mark {
  /** Everything before it is settled. */
  low: number
  /** Settled ranges beyond it, `[start, end, start, end, …]`, ascending, never touching. */
  ahead: number[]
}

/** Positions of one file, by output. Ranges may be settled in any order and more than once. */
export class Tracker {
  #marks = new Map<string, Mark>()

  /** The outputs, each with the offset from which it still wants everything. */
  constructor(positions: Iterable<readonly [output: string, offset: number]>) {
    for (const [output, low] of positions) this.#marks.set(output, { low, ahead: [] })
  }

  /** True when the position of the output moved. An output that isn't known (any more) is ignored. */
  settle(output: string, start: number, end: number): boolean {
    const mark = this.#marks.get(output)
    return mark !== undefined && settle(mark, start, end)
  }

  /** Bytes without a record: nothing is owed for them to anybody. */
  leaveOut(start: number, end: number): void {
    for (const mark of this.#marks.values()) settle(mark, start, end)
  }

  /** The offset before which nothing is owed to any output. */
  min(): number {
    let min = Infinity
    for (const { low } of this.#marks.values()) if (low < min) min = low
    return min
  }

  /**
   * Where reading goes on: up to there the output that is furthest has everything. Metrics are made of the first reading
   * alone, so it goes on where they are, though an output may have got more by a reading of its own.
   */
  next(): number {
    const counted = this.#marks.get(METRICS)
    if (counted !== undefined) return counted.low
    let max = 0
    for (const { low } of this.#marks.values()) if (low > max) max = low
    return max
  }

  /** What outputs have acknowledged. */
  acked(): Record<string, number> {
    return ofOutputs(this.positions())
  }

  positions(): Record<string, number> {
    const positions: Record<string, number> = {}
    for (const [output, { low }] of this.#marks) positions[output] = low
    return positions
  }
}

/** Positions without that of metrics, which are no output; where nothing ships, it is the only one and stays. */
export function ofOutputs(positions: Readonly<Record<string, number>>): Record<string, number> {
  const { [METRICS]: counted, ...acked } = positions
  return counted !== undefined && Object.keys(acked).length === 0 ? { [METRICS]: counted } : acked
}

function settle(mark: Mark, start: number, end: number): boolean {
  if (end <= mark.low) return false
  if (start > mark.low) {
    insert(mark.ahead, start, end)
    return false
  }
  mark.low = end
  const { ahead } = mark
  let taken = 0
  while (taken < ahead.length && ahead[taken]! <= mark.low) {
    mark.low = Math.max(mark.low, ahead[taken + 1]!)
    taken += 2
  }
  if (taken > 0) ahead.splice(0, taken)
  return true
}

/** Adds a range, joined with those that it touches. */
function insert(ahead: number[], start: number, end: number): void {
  let first = 0
  while (first < ahead.length && ahead[first + 1]! < start) first += 2
  let past = first
  let from = start
  let to = end
  while (past < ahead.length && ahead[past]! <= to) {
    from = Math.min(from, ahead[past]!)
    to = Math.max(to, ahead[past + 1]!)
    past += 2
  }
  ahead.splice(first, past - first, from, to)
}
