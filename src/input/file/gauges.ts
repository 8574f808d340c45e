// The numbers of a file input: counters as things happen, gauges per file when somebody asks.
import type { Context, FileLedger } from '../../core/component.ts'
import type { FileTail } from './file-tail.ts'

/** So many files get their own series; the others are summed up under `__overflow__`. */
const MAX_PATHS = 200
const OVERFLOW = '__overflow__'

interface Sums {
  size: number
  read: number
  lagBytes: number
  lagSeconds: number
  acked: Record<string, number>
  ledger: Record<keyof FileLedger, number>
}

const NO_BYTES: FileLedger = { seen: 0, skipped: 0, acked: 0, waiting: 0, unread: 0, leftOut: 0, lost: 0 }
/** The parts of `seen`, by the values of their label. */
const PARTS = {
  skipped: 'skipped',
  acked: 'acked',
  waiting: 'waiting',
  unread: 'unread',
  left_out: 'leftOut',
  lost: 'lost'
} as const

export class Gauges {
  readonly lines: (n: number) => void
  readonly bytes: (n: number) => void
  readonly cut: (n: number) => void
  /** Bytes read a second time for an output that was behind. */
  readonly again: (n: number, output: string) => void
  readonly lost: (bytes: number, reason: string) => void
  #context: Context
  #shown = new Set<string>()
  #read: () => void
  #forget: () => void

  constructor(context: Context, tails: () => Iterable<FileTail>, troubles: () => number) {
    this.#context = context
    const { instruments: i, name } = context
    const lines = i.counter('yarder_input_lines_total', 'Records handed to the pipeline.', ['input'])
    const bytes = i.counter('yarder_input_bytes_total', 'Bytes handed to the pipeline, line endings included.', [
      'input'
    ])
    const cut = i.counter('yarder_input_cut_lines_total', 'Lines that were cut at max_line_bytes.', ['input'])
    const lost = i.counter(
      'yarder_input_lost_bytes_total',
      'Bytes that are known to have been written and could not be read.',
      ['input', 'reason']
    )
    const again = i.counter(
      'yarder_input_reread_bytes_total',
      'Bytes read again for one output that had been slow or down while others went on.',
      ['input', 'output']
    )
    this.again = (n, output) => again.add(n, name, output)
    this.lines = n => lines.add(n, name)
    this.bytes = n => bytes.add(n, name)
    this.cut = n => cut.add(n, name)
    this.lost = (n, reason) => lost.add(n, name, reason)
    const of = ['input', 'path']
    const files = i.gauge('yarder_input_files', 'Files that are followed.', ['input'])
    const unreadable = i.gauge(
      'yarder_input_unreadable_paths',
      'Files and folders that cannot be read now, and files that are named and not there.',
      ['input']
    )
    const size = i.gauge('yarder_input_file_size_bytes', 'Size of the file when it was last looked at.', of)
    const read = i.gauge('yarder_input_read_bytes', 'Offset up to which the file was read.', of)
    const lagBytes = i.gauge('yarder_input_lag_bytes', 'Bytes of the file that not every output has taken over.', of)
    const lagSeconds = i.gauge('yarder_input_lag_seconds', 'Time since the outputs last had all of the file.', of)
    const acked = i.gauge('yarder_input_acked_bytes', 'Offset up to which the output has taken over the file.', [
      ...of,
      'output'
    ])
    const seen = i.gauge('yarder_input_seen_bytes', 'Bytes that the file is known to have had.', of)
    const ledger = i.gauge(
      'yarder_input_ledger_bytes',
      'What became of the bytes of a file. The parts add up to yarder_input_seen_bytes.',
      [...of, 'part']
    )
    const ofOutput = new Set<string>()
    const hide = (path: string): void => {
      for (const gauge of [size, read, lagBytes, lagSeconds, seen]) gauge.remove(name, path)
      for (const output of ofOutput) acked.remove(name, path, output)
      for (const part of Object.keys(PARTS)) ledger.remove(name, path, part)
      this.#shown.delete(path)
    }
    this.#forget = () => {
      for (const path of this.#shown) hide(path)
      files.remove(name)
      unreadable.remove(name)
    }
    this.#read = () => {
      const sums = this.#sum(tails())
      files.set(sums.count, name)
      unreadable.set(troubles(), name)
      for (const path of this.#shown) if (!sums.byPath.has(path)) hide(path)
      for (const [path, sum] of sums.byPath) {
        this.#shown.add(path)
        size.set(sum.size, name, path)
        read.set(sum.read, name, path)
        lagBytes.set(sum.lagBytes, name, path)
        lagSeconds.set(sum.lagSeconds, name, path)
        seen.set(sum.ledger.seen, name, path)
        for (const [part, key] of Object.entries(PARTS)) ledger.set(sum.ledger[key], name, path, part)
        for (const [output, offset] of Object.entries(sum.acked)) {
          ofOutput.add(output)
          acked.set(offset, name, path, output)
        }
      }
    }
  }

  /** Shows the files from now on; returns the way to stop it, and to take back what was shown. */
  show(): () => void {
    const stop = this.#context.instruments.beforeScrape(this.#read)
    return () => {
      stop()
      this.#forget()
    }
  }

  #sum(tails: Iterable<FileTail>): { count: number; byPath: Map<string, Sums> } {
    const byPath = new Map<string, Sums>()
    const now = this.#context.clock.now()
    let count = 0
    for (const tail of tails) {
      const ledger = tail.ledger.balance(tail.position())
      const over = tail.place === 'done' || tail.place === 'missing'
      // What is over is shown for as long as something of it is owed or lost.
      if (over && ledger.waiting === 0 && ledger.lost === 0) continue
      if (!over) count++
      const known = byPath.has(tail.path) || byPath.size < MAX_PATHS
      const path = known ? tail.path : OVERFLOW
      const sum = byPath.get(path) ?? {
        size: 0,
        read: 0,
        lagBytes: 0,
        lagSeconds: 0,
        acked: {},
        ledger: { ...NO_BYTES }
      }
      byPath.set(path, sum)
      for (const key of Object.keys(NO_BYTES) as (keyof FileLedger)[]) sum.ledger[key] += ledger[key]
      if (over) continue
      const behind = Math.max(0, tail.size - tail.tracker.min())
      sum.size += tail.size
      sum.read += tail.read
      sum.lagBytes += behind
      if (behind > 0 && tail.currentAt > 0) sum.lagSeconds = Math.max(sum.lagSeconds, (now - tail.currentAt) / 1000)
      for (const [output, offset] of Object.entries(tail.tracker.acked())) {
        sum.acked[output] = (sum.acked[output] ?? 0) + offset
      }
    }
    return { count, byPath }
  }
}
