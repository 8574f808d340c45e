// SIGKILL at every kind of moment, under load: never a gap; in Elasticsearch nothing twice; in a file or Logstash at most
// what was not acknowledged, which the agent announces at its next start.
import assert from 'node:assert/strict'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Behaviour } from '../lib/fake-elasticsearch.ts'
import { elasticsearchMissing, startElasticsearch } from '../lib/real/elasticsearch.ts'
import { lumberjackMissing, startLumberjack } from '../lib/real/lumberjack.ts'
import type { Lumberjack } from '../lib/real/lumberjack.ts'
import { until } from '../lib/real/process.ts'
import { PrintedLines, takeIndex } from './lib/destination.ts'
import { fakeWorld, toElasticsearch } from './lib/fake-destination.ts'
import type { Judge } from './lib/judge.ts'
import { lane } from './lib/lane.ts'
import type { Lane } from './lib/lane.ts'
import { World } from './lib/world.ts'
import type { Destination } from './lib/world.ts'

const RATE = 5000
const AGAIN = 'What was on its way when the agent ended may be sent again'
/** No numbered line is shorter. */
const LEAST_LINE = 40

/** Everything is there; nothing twice where the destination can tell. */
async function judged(world: World, twice: 'never' | 'announced'): Promise<void> {
  const { lost, doubled, damaged, text } = await world.judged()
  assert.deepEqual({ lost, damaged }, { lost: 0, damaged: 0 }, `${text}\n${world.agent.log()}`)
  if (twice === 'never') assert.equal(doubled, 0, `${text}\n${world.agent.log()}`)
  await world.stop()
}

/** Time passes in which the agent does whatever it does. */
const moment = (own: Lane, mostMs: number): Promise<void> => delay(own.random.between(0, mostMs))

lane(
  'killed at any moment under load, nothing is missing in Elasticsearch and nothing is there twice',
  { fault: 'SIGKILL at random, Elasticsearch (fake)', timeout: 180_000 },
  async own => {
    const { world } = await fakeWorld(own)
    await world.write({ files: [{ writer: 'w', path: world.path('app.log') }], rate: RATE, style: 'mixed' })
    await world.start()
    for (const n of own.tries(25)) {
      if (n % 4 === 0) await world.arrive(500)
      await moment(own, 700)
      await world.stop('SIGKILL')
      await world.start()
    }
    await judged(world, 'never')
  }
)

/** Kills the agent when the documents are stored: before the answer leaves, or right after it has. */
function killing(kill: () => void, when: 'before' | 'after'): Behaviour {
  return async exchange => {
    const items = await exchange.store()
    if (items === undefined) return
    if (when === 'before') return kill()
    exchange.response.once('finish', kill)
    exchange.answerItems(items)
  }
}

lane(
  'killed between the answer and the checkpoint, nothing is there twice',
  { fault: 'SIGKILL between answer and checkpoint', timeout: 180_000 },
  async own => {
    const { world, fake } = await fakeWorld(own)
    await world.write({ files: [{ writer: 'w', path: world.path('app.log') }], rate: RATE })
    await world.start()
    for (const n of own.tries(20)) {
      await moment(own, 300)
      const killed = Promise.withResolvers<void>()
      const { pid } = world.agent
      const kill = (): void => {
        process.kill(pid, 'SIGKILL')
        killed.resolve()
      }
      fake.next(killing(kill, n % 2 === 0 ? 'after' : 'before'))
      await killed.promise
      await world.stop('SIGKILL')
      await world.start()
    }
    await judged(world, 'never')
  }
)

lane(
  'killed while files are rotated, nothing is missing and nothing is there twice',
  { fault: 'SIGKILL during a rotation', timeout: 180_000 },
  async own => {
    const { world } = await fakeWorld(own)
    const path = world.path('app.log')
    const writer = await world.write({ files: [{ writer: 'w', path }], rate: RATE })
    await world.start()
    await world.arrive(500)
    for (const n of own.tries(16)) {
      const rotated = (async () => {
        await moment(own, 20)
        renameSync(path, `${path}.${n}`)
        await moment(own, 20)
        await writer.reopen()
      })()
      await moment(own, 60)
      await world.stop('SIGKILL')
      await rotated
      await world.start()
      await moment(own, 400)
    }
    await judged(world, 'never')
  }
)

lane(
  'killed while a new configuration is taken over, nothing is missing and nothing is there twice',
  { fault: 'SIGKILL during a reload', timeout: 180_000 },
  async own => {
    const { world } = await fakeWorld(own)
    await world.write({ files: [{ writer: 'w', path: world.path('app.log') }], rate: RATE })
    await world.start()
    await world.arrive(500)
    const config = join(world.folder, 'agent', 'yarder.yaml')
    for (const n of own.tries(16)) {
      writeFileSync(config, world.config.replace('    start_at:', `    tags: [round${n}]\n    start_at:`))
      process.kill(world.agent.pid, 'SIGHUP')
      await moment(own, n % 4 === 3 ? 1000 : 120)
      await world.stop('SIGKILL')
      await world.start()
      await moment(own, 300)
    }
    await judged(world, 'never')
  }
)

/** What the last start announced, bytes. */
function announced(log: string): number {
  return Number(new RegExp(`${AGAIN}.* bytes_at_most=(\\d+)`).exec(log)?.[1] ?? 0)
}

/** Kills at random and compares what comes twice with what each start announces. */
async function killAndCount(own: Lane, world: World, usual: number): Promise<number> {
  await world.start()
  await world.arrive(500)
  let most = 0
  let starts = 0
  for (const _ of own.tries(usual)) {
    await moment(own, 700)
    await world.stop('SIGKILL')
    world.out.read()
    const before = world.judge.doubled
    await world.start()
    await world.arrive(1000)
    const doubled = world.judge.doubled - before
    const bytes = announced(world.agent.log())
    if (bytes > 0) starts++
    most = Math.max(most, doubled)
    assert.ok(bytes >= doubled * LEAST_LINE, `${doubled} came twice, ${bytes} bytes were announced`)
  }
  own.note(`at most ${most} again, announced at ${starts} starts`)
  return most
}

lane(
  'killed at any moment, a file output has no gap and no cut line, and only what was announced twice',
  { fault: 'SIGKILL at random, file', timeout: 180_000 },
  async own => {
    const world = new World(own)
    await world.write({ files: [{ writer: 'w', path: world.path('app.log') }], rate: RATE })
    // A batch is what came in during one write.
    assert.ok((await killAndCount(own, world, 30)) <= 5000)
    await judged(world, 'announced')
  }
)

/** Follows what a Lumberjack server prints. */
function lumberjackDestination(server: Lumberjack, judge: Judge): Destination {
  const lines = new PrintedLines(judge)
  return { path: '', read: () => lines.read(server.logFile) }
}

lane(
  'killed at any moment, Logstash misses nothing and gets only what was announced twice',
  { fault: 'SIGKILL at random, Logstash (go-lumber)', needs: lumberjackMissing, timeout: 180_000 },
  async own => {
    const server = await startLumberjack('events', { delay: '5ms' })
    own.t.after(() => server.stop())
    const outputs = `outputs:\n  ls: { type: logstash, hosts: ['${server.address}'], batch: { max_events: 500, timeout: 50ms } }`
    const agent = 'ship_own_errors: false'
    const world = new World(own, { agent, outputs, destination: judge => lumberjackDestination(server, judge) })
    await world.write({ files: [{ writer: 'w', path: world.path('app.log') }], rate: 2000 })
    assert.ok((await killAndCount(own, world, 15)) <= 2 * 4 * 500, 'no more than was under way')
    await judged(world, 'announced')
  }
)

lane(
  'killed at any moment, a real Elasticsearch has every line once',
  {
    fault: 'SIGKILL at random, Elasticsearch 8.19',
    needs: () => elasticsearchMissing('elasticsearch-8.19'),
    timeout: 300_000
  },
  async own => {
    const node = await startElasticsearch({ flavour: 'elasticsearch-8.19' })
    own.t.after(() => node.stop())
    const nothing = { path: '', read: () => undefined }
    const outputs = toElasticsearch(node.url)
    const world = new World(own, { agent: 'ship_own_errors: false', outputs, destination: () => nothing })
    const writer = await world.write({ files: [{ writer: 'w', path: world.path('app.log') }], rate: 2000 })
    await world.start()
    const sent = (): Promise<number> => world.agent.metric('yarder_output_sent_total{output="es"}')
    for (const n of own.tries(8)) {
      if (n % 3 === 0) await until('something sent', async () => (await sent()) > 0)
      await moment(own, 1000)
      await world.stop('SIGKILL')
      await world.start()
    }
    const { lines } = (await writer.stop()).get('w')!
    const count = async (): Promise<number> => {
      await fetch(`${node.url}/_refresh`, { method: 'POST' })
      const answer = await fetch(`${node.url}/logstash-*/_count`)
      return ((await answer.json()) as { count: number }).count
    }
    await until('all documents', async () => (await count()) >= lines, 60_000)
    await until('nothing on its way', async () => (await world.agent.metric('yarder_input_lag_bytes')) === 0)
    assert.equal((await world.stop()).code, 0)
    assert.equal(await count(), lines)
    await takeIndex(world.judge, node.url, 'logstash-*')
    const { lost, doubled, damaged, text } = world.judge.verdict(new Map([['w', lines]]))
    own.result({ written: lines, lost, doubled })
    assert.deepEqual({ lost, doubled, damaged }, { lost: 0, doubled: 0, damaged: 0 }, text)
  }
)
