// A slice of a file on its way to the outputs, which knows what to do when one of them has taken it over.
import { METRICS } from '../../core/component.ts'
import type { Batch, Source } from '../../core/component.ts'
import type { FileTail } from './file-tail.ts'

/** Told when a batch was settled. */
export type Settled = (tail: FileTail, output: string, start: number, end: number) => void

/** Who is behind in a stream; see lags.ts. */
export interface Behind {
  behind(tail: FileTail, offset: number): readonly string[]
  awaited(tail: FileTail, offset: number): boolean
  decline(tail: FileTail, output: string, offset: number): void
}

/** Whole records of a stream. */
export interface Slice {
  /** The bytes of the file from `start` to `end`. */
  readonly bytes: Buffer
  readonly bounds: Uint32Array
  readonly cut: Uint8Array | undefined
  readonly start: number
  readonly end: number
  readonly arrival: number
}

/** Settling works for as long as somebody holds it, also after the input has stopped. */
export class FileBatch implements Batch {
  readonly source: Source
  readonly bytes: Buffer
  readonly bounds: Uint32Array
  readonly cut: Uint8Array | undefined
  readonly offset: number
  readonly arrival: number
  readonly only: string | undefined
  readonly behind: readonly string[] | undefined
  #tail: FileTail
  #settled: Settled
  #lags: Behind | undefined
  #end: number

  constructor(tail: FileTail, { bytes, bounds, cut, start, end, arrival }: Slice, settled: Settled, lags?: Behind) {
    this.source = tail.source
    this.bytes = bytes
    this.bounds = bounds
    this.cut = cut
    this.offset = start
    this.arrival = arrival
    this.only = tail.again
    this.behind = lags?.behind(tail, start)
    // A second reading takes part in the life of the first.
    this.#tail = tail.of ?? tail
    this.#settled = settled
    this.#lags = lags
    this.#end = end
  }

  get count(): number {
    return this.bounds.length / 2
  }

  get awaited(): boolean {
    return this.#lags?.awaited(this.#tail, this.offset) === true
  }

  settle(output: string): void {
    this.#settled(this.#tail, output, this.offset, this.#end)
  }

  counted(lines: number): void {
    const until = lines < this.count ? this.offset + this.bounds[lines * 2]! : this.#end
    this.#settled(this.#tail, METRICS, this.offset, until)
  }

  decline(output: string): void {
    this.#lags?.decline(this.#tail, output, this.offset)
  }
}
