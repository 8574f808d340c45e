// Says what was gone before it was read: in the log, in numbers, and in the books of the stream.
import type { Context } from '../../core/component.ts'
import type { FileTail } from './file-tail.ts'
import type { Gauges } from './gauges.ts'

export class Losses {
  #context: Context
  #gauges: Gauges

  constructor(context: Context, gauges: Gauges) {
    this.#context = context
    this.#gauges = gauges
  }

  /** For every output. `from`: where they stood, when not behind the position. */
  readonly told = (tail: FileTail, bytes: number, from?: number): void => {
    this.#gauges.lost(bytes, tail.loss)
    if (from === undefined) tail.ledger.lose(bytes)
    else tail.ledger.shorten(from)
    this.#context.log.error(
      { path: tail.path, bytes, reason: tail.loss, from: from ?? tail.read, id: tail.id },
      'A part of a file was gone before it was read.'
    )
  }

  /** The others have it; it is lost for one output that was too far behind. */
  readonly toldFor = (tail: FileTail, output: string, bytes: number): void => {
    this.#gauges.lost(bytes, tail.loss)
    this.#context.log.error(
      { path: tail.path, output, bytes, reason: tail.loss, from: tail.read - bytes, id: tail.id },
      'A part of a file was gone before an output that is behind could get it.'
    )
  }
}
