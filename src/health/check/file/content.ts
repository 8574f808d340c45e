// What stands in a file: its hash, and whether patterns match in its beginning or end.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'

/** SHA-256 of a whole file, lower-case hex. */
export async function sha256(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { signal })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

/** The last `limit` bytes of a file, as text: what was written lately stands at its end. */
export async function tail(path: string, limit: number): Promise<string> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const from = Math.max(0, size - limit)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, limit)), 0, Math.min(size, limit), from)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}
