// Where reading begins when a file's past is not wanted: behind its last complete line.
import { bytesAt } from './identity.ts'

const STEP = 64 * 1024
const LF = 10

/**
 * The offset behind the last newline before `size`, so that a line that is being written is read as a whole. `skip`
 * when the line is longer than `maxLineBytes`: reading begins at `size` then and skips to the next newline.
 */
export function lineStart(fd: number, size: number, maxLineBytes: number): { offset: number; skip: boolean } {
  for (let end = size; end > 0 && size - end <= maxLineBytes;) {
    const start = Math.max(0, end - STEP)
    const found = bytesAt(fd, start, end - start).lastIndexOf(LF)
    if (found >= 0) return { offset: start + found + 1, skip: false }
    end = start
    if (end === 0) return { offset: 0, skip: false }
  }
  return { offset: size, skip: size > 0 }
}
