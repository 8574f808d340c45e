// Dead letters: records a destination refused for good, kept on disk with its reason until a person decides.
import { createReadStream } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Records } from '../core/component.ts'
import { partDocuments, recordId } from '../core/parcel.ts'
import { AppendFile } from './append-file.ts'

/** One line of a dead-letter file. */
export interface DeadLetter {
  /** When it was refused, ISO time. */
  readonly at: string
  readonly output: string
  /** The destination's own words. */
  readonly reason: string
  readonly status: number | undefined
  /** Where it would have gone, such as an index. */
  readonly target: string | undefined
  /** Its identity: with it a replay is recognised as the same record. '' when it has none. */
  readonly id: string
  readonly input: string
  readonly path: string | undefined
  readonly offset: number
  /** Its own time, ISO. */
  readonly time: string | undefined
  readonly document: unknown
}

/** A record that was refused. */
export interface Refusal {
  readonly records: Records
  readonly row: number
  readonly reason: string
  readonly status: number | undefined
  readonly target: string | undefined
  readonly id: string | undefined
}

const KEEP = 3

/** Where the dead letters of an output are. */
export const deadLetterPath = (dataDir: string, output: string): string =>
  join(dataDir, 'dead-letters', `${encodeURIComponent(output)}.ndjson`)

export interface DeadLettersOptions {
  dataDir: string
  output: string
  /** Bytes of all files together, about; the oldest letters are removed past it. */
  maxBytes?: number
  now: () => number
  /** Letters that were removed to keep the bound: data is lost, so it is told. */
  onRemoved?: (file: string, bytes: number) => void
}

/** The writing end. */
export class DeadLetters {
  readonly #options: DeadLettersOptions
  readonly #file: AppendFile
  #turn: Promise<void> = Promise.resolve()

  constructor(options: DeadLettersOptions) {
    this.#options = options
    this.#file = new AppendFile({
      path: deadLetterPath(options.dataDir, options.output),
      mode: 0o600,
      maxBytes: Math.ceil((options.maxBytes ?? 128 * 1024 * 1024) / (KEEP + 1)),
      keep: KEEP,
      onRemove: async path => {
        const size = (await stat(path).catch(() => undefined))?.size
        if (size !== undefined) options.onRemoved?.(path, size)
      }
    })
  }

  /** Resolves when they are durable; rejects with STORAGE when not one of them is. */
  write(refusals: readonly Refusal[]): Promise<void> {
    const at = new Date(this.#options.now()).toISOString()
    const lines = refusals.map(refusal => lineOf(refusal, this.#options.output, at))
    const mine = this.#turn.then(() => this.#file.append(lines))
    this.#turn = mine.catch(() => {})
    return mine
  }

  async close(): Promise<void> {
    await this.#turn
    await this.#file.close()
  }
}

/** The document's bytes are copied, not read and written anew: numbers keep their spelling. */
function lineOf({ records, row, reason, status, target, id }: Refusal, output: string, at: string): Buffer {
  const { source } = records.batch
  const time = records.times[row]!
  const head = {
    at,
    output,
    reason: reason.slice(0, 4096),
    status,
    target,
    id: id ?? recordId(records, row),
    input: source.input,
    path: source.path,
    offset: records.offsets[row],
    time: Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : undefined
  }
  const document = partDocuments({ records, from: row, to: row + 1 })
  return Buffer.concat([
    Buffer.from(`${JSON.stringify(head).slice(0, -1)},"document":`),
    document.subarray(0, -1),
    Buffer.from('}\n')
  ])
}

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

/** The letters of an output, oldest first. A line that was cut short by a crash is left out. */
export async function* readDeadLetters(dataDir: string, output: string): AsyncGenerator<DeadLetter> {
  const { files } = (await listDeadLetters(dataDir)).find(l => l.output === output) ?? { files: [] }
  for (const file of files) {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      const letter = parsed(line)
      if (letter !== undefined) yield letter
    }
  }
}

/** Removes them; a running agent begins a new file with the next letter. */
export async function dropDeadLetters(dataDir: string, output: string): Promise<void> {
  const { files } = (await listDeadLetters(dataDir)).find(l => l.output === output) ?? { files: [] }
  await Promise.all(files.map(file => rm(file, { force: true })))
}

function parsed(line: string): DeadLetter | undefined {
  try {
    return JSON.parse(line) as DeadLetter
  } catch {
    return undefined
  }
}
