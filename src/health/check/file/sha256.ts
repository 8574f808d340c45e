// What stands in a file, as a hash.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

/** SHA-256 of a whole file, lower-case hex. */
export async function sha256(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { signal })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
