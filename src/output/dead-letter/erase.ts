// Takes letters out of their files: at once by a mark in place, which a crash can't tear, then by writing the file anew.
import { open, rename, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { ERASED, linesOf } from './files.ts'
import type { LetterFile, Line } from './files.ts'

/**
 * Marks lines of a file as erased, durably. Neighbours go in one write: all it changes is the first byte of each, so
 * that a write that is cut short leaves every line either as it was or erased.
 */
export async function erase(handle: FileHandle, lines: readonly Line[]): Promise<void> {
  if (lines.length === 0) return
  const sorted = [...lines].sort((a, b) => a.offset - b.offset)
  for (let i = 0; i < sorted.length;) {
    const first = sorted[i]!
    const run: Buffer[] = []
    let end = first.offset
    for (; i < sorted.length && sorted[i]!.offset === end; i++) {
      const bytes = Buffer.from(sorted[i]!.bytes)
      bytes[0] = ERASED
      run.push(bytes, Buffer.from('\n'))
      end += bytes.length + 1
    }
    // The newline of the last is not ours: it may be missing yet.
    const marked = Buffer.concat(run.slice(0, -1))
    for (let at = 0; at < marked.length;)
      at += (await handle.write(marked, at, marked.length - at, first.offset + at)).bytesWritten
  }
  await handle.datasync()
}

/**
 * Writes a file anew without its erased lines, or removes it when nothing is left. Nobody may write to it meanwhile:
 * `mayReplace` is asked at the last moment.
 */
export async function compact(path: string, mayReplace: () => boolean): Promise<void> {
  const handle = await open(path, 'r')
  const half = `${path}.compact`
  let kept = 0
  try {
    const { ino, size } = await handle.stat()
    const file: LetterFile = { handle, ino, size }
    const out = await open(half, 'w', 0o600)
    try {
      for await (const lines of linesOf(file)) {
        const bytes = Buffer.concat(lines.flatMap(line => [line.bytes, Buffer.from(line.ended ? '\n' : '')]))
        for (let at = 0; at < bytes.length;) at += (await out.write(bytes, at)).bytesWritten
        kept += bytes.length
      }
      if (kept === size) return
      await out.datasync()
    } finally {
      await out.close()
    }
    if (!mayReplace()) return
    if (kept > 0) await rename(half, path)
    else await rm(path, { force: true })
  } finally {
    await handle.close()
    await rm(half, { force: true })
  }
}
