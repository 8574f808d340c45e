// Asks the running agent, over its control socket.
import { request } from 'node:http'
import { join } from 'node:path'
import { YarderError } from '../core/errors.ts'

/** Where the agent of this configuration listens for commands: `$RUNTIME_DIRECTORY`, else /run/yarder, else its data_dir. */
export function controlPaths(env: NodeJS.ProcessEnv, dataDir: string | undefined): string[] {
  const folders = [env['RUNTIME_DIRECTORY'], dataDir, '/run/yarder', env['STATE_DIRECTORY'] ?? '/var/lib/yarder']
  return [...new Set(folders.filter(f => f !== undefined && f !== ''))].map(f => join(f!, 'yarder.sock'))
}

const HINTS: Record<string, string> = {
  EACCES: 'only root, its own user and (of the service) its group may ask it; try sudo',
  ENOENT: 'no agent runs there',
  ECONNREFUSED: 'no agent runs there'
}

const TIMEOUT_MS = 10_000

/** One request; the answer's JSON. Tries the sockets in turn and says what each answered. */
export async function ask(
  paths: readonly string[],
  action: string,
  body?: unknown,
  timeoutMs = TIMEOUT_MS
): Promise<unknown> {
  const faults: string[] = []
  for (const path of paths) {
    try {
      return await askOne(path, action, body, timeoutMs)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? ''
      if (HINTS[code] === undefined) throw error
      faults.push(`${path}: ${code}, ${HINTS[code]}`)
    }
  }
  const elsewhere = 'if it runs with another data_dir, name that with --data-dir'
  throw new YarderError('UNREACHABLE', `asking the agent: ${faults.join('; ')}; ${elsewhere}`)
}

function askOne(socketPath: string, action: string, body: unknown, timeout: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const req = request({ socketPath, path: `/${action}`, method, timeout }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        try {
          const answer = JSON.parse(Buffer.concat(chunks).toString()) as { error?: string }
          if (response.statusCode === 400) reject(new YarderError('REFUSED', answer.error ?? 'the agent refused'))
          else resolve(answer)
        } catch (cause) {
          reject(new YarderError('PROTOCOL', `reading the agent's answer on ${socketPath}`, { cause }))
        }
      })
    })
    req.on('timeout', () => req.destroy(new YarderError('TIMEOUT', `waiting for the agent on ${socketPath}`)))
    req.on('error', reject)
    req.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
