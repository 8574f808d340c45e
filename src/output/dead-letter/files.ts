// The files of dead letters: where they are, and how they are walked through while somebody writes to them.
import { open, readdir, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { keyOf, parseLetter } from './letter.ts'
import type { DeadLetter } from './letter.ts'

/** Where the dead letters of an output are. */
export const deadLetterPath = (dataDir: string, output: string): string =>
  join(dataDir, 'dead-letters', `${encodeURIComponent(output)}.ndjson`)

/** Where lines are put that are no letters any more. */
export const unreadablePath = (dataDir: string, output: string): string =>
  join(dataDir, 'dead-letters', `${encodeURIComponent(output)}.unreadable`)

export interface DeadLetterFiles {
  readonly output: string
  /** Oldest first. */
  readonly files: readonly string[]
  readonly bytes: number
}

/** What is there, by output; nothing when there never was any. */
export async function listDeadLetters(dataDir: string): Promise<DeadLetterFiles[]> {
  const folder = join(dataDir, 'dead-letters')
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [] as string[]
    throw error
  })
  const outputs = new Map<string, Array<{ n: number; file: string }>>()
  for (const name of names) {
    const m = /^(.+)\.ndjson(?:\.(\d+))?$/.exec(name)
    if (m === null) continue
    const output = decodeURIComponent(m[1]!)
    const files = outputs.get(output) ?? []
    files.push({ n: Number(m[2] ?? 0), file: join(folder, name) })
    outputs.set(output, files)
  }
  const listed: DeadLetterFiles[] = []
  for (const [output, found] of [...outputs].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const files = found.sort((a, b) => b.n - a.n).map(f => f.file)
    const sizes = await Promise.all(files.map(async file => (await stat(file).catch(() => ({ size: 0 }))).size))
    listed.push({ output, files, bytes: sizes.reduce((a, b) => a + b, 0) })
  }
  return listed
}

/** The files of one output, oldest first. */
export const filesOf = async (dataDir: string, output: string): Promise<readonly string[]> =>
  (await listDeadLetters(dataDir)).find(l => l.output === output)?.files ?? []

/** A file as it was when it was opened; what is appended later is not looked at. */
export interface LetterFile {
  readonly handle: FileHandle
  readonly ino: number
  readonly size: number
}

/** Opens all of them, oldest first: a rotation in between neither hides nor doubles one, since the newest is opened first. */
export async function openLetterFiles(dataDir: string, output: string, flags: 'r' | 'r+'): Promise<LetterFile[]> {
  const opened: LetterFile[] = []
  const base = deadLetterPath(dataDir, output)
  const rotated = (await filesOf(dataDir, output)).filter(path => path !== base).reverse()
  // One more than there were: a rotation may have come since.
  const last = Number(rotated.at(-1)?.slice(base.length + 1) ?? 0) + 1
  for (const path of [base, ...rotated, `${base}.${last}`]) {
    const handle = await open(path, flags).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (handle === undefined) continue
    const { ino, size } = await handle.stat()
    if (opened.some(file => file.ino === ino)) await handle.close()
    else opened.unshift({ handle, ino, size })
  }
  return opened
}

export const closeLetterFiles = async (files: readonly LetterFile[]): Promise<void> => {
  await Promise.all(files.map(file => file.handle.close()))
}

/** A line without its newline. `ended` is false for the last one of a file that a crash cut short, or that grows. */
export interface Line {
  readonly offset: number
  readonly bytes: Buffer
  readonly ended: boolean
}

const NEWLINE = 10
/** A line that begins so (CAN) was a letter and is none any more: neither JSON nor an editor nor zeroed disk gives it. */
export const ERASED = 0x18
const STEP = 512 * 1024

/** The lines of a file from `from` on, a block at a time, in memory of a block and a line. Erased ones are left out. */
export async function* linesOf(file: LetterFile, from = 0): AsyncGenerator<Line[]> {
  const block = Buffer.allocUnsafe(STEP)
  let begun: Buffer[] = []
  let start = from
  for (let at = from; at < file.size;) {
    const { bytesRead } = await file.handle.read(block, 0, Math.min(STEP, file.size - at), at)
    if (bytesRead === 0) break
    const read = block.subarray(0, bytesRead)
    const lines: Line[] = []
    let position = 0
    for (let end = read.indexOf(NEWLINE); end !== -1; end = read.indexOf(NEWLINE, position)) {
      begun.push(read.subarray(position, end))
      const bytes = Buffer.concat(begun)
      if (bytes.length > 0 && bytes[0] !== ERASED) lines.push({ offset: start, bytes, ended: true })
      begun = []
      position = end + 1
      start = at + position
    }
    if (position < bytesRead) begun.push(Buffer.from(read.subarray(position)))
    at += bytesRead
    yield lines
  }
  const rest = Buffer.concat(begun)
  if (rest.length > 0 && rest[0] !== ERASED) yield [{ offset: start, bytes: rest, ended: false }]
}

/** A line with what it is: a letter, one that a later letter about the same record has replaced, or damaged. */
export interface Found extends Line {
  readonly file: LetterFile
  readonly letter: DeadLetter | undefined
  readonly replaced: boolean
}

/** Walks through opened files, oldest first, a block at a time. A last line that was cut short is left out. */
export async function* walk(files: readonly LetterFile[]): AsyncGenerator<Found[]> {
  const latest = await latestOf(files)
  for (const file of files) {
    for await (const lines of linesOf(file)) {
      const found: Found[] = []
      for (const line of lines) {
        const letter = parseLetter(line.bytes)
        if (letter === undefined && (!line.ended || (await isErased(file, line)))) continue
        const last = letter === undefined ? undefined : latest.get(keyOf(letter))
        const replaced = last !== undefined && (last.file !== file || last.offset > line.offset)
        found.push({ ...line, file, letter, replaced })
      }
      yield found
    }
  }
}

/** It may have been erased between the reading of its two halves. */
async function isErased(file: LetterFile, line: Line): Promise<boolean> {
  const first = Buffer.alloc(1)
  await file.handle.read(first, 0, 1, line.offset)
  return first[0] === ERASED
}

/** More than what one request and the letters about it can take. */
const TAIL = 16 * 1024 * 1024

/** The letters at the end of the files, whole blocks. */
export async function* tailOf(files: readonly LetterFile[]): AsyncGenerator<{ file: LetterFile; line: Line }> {
  for (const file of files.slice(-2)) {
    const from = Math.max(0, file.size - TAIL)
    let cut = from > 0
    for await (const lines of linesOf(file, from)) {
      for (const line of lines) {
        if (!cut) yield { file, line }
        cut = false
      }
    }
  }
}

/**
 * A letter that was replayed and refused again is written anew before the old one is erased; a crash in between leaves
 * both. The new one is among the last then, and the old one doesn't count.
 */
async function latestOf(files: readonly LetterFile[]): Promise<Map<string, { file: LetterFile; offset: number }>> {
  const latest = new Map<string, { file: LetterFile; offset: number }>()
  for await (const { file, line } of tailOf(files)) {
    if (!line.bytes.includes('"tries":')) continue
    const letter = parseLetter(line.bytes)
    if (letter?.tries !== undefined) latest.set(keyOf(letter), { file, offset: line.offset })
  }
  return latest
}

/** The letters of an output, oldest first; damaged lines are left out. */
export async function* readDeadLetters(dataDir: string, output: string): AsyncGenerator<DeadLetter> {
  const files = await openLetterFiles(dataDir, output, 'r')
  try {
    for await (const block of walk(files))
      for (const { letter, replaced } of block) if (letter !== undefined && !replaced) yield letter
  } finally {
    await closeLetterFiles(files)
  }
}
