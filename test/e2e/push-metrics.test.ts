// The running agent's numbers on their three ways out: `/metrics`, StatsD and Graphite agree.
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { appendFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { run, until } from '../lib/real/process.ts'
import { agentFolder, PROGRAM, startYarder } from '../lib/real/yarder.ts'

/** Takes datagrams; `sum` adds up the counters of a name. */
async function listenUdp(t: TestContext): Promise<{ port: number; packets: string[]; sum(name: string): number }> {
  const packets: string[] = []
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  socket.on('message', packet => packets.push(packet.toString()))
  await once(socket, 'listening')
  t.after(() => socket.close())
  const values = (name: string): number[] =>
    packets.flatMap(packet => packet.split('\n')).flatMap(line => (line.startsWith(`${name}:`) ? [counted(line)] : []))
  return { port: socket.address().port, packets, sum: name => values(name).reduce((sum, n) => sum + n, 0) }
}

const counted = (line: string): number => Number(/:(\d+)\|c$/.exec(line)![1])

/** Takes lines; `last` is the newest value of a name. */
async function listenTcp(t: TestContext): Promise<{ port: number; last(name: string): number }> {
  let text = ''
  const server = createServer(socket => socket.on('data', chunk => (text += chunk.toString())))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const last = (name: string): number =>
    Number(
      text
        .split('\n')
        .findLast(line => line.startsWith(`${name} `))
        ?.split(' ')[1]
    )
  return { port: (server.address() as AddressInfo).port, last }
}

test('a hot log costs few datagrams, and pull and push say the same, to the last line before the stop', async t => {
  const statsd = await listenUdp(t)
  const carbon = await listenTcp(t)
  const folder = agentFolder(t)
  const log = join(folder, 'app.log')
  writeFileSync(log, 'a line\n'.repeat(100_000))
  const config = `
agent: { data_dir: ${folder}/data, region: us-east-1, environment: prod }
admin: { listen: '127.0.0.1:0' }
inputs: { app: { type: file, paths: ['${log}'], start_at: beginning, poll: 100ms } }
outputs: { out: { type: file, path: ${folder}/out.ndjson } }
metrics: { lines_total: { type: counter, help: Lines., labels: { app: { const: shop.web } } } }
exporters:
  prometheus: {}
  statsd: { port: ${statsd.port}, prefix: '{region}.{environment}.web01', flush: 1s }
  graphite: { port: ${carbon.port}, prefix: '{region}.{environment}.web01', flush: 1s }
`
  const name = 'us-east-1.prod.web01.lines_total.shop_web'
  const yarder = await startYarder(t, { folder, config })
  await until('all lines at StatsD and carbon', () => statsd.sum(name) >= 100_000 && carbon.last(name) >= 100_000)
  assert.ok(statsd.packets.length < 20, `${statsd.packets.length} datagrams`)
  appendFileSync(log, 'a line\n'.repeat(5))
  await until('the new lines on the page', async () => (await yarder.metric('lines_total{')) === 100_005)
  assert.equal((await yarder.end()).code, 0)
  await until('what was left', () => statsd.sum(name) >= 100_005 && carbon.last(name) >= 100_005)
  assert.equal(statsd.sum(name), 100_005)
  assert.equal(carbon.last(name), 100_005)
})

test('a prefix with something missing in it is refused, with the key in the message', async t => {
  const config = join(agentFolder(t), 'config.yaml')
  writeFileSync(config, 'exporters: { statsd: {} }\n')
  await assert.rejects(
    run([PROGRAM, 'run', '-c', config]),
    /status 2: .*exporters\.statsd\.prefix: .*agent\.region is not set/s
  )
})
