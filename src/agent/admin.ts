// The HTTP listener: /metrics, /health, /health/live, /health/ready; and the same with more on the control socket.
import { chmodSync, unlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { YarderError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { createMetricsPage } from '../metrics/export/page.ts'
import type { Store } from '../metrics/store.ts'
import { BasicAuth } from './listener/basic-auth.ts'
import { createTlsServer } from './listener/tls-server.ts'
import type { AdminOptions } from './sections.ts'
import type { Status } from './status.ts'

export interface AdminSource {
  readonly store: Store
  status(): Status
}

export interface ListenerSource extends AdminSource {
  /** What the names of files in its options begin at. */
  configDir(): string
  log(): Log
}

/** What the control socket can ask for besides; each answers with what to print. */
export type ControlActions = Record<string, (body: unknown) => unknown>

export interface Listener {
  /** `127.0.0.1:9680`, or the socket's path. */
  readonly address: string
  close(): Promise<void>
}

const MAX_BODY = 64 * 1024

function reply(response: ServerResponse, status: number, type: string, body: string): void {
  const bytes = Buffer.from(body)
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.length, 'cache-control': 'no-store' })
  response.end(response.req.method === 'HEAD' ? undefined : bytes)
}

const replyJson = (response: ServerResponse, status: number, value: unknown): void =>
  reply(response, status, 'application/json; charset=utf-8', `${JSON.stringify(value)}\n`)

type Route = (response: ServerResponse) => void | Promise<void>

function routes({ store, status }: AdminSource): Record<string, Route> {
  return {
    '/metrics': createMetricsPage(store),
    '/health': response => {
      const { state, message, ready, draining, outputs, inputs, checks } = status()
      const body = {
        status: state,
        message,
        ready,
        draining,
        outputs: outputs.map(o => ({
          name: o.name,
          status: o.state,
          message: o.message,
          since: o.since,
          host: o.target,
          last_error: o.state === 'green' ? undefined : o.lastError,
          last_success: o.lastSuccess,
          unacknowledged: o.unacknowledged,
          oldest_age_seconds: o.oldestAgeMs / 1000,
          dropped: o.dropped,
          dead_letters: o.deadLetters
        })),
        inputs: inputs.map(i => ({ name: i.name, status: i.state, message: i.message })),
        checks: checks.map(c => ({ name: c.name, status: c.state, message: c.message, since: c.since, owner: c.owner }))
      }
      replyJson(response, state === 'red' ? 503 : 200, body)
    },
    '/health/live': response => replyJson(response, 200, { alive: true }),
    '/health/ready': response => {
      const { ready } = status()
      replyJson(response, ready ? 200 : 503, { ready })
    }
  }
}

const INDEX =
  'yarder\n\n/metrics       numbers, for Prometheus\n/health        200 or 503, with the state of each part\n/health/live   the process is alive\n/health/ready  inputs stand and the agent is not draining\n'

function handler(table: Record<string, Route>): RequestListener {
  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0]!
    const route = table[path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path]
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      return reply(response, 405, 'text/plain; charset=utf-8', 'only GET and HEAD\n')
    }
    if (path === '/') return reply(response, 200, 'text/plain; charset=utf-8', INDEX)
    if (route === undefined)
      return reply(response, 404, 'text/plain; charset=utf-8', `nothing at this path\n\n${INDEX}`)
    Promise.resolve()
      .then(() => route(response))
      .catch((error: unknown) => {
        if (!response.headersSent) reply(response, 500, 'text/plain; charset=utf-8', `${String(error)}\n`)
        else response.destroy()
      })
  }
}

/** Answers only who has a name and its password. */
function guarded(auth: BasicAuth, answer: RequestListener): RequestListener {
  return (request, response) => {
    auth
      .judge(request)
      .then(verdict => {
        if (verdict === 'let in') return void answer(request, response)
        if (verdict === 'busy') return reply(response, 503, 'text/plain; charset=utf-8', 'too many logins at once\n')
        response.setHeader('www-authenticate', 'Basic realm="yarder", charset="UTF-8"')
        reply(response, 401, 'text/plain; charset=utf-8', 'needs a name and its password\n')
      })
      .catch(() => response.destroy())
  }
}

function listen(server: Server, where: { host: string; port: number } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function listenerOf(server: Server, address: string): Listener {
  return {
    address,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}

/** Listens for scrapes and probes; loopback unless the config says otherwise. Rejects with the address and errno. */
export async function startAdmin(source: ListenerSource, options: AdminOptions): Promise<Listener> {
  const { listen: at, tls_server_config: tls, basic_auth_users: users } = options
  const limits = { requestTimeout: 10_000, headersTimeout: 10_000, maxHeaderSize: 16_384 }
  const server =
    tls === undefined ? createServer(limits) : createTlsServer(tls, limits, source.configDir(), source.log())
  const answer = handler(routes(source))
  server.on('request', Object.keys(users).length === 0 ? answer : guarded(new BasicAuth(users), answer))
  server.maxConnections = 256
  try {
    await listen(server, at)
  } catch (error) {
    const hint =
      (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
        ? '; another program (or yarder) has it: set admin.listen'
        : ''
    throw new YarderError('RUNTIME', `listening on ${at.host}:${at.port}${hint}`, { cause: error })
  }
  const bound = server.address() as AddressInfo
  return listenerOf(
    server,
    bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`
  )
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY) throw new YarderError('USAGE', 'the request is too large')
    chunks.push(chunk)
  }
  return chunks.length === 0 ? undefined : (JSON.parse(Buffer.concat(chunks).toString()) as unknown)
}

/**
 * Listens on the control socket, which `mode` (0600 or 0660) opens to the agent's own user, perhaps to its group, and never
 * to others: `POST /<action>` for each action, and everything the listener has. A socket left behind by a killed agent
 * is removed first; the lock on the data directory has shown that it is nobody's.
 */
export async function startControl(
  source: AdminSource,
  path: string,
  actions: ControlActions,
  mode = 0o600
): Promise<Listener> {
  const pages = handler({ ...routes(source), '/status': response => replyJson(response, 200, source.status()) })
  const server = createServer((request, response) => {
    const name = (request.url ?? '').slice(1)
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined
    if (request.method !== 'POST' || action === undefined) return pages(request, response)
    readJson(request)
      .then(async body => replyJson(response, 200, (await action(body)) ?? {}))
      .catch((error: unknown) =>
        replyJson(response, 400, { error: error instanceof Error ? error.message : String(error) })
      )
  })
  removeSocket(path)
  // It is never there with more rights than it keeps.
  const umask = process.umask(0o777 & ~mode)
  try {
    await listen(server, { path })
  } catch (error) {
    throw new YarderError('RUNTIME', `listening on the control socket ${path}`, { cause: error })
  } finally {
    process.umask(umask)
  }
  chmodSync(path, mode)
  const listener = listenerOf(server, path)
  return {
    address: path,
    close: async () => {
      await listener.close()
      try {
        removeSocket(path)
      } catch {
        // On a disk that became read-only it stays, as after a kill.
      }
    }
  }
}

/** With its errno when it can't: rmSync gives none on a read-only disk. */
function removeSocket(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw new YarderError('RUNTIME', `removing the old control socket ${path}`, { cause: error })
  }
}
