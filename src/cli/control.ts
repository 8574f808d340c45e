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
  return await inTurn(paths, async path => {
    const { status, text } = await askOne(path, action, body, timeoutMs)
    let answer: { error?: string }
    try {
      answer = JSON.parse(text) as { error?: string }
    } catch (cause) {
      throw new YarderError('PROTOCOL', `reading the agent's answer on ${path}`, { cause })
    }
    if (status === 400) throw new YarderError('REFUSED', answer.error ?? 'the agent refused')
    return answer
  })
}

/** A page such as `metrics`, as it is. Tries the sockets in turn, as `ask` does. */
export const askText = async (paths: readonly string[], page: string): Promise<string> =>
  (await inTurn(paths, path => askOne(path, page, undefined, TIMEOUT_MS))).text

async function inTurn<T>(paths: readonly string[], asking: (path: string) => Promise<T>): Promise<T> {
  const faults = new Map<string, string[]>()
  for (const path of paths) {
    try {
      return await asking(path)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? ''
      if (HINTS[code] === undefined) throw error
      faults.set(code, [...(faults.get(code) ?? []), path])
    }
  }
  const elsewhere = 'if it runs with another data_dir, name that with --data-dir'
  const told = [...faults].map(([code, at]) => `${at.join(', ')}: ${code}, ${HINTS[code]}`)
  throw new YarderError('UNREACHABLE', `asking the agent: ${told.join('; ')}; ${elsewhere}`)
}

interface Answered {
  readonly status: number
  readonly text: string
}

function askOne(socketPath: string, action: string, body: unknown, timeout: number): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const req = request({ socketPath, path: `/${action}`, method, timeout }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
    })
    req.on('timeout', () => req.destroy(new YarderError('TIMEOUT', `waiting for the agent on ${socketPath}`)))
    req.on('error', reject)
    req.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
