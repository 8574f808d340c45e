// Who else is there: an agent on the same data directory, and who listens where this one wants to.
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { errnoOf } from '../../core/errors.ts'
import type { HostPort } from '../../core/field.ts'
import { HttpClient } from '../../core/http.ts'
import { findingsOf, word } from './finding.ts'
import type { Finding } from './finding.ts'

/** Whether somebody holds the lock of a data directory; `unknown` when this user can't see it. Changes nothing. */
export function lockState(dataDir: string): 'held' | 'free' | 'unknown' {
  const path = join(dataDir, 'lock')
  try {
    // A folder that can't be entered seems to be empty.
    accessSync(dataDir, constants.X_OK)
    if (!existsSync(path)) return 'free'
    const db = new DatabaseSync(path, { readOnly: true })
    try {
      db.exec('SELECT count(*) FROM sqlite_schema')
      return 'free'
    } catch (error) {
      return ((error as { errcode?: number }).errcode ?? 0) % 256 === 5 ? 'held' : 'unknown'
    } finally {
      db.close()
    }
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? 'free' : 'unknown'
  }
}

/** `mainPid` is the process of the running service; 0 when it doesn't run. */
export function lockFindings(dataDir: string, mainPid: number): Finding[] {
  const { ok, warning, problem } = findingsOf('lock')
  const state = lockState(dataDir)
  if (state === 'free') return [ok(`no agent uses ${dataDir} now`)]
  if (state === 'unknown')
    return [warning(`whether an agent uses ${dataDir} cannot be seen by this user`, `sudo yarder doctor`)]
  const pid = holder(dataDir)
  if (pid === undefined) return [ok(`an agent uses ${dataDir}`)]
  if (mainPid === 0 || pid === mainPid) return [ok(`an agent uses ${dataDir}: process ${pid}`)]
  return [
    problem(
      `${dataDir} is held by process ${pid}, which is not the service's`,
      `kill ${pid} && systemctl restart yarder`
    )
  ]
}

function holder(dataDir: string): number | undefined {
  try {
    const pid = readFileSync(join(dataDir, 'lock.pid'), 'utf8').trim()
    return /^\d+$/.test(pid) ? Number(pid) : undefined
  } catch {
    return undefined
  }
}

const LOOPBACK = /^(?:127\.|::1$|localhost$)/

/** Whether the listener has its address, or could have it. `agent`: whether one of this configuration is there. */
export async function listenerFindings(
  at: HostPort,
  agent: ReturnType<typeof lockState>,
  signal: AbortSignal
): Promise<Finding[]> {
  const { ok, warning, problem } = findingsOf('listener')
  const shown = `${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}`
  const found: Finding[] = []
  if (!LOOPBACK.test(at.host))
    found.push(
      warning(
        `${shown} is open to others: /metrics and /health show them names of files, outputs and checks`,
        `ss -ltn 'sport = :${at.port}'`
      )
    )
  if (agent !== 'free' && (await answers(at, shown, signal))) return [ok(`${shown} answers`), ...found]
  if (agent === 'held') {
    const look = `curl -sS -m 5 ${word(`http://${shown}/health/live`)}`
    return [problem(`${shown} does not answer as yarder does`, look), ...found]
  }
  const errno = await tryToListen(at)
  if (errno === '') return [ok(`${shown} is free`), ...found]
  const text =
    errno === 'EADDRINUSE'
      ? `another program listens on ${shown}; stop it or set admin.listen`
      : `listening on ${shown} is refused (${errno})`
  return [problem(text, `ss -ltnp 'sport = :${at.port}'`), ...found]
}

async function answers(at: HostPort, shown: string, signal: AbortSignal): Promise<boolean> {
  const client = new HttpClient({ env: {} })
  // Who listens everywhere answers on loopback.
  const host = at.host === '0.0.0.0' ? '127.0.0.1' : at.host === '::' ? '[::1]' : shown.slice(0, shown.lastIndexOf(':'))
  try {
    const url = new URL(`http://${host}:${at.port}/health/live`)
    const { status, body } = await client.request({ method: 'GET', url, timeout: 5000, signal })
    // One that asks for a password is there, too.
    return status === 401 || (status === 200 && body.toString('utf8').includes('"alive":true'))
  } catch {
    return false
  } finally {
    client.close()
  }
}

/** The errno of listening there for a moment; '' when it works. */
function tryToListen({ host, port }: HostPort): Promise<string> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', error => resolve(errnoOf(error)))
    server.listen({ host, port }, () => server.close(() => resolve('')))
  })
}
