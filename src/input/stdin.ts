// `stdin`: lines of standard input, to its end. It can't be read again, so its records have no identity.
import type { Readable } from 'node:stream'
import type { Batch, Context, Emit, Input, Source } from '../core/component.ts'
import { defineInput } from '../core/component.ts'
import { size } from '../core/field.ts'
import { portionOf } from '../core/rate.ts'
import type { Portion } from '../core/rate.ts'
import { Splitter, portionEnd } from './lines.ts'
import type { AtEnd, Split } from './lines.ts'
import { compileMultiline, lintMultiline, multilineField } from './multiline.ts'
import type { Multiline } from './multiline.ts'

export const stdin = defineInput({
  name: 'stdin',
  summary: 'Reads lines from standard input until its end.',
  description: 'For pipes and trials. What was read is gone from the pipe: after a crash it can not be read again.',
  fields: {
    max_line_bytes: size('A longer line is cut there, at a whole UTF-8 character, and flagged.', {
      default: '1MiB',
      min: 16,
      max: '16MiB'
    }),
    multiline: multilineField
  },
  examples: [{ title: 'Lines of a pipe', yaml: 'type: stdin\npipeline:\n  - json: {}' }],
  *lint(o) {
    yield* lintMultiline(o.multiline)
  },
  build(o, ctx) {
    const multiline = compileMultiline(o.multiline)
    // The first look at process.stdin opens it, so that waits until it is to be read.
    return {
      finite: true,
      run: (emit, signal) => new StdinInput(process.stdin, o.max_line_bytes, multiline, ctx).run(emit, signal)
    }
  }
})

/** Any readable stream as an input of lines. */
export class StdinInput implements Input {
  readonly finite = true
  #stream: Readable
  #splitter: Splitter
  #multiline: Multiline | undefined
  #context: Context
  #source: Source
  #buffer: Buffer
  #portion: Portion
  #used = 0
  #offset = 0
  #skipping = false

  constructor(stream: Readable, maxLineBytes: number, multiline: Multiline | undefined, context: Context) {
    this.#stream = stream
    this.#splitter = new Splitter(maxLineBytes, multiline)
    this.#multiline = multiline
    this.#context = context
    this.#portion = portionOf(context.rate)
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(256 * 1024, this.#splitter.room))
    this.#source = {
      input: context.name,
      id: '',
      path: undefined,
      constants: { ...context.constants, input: { type: 'stdin' } }
    }
  }

  async run(emit: Emit, signal: AbortSignal): Promise<void> {
    const chunks = this.#stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    let pending = chunks.next()
    pending.catch(() => {})
    try {
      while (!signal.aborted) {
        const next = await this.#within(pending, signal)
        if (next === undefined) {
          if (!signal.aborted) await this.#hand('pause', emit)
        } else if (next.done === true) {
          await this.#hand('last', emit)
          return
        } else {
          await this.#take(next.value, emit)
          pending = chunks.next()
          pending.catch(() => {})
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      this.#stream.destroy()
    }
  }

  /** The next chunk; undefined when an open record has waited long enough, or on abort. */
  async #within(pending: Promise<IteratorResult<Buffer>>, signal: AbortSignal) {
    const wait = this.#multiline !== undefined && this.#used > 0 ? this.#multiline.flushTimeout : 2 ** 30
    const over = new AbortController()
    const timer = this.#context.clock.wait(wait, AbortSignal.any([signal, over.signal])).then(() => undefined)
    try {
      return await Promise.race([pending, timer])
    } finally {
      over.abort()
    }
  }

  async #take(chunk: Buffer, emit: Emit): Promise<void> {
    for (let from = 0; from < chunk.length;) {
      const copied = chunk.copy(this.#buffer, this.#used, from)
      from += copied
      this.#used += copied
      await this.#hand('more', emit)
    }
  }

  async #hand(atEnd: AtEnd, emit: Emit): Promise<void> {
    for (let again = true; again;) {
      if (this.#skipping && !this.#skip()) return
      const split = this.#splitter.split(this.#buffer, 0, this.#used, atEnd)
      again = split.skip
      if (split.count > 0) {
        await this.#emitAll(split, emit)
        this.#drop(split.next)
        this.#skipping = again
      }
    }
  }

  async #emitAll(split: Split, emit: Emit): Promise<void> {
    const { bounds, count, next } = split
    for (let first = 0, start = 0; first < count;) {
      const past = portionEnd(split, first, this.#portion)
      const stop = past === count ? next : bounds[past * 2]!
      const own = bounds.slice(first * 2, past * 2).map(at => at - start)
      const cut = split.hasCut ? split.cut.slice(first, past) : undefined
      await emit(this.#batch(this.#buffer.subarray(start, stop), start, own, cut))
      first = past
      start = stop
    }
  }

  /** Leaves out the rest of a cut line; false when its end has not come yet. */
  #skip(): boolean {
    const end = this.#buffer.subarray(0, this.#used).indexOf(10)
    this.#drop(end < 0 ? this.#used : end + 1)
    this.#skipping = end < 0
    return end >= 0
  }

  #drop(bytes: number): void {
    this.#buffer.copyWithin(0, bytes, this.#used)
    this.#used -= bytes
    this.#offset += bytes
  }

  #batch(bytes: Buffer, start: number, bounds: Uint32Array, cut: Uint8Array | undefined): Batch {
    return {
      source: this.#source,
      arrival: this.#context.clock.now(),
      count: bounds.length / 2,
      bytes,
      bounds,
      offset: this.#offset + start,
      cut,
      settle() {}
    }
  }
}
