// Debian's microsocks, a real SOCKS5 server, on a free port of 127.0.0.1.
import { mkdtemp, rm } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, start, until } from './process.ts'

export interface Microsocks {
  readonly port: number
  /** Connections it made for clients, as it prints them: `client[4] 127.0.0.1: connected to HOST:PORT`. */
  log(): string
  /** May be called twice. */
  stop(): Promise<void>
}

/** Needs the package microsocks. With a user it wants the password that is the same word. */
export async function startMicrosocks(user?: string): Promise<Microsocks> {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'yarder-microsocks-'))
  const logFile = join(folder, 'log')
  const login = user === undefined ? [] : ['-u', user, '-P', user]
  const running = await start(['microsocks', '-i', '127.0.0.1', '-p', String(port), ...login], { logFile })
  const stop = async (): Promise<void> => {
    await running.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await until('microsocks to listen', () => {
      running.check()
      return answers(port)
    })
  } catch (error) {
    await stop()
    throw error
  }
  return { port, log: () => readFileSync(logFile, 'utf8'), stop }
}

const answers = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('close', () => socket.destroy())
    socket.unref()
    socket.end()
  })
