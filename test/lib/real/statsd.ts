// The StatsD daemon itself (statsd 0.9 of npm), on a free port of 127.0.0.1.
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort, start, until } from './process.ts'

const DAEMON = fileURLToPath(new URL('../../../node_modules/statsd/bin/statsd', import.meta.url))

export interface Statsd {
  /** By UDP and by TCP. */
  readonly port: number
  /** A Unix socket for streams. */
  readonly path: string
  /** What the management port answers, names with their values. */
  ask(what: 'counters' | 'gauges' | 'timers'): Promise<Record<string, number>>
}

export interface StatsdOptions {
  /** It forgets its counters at each flush; when absent none comes within a test. */
  readonly flushMs?: number
  /** Where it sends what it has added up, with the names of Graphite that are not the old ones. */
  readonly carbonPort?: number
}

/** Starts a daemon that ends with the test. */
export async function startStatsd(t: TestContext, options: StatsdOptions = {}): Promise<Statsd> {
  const { flushMs = 3_600_000, carbonPort } = options
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  const port = await freePort()
  const management = await freePort()
  const config = join(dir, 'config.js')
  const path = join(dir, 'statsd.sock')
  writeFileSync(
    config,
    JSON.stringify({
      servers: [
        { server: './servers/udp', address: '127.0.0.1', port },
        { server: './servers/tcp', address: '127.0.0.1', port },
        { server: './servers/tcp', socket: path }
      ],
      mgmt_port: management,
      mgmt_address: '127.0.0.1',
      flushInterval: flushMs,
      ...(carbonPort === undefined
        ? { backends: ['./backends/console'] }
        : {
            backends: ['./backends/graphite'],
            graphiteHost: '127.0.0.1',
            graphitePort: carbonPort,
            graphite: { legacyNamespace: false }
          })
    })
  )
  // Made for the Nodes that still had util.log (gone since Node 23).
  const shim = join(dir, 'shim.cjs')
  writeFileSync(shim, "require('node:util').log ??= console.log\n")
  const running = await start([process.execPath, '--require', shim, DAEMON, config], {
    logFile: join(dir, 'statsd.log')
  })
  t.after(async () => {
    await running.stop()
    rmSync(dir, { recursive: true, force: true })
  })
  const ask = async (what: string): Promise<Record<string, number>> => {
    const socket = connect(management, '127.0.0.1')
    socket.setEncoding('utf8')
    let text = ''
    socket.on('data', (chunk: string) => {
      text += chunk
      if (text.endsWith('END\n\n')) socket.end()
    })
    socket.write(`${what}\n`)
    await once(socket, 'close')
    return Object.fromEntries(
      [...text.matchAll(/(?:'([^']+)'|(\w+)): (-?[\d.e+]+)/g)].map(m => [m[1] ?? m[2]!, Number(m[3])])
    )
  }
  await until('the management port of StatsD', async () => {
    running.check()
    return ask('counters').then(
      () => true,
      () => false
    )
  })
  return { port, path, ask }
}
