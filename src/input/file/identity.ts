// What makes a file the same file: device, inode, birth, and fingerprints of bytes that an append never changes.
import { hash, randomBytes } from 'node:crypto'
import { readSync, statSync } from 'node:fs'
import type { Stats } from 'node:fs'

/** The fingerprint of a file's first bytes grows with the file up to here. */
export const HEAD_BYTES = 1024
/** So many bytes before a position prove that the file still is what was read. */
export const CONTEXT_BYTES = 64

/** The first `n` bytes of a file. Grows as the file does; `n` 0 fits every file. */
export interface Head {
  readonly n: number
  readonly sum: string
}

/** The `n` bytes before offset `at`. */
export interface Checkpoint {
  readonly at: number
  readonly n: number
  readonly sum: string
}

export const NO_HEAD: Head = { n: 0, sum: '' }

const sumOf = (bytes: Buffer): string => hash('sha1', bytes, 'base64url').slice(0, 16)

export const headOf = (bytes: Buffer): Head => ({ n: bytes.length, sum: bytes.length === 0 ? '' : sumOf(bytes) })

/** `before` are bytes that end at offset `at`; its last CONTEXT_BYTES count. */
export function checkpointOf(before: Buffer, at: number): Checkpoint {
  const bytes = before.subarray(Math.max(0, before.length - CONTEXT_BYTES))
  return { at, n: bytes.length, sum: bytes.length === 0 ? '' : sumOf(bytes) }
}

/** Undefined when nothing can be seen there: it is gone, or a folder on the way may not be searched. */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/** Reads up to `length` bytes at `position`; fewer only at the end of the file. */
export function bytesAt(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  let used = 0
  while (used < length) {
    const n = readSync(fd, bytes, used, length - used, position + used)
    if (n === 0) break
    used += n
  }
  return bytes.subarray(0, used)
}

/** True when the file begins with what `head` was made of. */
export const headFits = (fd: number, head: Head): boolean =>
  head.n === 0 || headOf(bytesAt(fd, 0, head.n)).sum === head.sum

/** True when the bytes before the checkpoint are what they were. */
export function checkpointFits(fd: number, c: Checkpoint): boolean {
  if (c.n === 0) return true
  const bytes = bytesAt(fd, c.at - c.n, c.n)
  return bytes.length === c.n && sumOf(bytes) === c.sum
}

/** Where a file lies; unique among the files that exist at one moment, and used again after a file was deleted. */
export const inodeKey = (dev: number, ino: number): string => `${dev}:${ino}`

/** True when one is the same bytes as the other, and there are any. */
export const sameHead = (a: Head, b: Head): boolean => a.n > 0 && a.n === b.n && a.sum === b.sum

/**
 * Tells by their birth whether an inode was used again. File systems without birth times give 0 or repeat the ctime,
 * so births of a device are believed only once one was seen that is neither.
 */
export class Births {
  #real = new Set<number>()

  note(st: Stats): void {
    if (st.birthtimeMs > 0 && st.birthtimeMs !== st.ctimeMs) this.#real.add(st.dev)
  }

  /** True when a file of birth `born` can't be the one that lies there now. */
  differ(born: number, st: Stats): boolean {
    return this.#real.has(st.dev) && born > 0 && st.birthtimeMs > 0 && born !== st.birthtimeMs
  }

  /**
   * True when a file was over before one of birth `born` began, and so can't be its copy. What is compressed has the mtime
   * of what is within, and a later birth.
   */
  precedes(st: Stats, born: number, packed: boolean): boolean {
    return this.#real.has(st.dev) && born > 0 && st.mtimeMs < born && (packed || st.birthtimeMs < born)
  }

  /** True when it certainly is the same inode since its birth. */
  agree(born: number, st: Stats): boolean {
    return this.#real.has(st.dev) && born > 0 && born === st.birthtimeMs
  }
}

/** Twelve characters, unique for ever. */
export const newFileId = (): string => randomBytes(9).toString('base64url')

/** Identity of a stream of bytes: the file, and how often it was cut to nothing. */
export const sourceId = (fileId: string, generation: number): string =>
  generation === 0 ? fileId : `${fileId}.${generation.toString(36)}`
