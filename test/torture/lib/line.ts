// The numbered line that says of itself who wrote it, which it is, where it begins and what its bytes are:
//
//   <writer> <n> <at> <crc> <padding>
//
// `n` counts the writer's lines from 0; `at` is how many bytes the writer wrote before it. The place where a stream of
// lines begins is thus `at` minus the offset that the agent reports, whatever the file was called meanwhile: lines with
// the same difference were read from the same file. `crc` covers the rest of the line.
import { crc32 } from 'node:zlib'

const FILLER = 'the quick brown fox jumps over the lazy dog while 0123456789 sleeps; '.repeat(4)
/** Bytes that a careless reader breaks: two, three and four of them to a character, a quote, a backslash, a tab. */
const HARD = 'ž€😀"\\\t'

export interface Numbered {
  readonly writer: string
  readonly n: number
  /** Bytes that its writer wrote before it. */
  readonly at: number
  /** False when a byte of the line is not as it was written. */
  readonly intact: boolean
}

/** The line with its newline. Its length differs from its neighbours', and every seventh has more than ASCII. */
export function lineOf(writer: string, n: number, at: number): string {
  const length = 10 + ((n * 7919) % 110)
  const start = (n * 31) % 100
  const pad = FILLER.slice(start, start + length) + (n % 7 === 3 ? `${HARD}.` : '.')
  return `${writer} ${n} ${at} ${sum(writer, String(n), String(at), pad)} ${pad}\n`
}

/** Reads a line without its newline; undefined when it is none of ours at all. */
export function parseLine(text: string): Numbered | undefined {
  const match = /^([a-z][\w-]*) (\d+) (\d+) ([0-9a-f]{8}) (.*)$/su.exec(text)
  if (match === null) return undefined
  const [, writer, n, at, crc, pad] = match as unknown as [string, string, string, string, string, string]
  return { writer, n: Number(n), at: Number(at), intact: crc === sum(writer, n, at, pad) }
}

function sum(writer: string, n: string, at: string, pad: string): string {
  return crc32(`${writer} ${n} ${at} ${pad}`).toString(16).padStart(8, '0')
}

/** Makes the lines of one writer, one after the other; for tests that write files themselves. */
export class Lines {
  readonly writer: string
  /** Lines made so far, which is the number of the next. */
  count = 0
  /** Bytes made so far. */
  bytes = 0

  constructor(writer: string) {
    this.writer = writer
  }

  next(): string {
    const line = lineOf(this.writer, this.count++, this.bytes)
    this.bytes += Buffer.byteLength(line)
    return line
  }

  /** So many lines in one text. */
  take(count: number): string {
    let text = ''
    for (let i = 0; i < count; i++) text += this.next()
    return text
  }
}
