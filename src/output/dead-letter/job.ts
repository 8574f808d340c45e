// Goes through the dead letters of an output, oldest first: sends them again, or drops them.
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { erase } from './erase.ts'
import { closeLetterFiles, openLetterFiles, walk } from './files.ts'
import type { Found, LetterFile } from './files.ts'
import type { Letter } from './page.ts'
import { selects } from './letter.ts'
import type { Selector } from './letter.ts'

/** How far a replay or a drop is. */
export interface JobReport {
  readonly output: string
  readonly kind: 'replay' | 'drop'
  state: 'running' | 'done' | 'stopped' | 'failed'
  /** Why it failed. */
  error: string | undefined
  /** Letters that were selected so far. */
  selected: number
  /** Acknowledged by the destination, or dropped, and gone from the files. */
  done: number
  /** Refused again: each is one letter with the new reason. */
  refused: number
  /** Left out by the output since its queue was full; their letters stay. */
  leftOut: number
  /** Damaged lines that were put aside. */
  unreadable: number
  /** Bytes of the files, and how many of them were gone through. */
  bytes: number
  readBytes: number
}

export const newReport = (output: string, kind: JobReport['kind']): JobReport => ({
  output,
  kind,
  state: 'running',
  error: undefined,
  selected: 0,
  done: 0,
  refused: 0,
  leftOut: 0,
  unreadable: 0,
  bytes: 0,
  readBytes: 0
})

export interface JobOptions {
  readonly dataDir: string
  readonly output: string
  readonly selector: Selector
  /** At most so many letters and bytes at a time. */
  readonly maxCount: number
  readonly maxBytes: number
  /** Where damaged lines are put. */
  readonly aside: string
  /** Deals with some letters of one file; resolves with those that are to be erased, or undefined to end the job. */
  handle(letters: readonly Letter[]): Promise<readonly Found[] | undefined>
  /** A file was gone through in which something was erased. */
  finished(file: LetterFile): Promise<void>
  /** Asked between pages. */
  stopped(): boolean
}

/** Runs to the end of what is there now; letters that come meanwhile are left alone. */
export async function runJob(report: JobReport, options: JobOptions): Promise<void> {
  const files = await openLetterFiles(options.dataDir, options.output, 'r+')
  const fits = selects(options.selector)
  report.bytes = files.reduce((n, file) => n + file.size, 0)
  let page: Letter[] = []
  let bytes = 0
  let current: LetterFile | undefined
  const touched = new Set<LetterFile>()
  const eraseIn = async (file: LetterFile, lines: readonly Found[]): Promise<void> => {
    if (lines.length === 0) return
    touched.add(file)
    await erase(file.handle, lines)
  }
  const flush = async (): Promise<boolean> => {
    const letters = page
    page = []
    bytes = 0
    if (options.stopped()) return false
    if (letters.length === 0) return true
    report.selected += letters.length
    const gone = await options.handle(letters)
    if (gone === undefined) return false
    await eraseIn(letters[0]!.file, gone)
    return true
  }
  const change = async (file: LetterFile | undefined): Promise<boolean> => {
    const before = current
    if (before === file) return true
    const goOn = await flush()
    current = file
    if (before !== undefined && touched.has(before)) await options.finished(before)
    return goOn
  }
  try {
    for await (const block of walk(files)) {
      const useless: Found[] = []
      for (const found of block) {
        if (!(await change(found.file))) return
        const { letter } = found
        if (letter === undefined || found.replaced) {
          useless.push(found)
          continue
        }
        if (!fits(letter)) continue
        if (page.length > 0 && (page.length >= options.maxCount || bytes + found.bytes.length > options.maxBytes))
          if (!(await flush())) return
        page.push({ ...found, letter })
        bytes += found.bytes.length
      }
      await putAside(report, options.aside, useless)
      if (useless.length > 0) await eraseIn(useless[0]!.file, useless)
      report.readBytes = progressOf(files, block.at(-1)) ?? report.readBytes
    }
    if (await change(undefined)) report.readBytes = report.bytes
  } finally {
    await closeLetterFiles(files)
  }
}

function progressOf(files: readonly LetterFile[], last: Found | undefined): number | undefined {
  if (last === undefined) return undefined
  const before = files.slice(0, files.indexOf(last.file)).reduce((n, file) => n + file.size, 0)
  return before + last.offset + last.bytes.length
}

/** Damaged lines are kept where a person finds them; letters that were replaced just go. */
async function putAside(report: JobReport, path: string, useless: readonly Found[]): Promise<void> {
  const damaged = useless.filter(found => found.letter === undefined)
  if (damaged.length === 0) return
  const handle = await open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600)
  try {
    await handle.writev(damaged.flatMap(found => [found.bytes, Buffer.from('\n')]))
    await handle.datasync()
  } finally {
    await handle.close()
  }
  report.unreadable += damaged.length
}
