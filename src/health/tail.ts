// The end of a file.
import { open } from 'node:fs/promises'

/** The last `limit` bytes of a file, as text: what was written lately stands there. */
export async function tail(path: string, limit: number): Promise<string> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const length = Math.min(size, limit)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}
