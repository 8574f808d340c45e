// The StatsD daemon itself on the other side: nothing it refuses, and its sums are those of the page.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { manualClock } from '../../../test/lib/manual-clock.ts'
import { freePort, start, until } from '../../../test/lib/real/process.ts'
import { context } from '../../../test/lib/step.ts'
import type { Family } from '../../core/instruments.ts'
import { readFields } from '../../core/field.ts'
import { createStore } from '../store.ts'
import { statsd } from './statsd.ts'

const DAEMON = join(import.meta.dirname, '../../../node_modules/statsd/bin/statsd')

interface Daemon {
  readonly port: number
  /** What the management port answers, names with their values. */
  ask(what: 'counters' | 'gauges'): Promise<Record<string, number>>
}

async function runDaemon(t: TestContext): Promise<Daemon> {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  const port = await freePort()
  const management = await freePort()
  const config = join(dir, 'config.js')
  // It forgets its counters at each flush, so none comes within the test.
  writeFileSync(
    config,
    JSON.stringify({
      port,
      address: '127.0.0.1',
      mgmt_port: management,
      mgmt_address: '127.0.0.1',
      flushInterval: 3_600_000,
      backends: ['./backends/console']
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
    rmSync(dir, { recursive: true })
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
    try {
      await ask('counters')
      return true
    } catch {
      return false
    }
  })
  return { port, ask }
}

test('StatsD refuses no line, adds up what the page shows, and has negative gauges as they are', async t => {
  const daemon = await runDaemon(t)
  const clock = manualClock()
  const store = createStore()
  const hits = store.instruments.counter('hits_total', 'Hits.', ['path'])
  const took = store.instruments.histogram('took_seconds', 'Took.', [], [1])
  const level = store.instruments.gauge('level', 'Level.')
  const options = readFields(statsd.fields, { port: daemon.port, prefix: 'app1', secret: 'secret' }, assert.fail)
  const exporter = statsd.build(options!, context({ clock }))
  const abort = new AbortController()
  const ran = exporter.run(store, abort.signal)
  await turn()

  const paths = ['/', '/a b', 'x:1|c', '\n', 'é\u0000"', '..', '', '@0.1', '__overflow__']
  for (let round = 1; round <= 3; round++) {
    for (const [i, path] of paths.entries()) hits.add(round * (i + 1), path)
    took.observe(0.25 * round)
    level.set(round === 2 ? 10 : -5)
    await clock.advance(10_000)
  }
  hits.add(5, 'last')
  abort.abort()
  await ran
  await exporter.close()

  const counters = await until('the last line', async () => {
    const all = await daemon.ask('counters')
    return all['secret.app1.hits_total.last'] === undefined ? undefined : all
  })
  assert.equal(counters['statsd.bad_lines_seen'], 0)
  assert.equal(counters['statsd.packets_received'], 4)
  const sum = (prefix: string): number =>
    Object.entries(counters).reduce((total, [name, value]) => (name.startsWith(prefix) ? total + value : total), 0)
  const page: Family = (await store.read()).find(({ name }) => name === 'hits_total')!
  assert.equal(
    sum('secret.app1.hits_total.'),
    [...page.samples].reduce((total, { value }) => total + value, 0)
  )
  assert.equal(counters['secret.app1.took_seconds_count'], 3)
  assert.equal(counters['secret.app1.took_seconds_sum'], 1.5)
  assert.equal((await daemon.ask('gauges'))['secret.app1.level'], -5)
})
