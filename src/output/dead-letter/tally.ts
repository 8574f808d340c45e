// How many dead letters there are, how large and how old: counted once a file, then kept up with.
import { open, stat } from 'node:fs/promises'
import { ERASED, filesOf } from './files.ts'

interface Count {
  readonly ino: number
  size: number
  letters: number
  erased: number
  /** When its first letter was refused, milliseconds; undefined when it has none. */
  oldest: number | undefined
}

const NEWLINE = 10
const STEP = 1024 * 1024
/** `{"at":"` and the time stand at the start of each line. */
const HEAD = 40
const AT = /^\{"at":"([^"]+)"/

export class Tally {
  readonly #dataDir: string
  readonly #output: string
  /** Oldest file first. */
  #counts: Count[] = []

  constructor(dataDir: string, output: string) {
    this.#dataDir = dataDir
    this.#output = output
  }

  /** Looks at the files; only those are read that are not as they were. */
  async survey(): Promise<void> {
    const known = new Map(this.#counts.map(count => [count.ino, count]))
    const counts: Count[] = []
    for (const path of await filesOf(this.#dataDir, this.#output)) {
      const now = await stat(path).catch(() => undefined)
      if (now === undefined) continue
      const before = known.get(now.ino)
      counts.push(before?.size === now.size ? before : await countIn(path))
    }
    this.#counts = counts
  }

  /** Forgets what it knows of a file, so that the next survey reads it. */
  changed(ino: number): void {
    this.#counts = this.#counts.filter(count => count.ino !== ino)
  }

  get letters(): number {
    return this.#counts.reduce((n, count) => n + count.letters, 0)
  }

  /** Of the files, erased letters included. */
  get bytes(): number {
    return this.#counts.reduce((n, count) => n + count.size, 0)
  }

  /** When the oldest letter was refused, milliseconds since the epoch. */
  get oldest(): number | undefined {
    return this.#counts.find(count => count.oldest !== undefined)?.oldest
  }

  /** A file has letters that are erased and not yet taken out. */
  get erased(): boolean {
    return this.#counts.some(count => count.erased > 0)
  }

  /** Letters of a file. */
  lettersIn(ino: number): number {
    return this.#counts.find(count => count.ino === ino)?.letters ?? 0
  }

  /** So many letters were appended to the youngest file; false when a survey is needed to know. */
  appended(ino: number, size: number, letters: number, at: number): boolean {
    const last = this.#counts.at(-1)
    if (last?.ino !== ino) return false
    last.size = size
    last.letters += letters
    last.oldest ??= at
    return true
  }
}

async function countIn(path: string): Promise<Count> {
  const handle = await open(path, 'r')
  try {
    const { ino, size } = await handle.stat()
    const count: Count = { ino, size, letters: 0, erased: 0, oldest: undefined }
    const block = Buffer.allocUnsafe(STEP)
    let fresh = true
    for (let at = 0; at < size;) {
      const { bytesRead } = await handle.read(block, 0, Math.min(STEP, size - at), at)
      if (bytesRead === 0) break
      const read = block.subarray(0, bytesRead)
      if (fresh) tell(count, read, 0)
      for (let end = read.indexOf(NEWLINE); end !== -1; end = read.indexOf(NEWLINE, end + 1))
        if (end + 1 < bytesRead) tell(count, read, end + 1)
      fresh = read.at(-1) === NEWLINE
      at += bytesRead
    }
    return count
  } finally {
    await handle.close()
  }
}

function tell(count: Count, block: Buffer, at: number): void {
  if (block[at] === ERASED) count.erased++
  else count.letters++
  if (count.oldest !== undefined || block[at] === ERASED) return
  const time = Date.parse(AT.exec(block.toString('latin1', at, at + HEAD))?.[1] ?? '')
  if (!Number.isNaN(time)) count.oldest = time
}
