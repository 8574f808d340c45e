// Which lines are on the disk at all: what stands in the logs and in whatever rotation made of them.
import { globSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { Judge } from './judge.ts'
import type { Verdict } from './judge.ts'
import { lineOf } from './line.ts'

/** Takes every numbered line in files of a folder, compressed ones included; `cut` is what has no newline at the end. */
export function linesOnDisk(pattern: string): Judge {
  const judge = new Judge()
  for (const path of globSync(pattern)) {
    const bytes = readFileSync(path)
    const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
    for (const line of text.split('\n')) if (line !== '') judge.take(line.replace(/^\0+/, ''))
  }
  return judge
}

/** Lost lines that are on the disk: the ones that nothing excuses. */
export function readable(verdict: Verdict, disk: Judge): string[] {
  const found: string[] = []
  for (const [writer, ranges] of verdict.lostRanges) {
    for (const [first, last] of ranges) {
      for (let n = first; n <= last; n++) if (disk.has(writer, n)) found.push(`${writer} ${n}`)
    }
  }
  return found
}

/** Bytes of the lost lines of a writer, newlines included. */
export function lostBytes(verdict: Verdict, writer: string): number {
  const ranges = verdict.lostRanges.get(writer) ?? []
  const end = ranges.at(-1)?.[1] ?? -1
  let at = 0
  let bytes = 0
  let next = 0
  for (let n = 0; n <= end; n++) {
    const length = Buffer.byteLength(lineOf(writer, n, at))
    if (n >= ranges[next]![0]) bytes += length
    if (n === ranges[next]![1]) next++
    at += length
  }
  return bytes
}
