// Destinations that fail in every way while thousands of lines a second come in: nothing lost or doubled, order kept,
// connections and memory bounded, and what waited arrives soon after.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  accept,
  drip,
  halfClose,
  hang,
  invalidJson,
  limit,
  mixed,
  page,
  refuse,
  resetInAnswer,
  resetInBody,
  silent,
  startFakeElasticsearch,
  tooFewItems
} from '../lib/fake-elasticsearch.ts'
import type { Behaviour, FakeElasticsearch } from '../lib/fake-elasticsearch.ts'
import { until } from '../lib/real/process.ts'
import { makeCa } from '../lib/test-ca.ts'
import { costsOf } from './lib/costs.ts'
import { NdjsonDestination } from './lib/destination.ts'
import { fakeDestination } from './lib/fake-destination.ts'
import { Judge } from './lib/judge.ts'
import { debian, lane } from './lib/lane.ts'
import type { Lane } from './lib/lane.ts'
import { logrotate } from './lib/logrotate.ts'
import { World } from './lib/world.ts'
import type { Destination, WorldOptions } from './lib/world.ts'
import type { Writer } from './lib/writer.ts'

const MIB = 1024 * 1024
const RATE = 4000
/** The longest wait between two tries, ms. */
const BACKOFF_MAX = 400
/** What a recovery may take beyond that on a machine that is busy, ms. */
const SLACK_MS = 4000
/** Resident memory that the agent may ever have here; its own figure under this load is 110 to 140 MiB. */
const MOST_RSS = 220 * MIB

const IN_FLIGHT = 2

const elastic = (hosts: readonly string[], more = ''): string => `
  es:
    type: elasticsearch
    hosts: ${JSON.stringify(hosts)}
    timeout: 500ms
    in_flight: ${IN_FLIGHT}
    batch: { max_events: 500, timeout: 20ms }
    backoff: { init: 20ms, max: ${BACKOFF_MAX}ms }
    ${more}`

/** The agent with a writer on one file, before a fake or the nodes of a fake cluster. */
async function before(
  own: Lane,
  fakes: readonly FakeElasticsearch[],
  options: { more?: string; hosts?: readonly string[]; world?: Partial<WorldOptions>; others?: string } = {}
): Promise<{ world: World; writer: Writer }> {
  for (const fake of fakes) own.defer(() => fake.down())
  const { more, hosts = fakes.map(f => f.url), others = '' } = options
  // Any node shows what the cluster has.
  const destination = (judge: Judge): Destination => fakeDestination(fakes[0]!, judge)
  const world = new World(own, {
    agent: 'ship_own_errors: false',
    outputs: `outputs:${elastic(hosts, more)}${others}`,
    destination,
    ...options.world
  })
  await world.start()
  const files = [{ writer: 'w', path: world.path('app.log') }]
  return { world, writer: await world.write({ files, rate: RATE, style: 'chunks' }) }
}

/** Waits until so many lines that are written by now have arrived, and answers how long that took. */
async function recovers(world: World): Promise<number> {
  const { got } = world.judge
  const since = performance.now()
  await until(
    'the first line after the trouble',
    () => {
      world.out.read()
      return world.judge.got > got
    },
    BACKOFF_MAX + SLACK_MS
  )
  return performance.now() - since
}

/** How many sockets the agent has open; a server that doesn't read can't see that the other side has closed. */
const sockets = (world: World): number => {
  const folder = `/proc/${world.agent.pid}/fd`
  return readdirSync(folder).filter(fd => {
    try {
      return readlinkSync(join(folder, fd)).startsWith('socket:')
    } catch {
      return false
    }
  }).length
}

/** How each fails, and how it gets well again. */
interface Fault {
  readonly fault: string
  readonly on: (fake: FakeElasticsearch) => void | Promise<void>
  readonly off?: (fake: FakeElasticsearch) => void | Promise<void>
}

const answers = (fault: string, how: Behaviour): Fault => ({ fault, on: fake => fake.otherwise(how) })

const FAULTS: readonly Fault[] = [
  { fault: 'refused', on: fake => fake.down(), off: fake => fake.up() },
  answers('accepting, reading and silent', silent()),
  answers('storing and silent', silent({ store: true })),
  answers('not even reading', hang()),
  answers('half-closed without an answer', halfClose()),
  answers('stored, then half-closed', halfClose({ store: true })),
  answers('reset in mid-body', resetInBody(5000)),
  answers('reset in the answer, all stored', resetInAnswer(20)),
  answers('429 without Retry-After', refuse(429)),
  answers('429 with Retry-After: 1', refuse(429, { 'retry-after': '1' })),
  answers('503', refuse(503)),
  answers("a proxy's page with 200", page()),
  answers('a bulk answer with too few items', tooFewItems(3)),
  answers('a bulk answer that is no JSON', invalidJson()),
  answers('an answer slow by a byte a second', drip({ everyMs: 1000 })),
  answers(
    '429 for each third document',
    mixed((_, i) => (i % 3 === 0 ? 429 : undefined))
  ),
  {
    fault: '401 for a while',
    on: fake => void (fake.authorization = 'ApiKey other'),
    off: fake => void (fake.authorization = undefined)
  }
]

for (const { fault, on, off } of FAULTS)
  lane(`a destination in trouble (${fault}) gets every line once it is well`, { fault }, async own => {
    const fake = await startFakeElasticsearch()
    const { world } = await before(own, [fake])
    await world.arrive(500)
    let slowest = 0
    const usual = sockets(world)
    let most = 0
    for (const _ of own.tries(2)) {
      const { total } = fake.connections
      const since = performance.now()
      await on(fake)
      await world.grown(own.random.between(2000, 6000))
      most = Math.max(most, sockets(world) - usual)
      // A try at least a tenth of the first wait after the other would be fifty a second for ever; the wait grows.
      const seconds = (performance.now() - since) / 1000
      const more = fake.connections.total - total
      assert.ok(more <= 15 + 10 * seconds, `${more} connections in ${seconds.toFixed(1)} s`)
      fake.otherwise(accept())
      await off?.(fake)
      slowest = Math.max(slowest, await recovers(world))
    }
    assert.ok(most <= IN_FLIGHT, `${most} connections more than usual`)
    assert.ok(world.agent.peakRss() < MOST_RSS, `${world.agent.peakRss() / MIB} MiB`)
    own.note(`recovery within ${(slowest / 1000).toFixed(1)} s, ${Math.round(world.agent.peakRss() / MIB)} MiB`)
    await world.finish()
  })

lane('a request that is too large is cut until it fits', { fault: '413' }, async own => {
  const fake = await startFakeElasticsearch()
  const { world } = await before(own, [fake])
  await world.arrive(500)
  for (const _ of own.tries(3)) {
    fake.otherwise(limit(own.random.between(4000, 40_000)))
    await world.arrive(3000)
  }
  await world.finish()
})

lane(
  'a host that is black-holed holds nothing up for longer than the time limit',
  { fault: 'SYN unanswered' },
  async own => {
    const fake = await startFakeElasticsearch()
    const relay = fork(fileURLToPath(new URL('lib/relay-process.ts', import.meta.url)), [`${fake.port}`])
    own.defer(() => void relay.kill('SIGKILL'))
    const [port] = (await once(relay, 'message')) as [number]
    const { world } = await before(own, [fake], { hosts: [`http://127.0.0.1:${port}`] })
    await world.arrive(500)
    for (const _ of own.tries(2)) {
      relay.kill('SIGSTOP')
      // The first attempts are taken by the kernel and never answered; later ones are not even taken.
      await world.agent.said(/retrying|TIMEOUT|timed out|no answer/i)
      await world.grown(3 * RATE)
      const { fds } = costsOf(world.agent.pid)
      assert.ok(fds < 60, `${fds} descriptors`)
      relay.kill('SIGCONT')
      await recovers(world)
    }
    await world.finish()
  }
)

lane(
  'an expired certificate is told as such, and nothing is lost until there is another',
  { fault: 'TLS expired' },
  async own => {
    const ca = makeCa({ after: fn => own.defer(fn) })
    const read = (days: number): { key: string; cert: string } => {
      const { keyFile, certFile } = ca.issue('127.0.0.1', `leaf${days}`, days)
      return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') }
    }
    const good = read(2)
    const tls = { ...good }
    const fake = await startFakeElasticsearch({ tls })
    const { world } = await before(own, [fake], { more: `tls: { ca_file: '${ca.caFile}' }` })
    await world.arrive(500)
    for (const _ of own.tries(2)) {
      await fake.down()
      Object.assign(tls, read(-1))
      await fake.up()
      await world.agent.said(/CERT_HAS_EXPIRED|certificate has expired/)
      await world.grown(4000)
      await fake.down()
      Object.assign(tls, good)
      await fake.up()
      await recovers(world)
    }
    await world.finish()
  }
)

/** Three nodes: what one stored without an answer, the next has, and answers so. */
async function cluster(): Promise<[FakeElasticsearch, FakeElasticsearch, FakeElasticsearch]> {
  const beside = await startFakeElasticsearch()
  return [beside, await startFakeElasticsearch({ beside }), await startFakeElasticsearch({ beside })]
}

lane('one of three hosts that is down costs nothing', { fault: 'one of three hosts dead' }, async own => {
  const fakes = await cluster()
  const { world } = await before(own, fakes)
  await world.arrive(500)
  for (const _ of own.tries(3)) {
    const dead = own.random.pick(fakes)
    await dead.down()
    await world.arrive(2 * RATE)
    await dead.up()
  }
  await world.finish()
})

lane('hosts that come and go lose and double nothing', { fault: 'hosts flapping' }, async own => {
  const fakes = await cluster()
  const { world } = await before(own, fakes)
  await world.arrive(500)
  for (const _ of own.tries(10)) {
    const one = own.random.pick(fakes)
    await one.down()
    await world.grown(own.random.between(300, 1500))
    await one.up()
  }
  await world.finish()
})

/** The agent with an Elasticsearch that fails and a file output that doesn't, and the judge of each. */
async function twoOutputs(own: Lane, more: string, world: Partial<WorldOptions> = {}) {
  const fake = await startFakeElasticsearch()
  const path = join(own.folder, 'beside.ndjson')
  const judge = new Judge()
  const beside = new NdjsonDestination(path, judge)
  const others = `\n  beside: { type: file, path: '${path}', max_bytes: 0 }`
  const { world: both, writer } = await before(own, [fake], { more, others, world })
  const reaches = (lines: number): Promise<unknown> => {
    const target = judge.got + lines
    return until(`${lines} more lines beside`, () => (beside.read(), judge.got >= target), 60_000)
  }
  const besideHasAll = async (): Promise<void> => {
    const written = new Map([...(await both.written())].map(([name, { lines }]) => [name, lines]))
    await until('all lines beside', () => (beside.read(), judge.verdict(written).lost === 0), 60_000)
    const { lost, doubled, disordered, damaged, text } = judge.verdict(written)
    assert.deepEqual({ lost, doubled, disordered, damaged }, { lost: 0, doubled: 0, disordered: 0, damaged: 0 }, text)
  }
  return { fake, world: both, writer, judge, reaches, besideHasAll }
}

lane(
  'detach: while one output is down the other gets every line at once; it catches up from the files, through rotation',
  {
    fault: 'one of two outputs down, detach',
    needs: debian('logrotate')
  },
  async own => {
    const { fake, world, writer, reaches, besideHasAll } = await twoOutputs(own, 'when_full: detach')
    const directives = ['create', 'compress', 'delaycompress']
    const rotate = (): Promise<void> =>
      logrotate({ folder: own.folder, log: world.path('app.log'), directives, writer })
    await world.arrive(500)
    for (const _ of own.tries(3)) {
      await fake.down()
      // Far more than its queue takes, and two rotations.
      await reaches(2 * RATE)
      await rotate()
      await reaches(2 * RATE)
      await rotate()
      await reaches(RATE)
      await fake.up()
      await recovers(world)
      await world.caughtUp()
    }
    assert.match(world.agent.log(), /An output has no room for long.*output=es/)
    assert.ok(world.agent.peakRss() < MOST_RSS + 40 * MIB, `${world.agent.peakRss() / MIB} MiB`)
    await world.judged()
    await besideHasAll()
    await world.finish()
  }
)

lane(
  'detach: files that rotation deletes while one output is behind are read by their descriptors',
  { fault: 'one of two outputs down, files deleted', needs: debian('logrotate') },
  async own => {
    const { fake, world, writer, reaches, besideHasAll } = await twoOutputs(own, 'when_full: detach')
    const directives = ['create', 'rotate 1']
    await world.arrive(500)
    for (const _ of own.tries(3)) {
      await fake.down()
      for (let i = 0; i < 4; i++) {
        await reaches(RATE)
        await logrotate({ folder: own.folder, log: world.path('app.log'), directives, writer })
      }
      await reaches(500)
      await fake.up()
      await recovers(world)
      await world.caughtUp()
    }
    await world.judged()
    await besideHasAll()
    await world.finish()
  }
)

lane(
  'detach: killed and started while one output is behind, each goes on where it was',
  {
    fault: 'one of two outputs down, SIGKILL'
  },
  async own => {
    const { fake, world, judge, besideHasAll } = await twoOutputs(own, 'when_full: detach')
    await world.arrive(500)
    for (const _ of own.tries(3)) {
      await fake.down()
      await world.grown(2 * RATE)
      await world.stop('SIGKILL')
      await world.grown(RATE)
      await world.start()
      await world.grown(RATE)
      await fake.up()
      await recovers(world)
    }
    const verdict = await world.judged()
    assert.deepEqual({ lost: verdict.lost, doubled: verdict.doubled }, { lost: 0, doubled: 0 }, verdict.text)
    // A file can't be asked what it has: after a kill the part that was not acknowledged comes again.
    const written = new Map([...(await world.written())].map(([name, { lines }]) => [name, lines]))
    await until(
      'all lines beside',
      () => judge.verdict(written).lost === 0 || (besideHasAll().catch(() => {}), false),
      60_000
    )
    own.note(`the file output got ${judge.doubled} lines again`)
  }
)

lane(
  'block: the other output waits too, and then both have every line',
  { fault: 'one of two outputs down, block' },
  async own => {
    const { fake, world, judge, besideHasAll } = await twoOutputs(own, 'when_full: block')
    await world.arrive(500)
    for (const _ of own.tries(2)) {
      await fake.down()
      await world.grown(3 * RATE)
      await until('the input to wait', async () => (await world.agent.metric('yarder_input_lag_bytes')) > 0)
      const { got } = judge
      await world.grown(2 * RATE)
      assert.ok(judge.got - got < 2 * RATE, 'it did not go on alone')
      await fake.up()
      await recovers(world)
      await world.caughtUp()
    }
    await world.judged()
    await besideHasAll()
    await world.finish()
  }
)

for (const policy of ['drop_newest', 'drop_oldest'])
  lane(
    `${policy}: what one output misses is counted to the line; the other has everything`,
    {
      fault: `one of two outputs down, ${policy}`
    },
    async own => {
      const { fake, world, besideHasAll } = await twoOutputs(own, `when_full: ${policy}`, { patience: 3000 })
      await world.arrive(500)
      for (const _ of own.tries(2)) {
        await fake.down()
        await world.grown(3 * RATE)
        await fake.up()
        await recovers(world)
      }
      const verdict = await world.judged()
      const dropped = await world.agent.metric('yarder_output_dropped_total{output="es"}')
      assert.ok(dropped > 0)
      assert.equal(verdict.lost, dropped, verdict.text)
      assert.equal(verdict.doubled, 0)
      await besideHasAll()
      own.note(`lost by intention: ${dropped}, as its counter says`)
    }
  )
