// A file of lines that grows at its end: durable before it is acknowledged, never two lines glued, rotated by size.
import { constants } from 'node:fs'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { YarderError } from '../core/errors.ts'

export interface AppendFileOptions {
  path: string
  /** Mode of a file that is made. */
  mode: number
  /** A file is rotated before it grows past this, bytes; 0 never rotates. */
  maxBytes: number
  /** Rotated files kept beside it (`path.1` is the youngest). */
  keep: number
  /** Told before the oldest rotated file is removed for good. */
  onRemove?: (path: string) => Promise<void>
}

const NEWLINE = 10
const BRACE = 123
const STEP = 64 * 1024
/** A line longer than this was not written by us. */
const MAX_TAIL = 256 * 1024 * 1024

/** Calls must not overlap: the next after the promise of the one before. */
export class AppendFile {
  readonly path: string
  readonly #options: AppendFileOptions
  #handle: FileHandle | undefined
  #size = 0
  #inode = 0n
  /** False for a device or pipe, such as /dev/null, of which the system refuses to sync anything. */
  #isOnDisk = true

  constructor(options: AppendFileOptions) {
    this.path = options.path
    this.#options = options
  }

  /**
   * Appends whole lines and returns when they are on the disk. Rejects with STORAGE, and then nothing of them stays in
   * the file, or it is cut away before anything else is written.
   */
  async append(chunks: readonly Buffer[]): Promise<void> {
    const length = chunks.reduce((n, chunk) => n + chunk.length, 0)
    try {
      await this.#follow()
      if (this.#options.maxBytes > 0 && this.#size > 0 && this.#size + length > this.#options.maxBytes)
        await this.#rotate()
      const handle = await this.#open()
      await writeAll(handle, chunks)
      if (this.#isOnDisk) await handle.datasync()
      this.#size += length
    } catch (error) {
      await this.#undo()
      throw new YarderError('STORAGE', `writing ${this.path}`, { cause: error })
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }

  async #open(): Promise<FileHandle> {
    if (this.#handle !== undefined) return this.#handle
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 })
    const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT
    const handle = await open(this.path, flags, this.#options.mode)
    try {
      const stats = await handle.stat({ bigint: true })
      const { size, ino } = stats
      this.#isOnDisk = stats.isFile()
      this.#size = await mendEnd(handle, Number(size))
      this.#inode = ino
      if (size === 0n) await syncFolder(dirname(this.path))
    } catch (error) {
      await handle.close()
      throw error
    }
    return (this.#handle = handle)
  }

  /** Somebody else may have moved or removed the file (logrotate, a dead letter queue that was emptied). */
  async #follow(): Promise<void> {
    if (this.#handle === undefined) return
    const now = await stat(this.path, { bigint: true }).catch(() => undefined)
    if (now?.ino === this.#inode) this.#size = Number(now.size)
    else await this.close()
  }

  async #undo(): Promise<void> {
    try {
      await this.#handle?.truncate(this.#size)
    } catch {
      // Closed then, so that the end is looked at when it is opened again.
      await this.close().catch(() => {})
    }
  }

  async #rotate(): Promise<void> {
    await this.close()
    const { keep } = this.#options
    const name = (n: number): string => (n === 0 ? this.path : `${this.path}.${n}`)
    await this.#options.onRemove?.(name(keep))
    await rm(name(keep), { force: true })
    for (let n = keep - 1; n >= 0; n--) {
      await rename(name(n), name(n + 1)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
      })
    }
    await syncFolder(dirname(this.path))
  }
}

async function writeAll(handle: FileHandle, chunks: readonly Buffer[]): Promise<void> {
  let rest = chunks.filter(chunk => chunk.length > 0)
  while (rest.length > 0) {
    let { bytesWritten } = await handle.writev(rest.slice(0, 512))
    while (rest.length > 0 && bytesWritten >= rest[0]!.length) bytesWritten -= rest.shift()!.length
    if (bytesWritten > 0) rest = [rest[0]!.subarray(bytesWritten), ...rest.slice(1)]
  }
}

/**
 * A process that died in the middle of a write leaves a line without its end. It was never acknowledged, so it comes
 * again and is cut away here; what is a whole JSON document, or not ours, only gets its newline. Returns the size.
 */
async function mendEnd(handle: FileHandle, size: number): Promise<number> {
  const start = await lastLineStart(handle, size)
  if (start === size) return size
  const tail = Buffer.alloc(Math.min(size - start, MAX_TAIL))
  await handle.read(tail, 0, tail.length, start)
  if (tail[0] === BRACE && tail.length < MAX_TAIL && !isJson(tail)) {
    await handle.truncate(start)
    return start
  }
  await handle.write(Buffer.from([NEWLINE]))
  return size + 1
}

async function lastLineStart(handle: FileHandle, size: number): Promise<number> {
  const block = Buffer.alloc(STEP)
  for (let end = size; end > 0; end -= STEP) {
    const from = Math.max(0, end - STEP)
    await handle.read(block, 0, end - from, from)
    const newline = block.subarray(0, end - from).lastIndexOf(NEWLINE)
    if (newline !== -1) return from + newline + 1
  }
  return 0
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'))
    return true
  } catch {
    return false
  }
}

/** A name is as durable as its folder. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
