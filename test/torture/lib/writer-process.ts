// The process behind writer.ts. It writes with write(2) and nothing between, so what it counts is in the kernel.
import { closeSync, openSync, writeSync } from 'node:fs'
import { errnoOf } from '../../../src/core/errors.ts'
import { Lines } from './line.ts'
import { randomFor } from './seed.ts'
import type { Ask, Style, Told, WriterOptions, Written } from './writer.ts'

const TICK_MS = 5
/** Lines in one tick at most, when the machine was away. */
const BURST = 5000

class Sink {
  readonly lines: Lines
  readonly path: string
  readonly #options: WriterOptions
  #fd: number | undefined
  /** The rest of a line or chunk whose beginning is written. */
  #rest: Buffer = Buffer.alloc(0)
  #opens = 0
  #whole = 0

  constructor(writer: string, path: string, options: WriterOptions) {
    this.lines = new Lines(writer)
    this.path = path
    this.#options = options
    this.reopen()
  }

  get written(): Written {
    return { lines: this.#whole, bytes: this.lines.bytes - this.#rest.length, opens: this.#opens }
  }

  /** False while there is nowhere to write to. */
  get open(): boolean {
    if (this.#fd === undefined) this.reopen()
    return this.#fd !== undefined
  }

  /** The line it is in goes where it began. What can't be opened is tried again before the next line. */
  reopen(): void {
    this.flush()
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
    try {
      this.#fd = openSync(this.path, this.#options.append === false ? 'w' : 'a', 0o644)
    } catch (error) {
      if (!['ENOENT', 'EACCES', 'ENOSPC', 'EROFS'].includes(errnoOf(error))) throw error
      return
    }
    this.#opens++
    if (this.#options.banner !== undefined) this.#put(Buffer.from(`${this.#options.banner}\n`))
  }

  write(count: number, style: Style, cut: number): void {
    this.flush()
    if (style === 'lines') for (let i = 0; i < count; i++) this.#put(Buffer.from(this.lines.next()))
    else if (style === 'chunks') this.#begin(Buffer.from(this.lines.take(count)), cut)
    else {
      this.#put(Buffer.from(this.lines.take(count - 1)))
      this.#begin(Buffer.from(this.lines.next()), cut)
    }
    if (this.#rest.length === 0) this.#whole = this.lines.count
  }

  /** Writes a part, and keeps the rest for the next time. */
  #begin(bytes: Buffer, cut: number): void {
    const at = 1 + Math.floor(cut * (bytes.length - 1))
    this.#put(bytes.subarray(0, at))
    this.#rest = bytes.subarray(at)
  }

  flush(): void {
    if (this.#rest.length > 0) this.#put(this.#rest)
    this.#rest = Buffer.alloc(0)
    this.#whole = this.lines.count
  }

  #put(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) at += writeSync(this.#fd!, bytes, at)
  }

  close(): void {
    this.flush()
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }
}

const options = JSON.parse(process.argv[2]!) as WriterOptions
const random = randomFor('writer', options.seed ?? 1)
const sinks = options.files.map(({ writer, path }) => new Sink(writer, path, options))
const styles: readonly Style[] = ['lines', 'chunks', 'halves']
let { rate } = options
let paused = options.paused ?? false
let owed = 0
let last = performance.now()
let next = 0

function tick(): void {
  const now = performance.now()
  owed = Math.min(BURST, owed + ((now - last) / 1000) * rate)
  last = now
  if (paused) owed = 0
  const share = Math.max(1, Math.ceil(owed / sinks.length))
  for (let i = 0; i < sinks.length && owed >= 1; i++) {
    const sink = sinks[next++ % sinks.length]!
    const count = Math.min(share, Math.floor(owed))
    owed -= count
    const style = options.style === 'mixed' ? random.pick(styles) : (options.style ?? 'lines')
    if (sink.open) sink.write(count, style, random.fraction())
  }
  setTimeout(tick, TICK_MS)
}

function answer(ask: Ask): void {
  if (ask.do === 'pause' || ask.do === 'stop') {
    paused = true
    for (const sink of sinks) sink.flush()
  } else if (ask.do === 'resume') {
    paused = false
    rate = ask.rate ?? rate
  } else if (ask.do === 'reopen') for (const sink of sinks) sink.reopen()
  const told: Told = { id: ask.id, written: sinks.map(sink => [sink.lines.writer, sink.written]) }
  process.send?.(told, undefined, undefined, () => {
    if (ask.do !== 'stop') return
    for (const sink of sinks) sink.close()
    process.disconnect?.()
    process.exit(0)
  })
}

process.on('SIGHUP', () => {
  for (const sink of sinks) sink.reopen()
})
process.on('message', answer)
process.on('disconnect', () => process.exit(0)) // whoever started it is gone
tick()
process.send?.({ id: 0, written: [] } satisfies Told)
