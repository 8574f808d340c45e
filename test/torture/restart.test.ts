// Stops and starts in order, under load: each in time, nothing missing, nothing twice; also across a change of version.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { accept, after, hang, silent } from '../lib/fake-elasticsearch.ts'
import { run, start, until } from '../lib/real/process.ts'
import { fakeWorld } from './lib/fake-destination.ts'
import { lane } from './lib/lane.ts'
import type { Lane } from './lib/lane.ts'
import { World } from './lib/world.ts'

const RATE = 5000
/** `shutdown_timeout` as it is unless configured, and what the rest of a stop may take. */
const DEADLINE_MS = 10_000
const SLACK_MS = 2000
const ALL = 'everything that was read has arrived'
const AGAIN = 'may be sent again'

async function judged(world: World): Promise<void> {
  const { lost, doubled, damaged, disordered, text } = await world.judged()
  const none = { lost: 0, doubled: 0, damaged: 0, disordered: 0 }
  assert.deepEqual({ lost, doubled, damaged, disordered }, none, `${text}\n${world.agent.log()}`)
  assert.equal((await world.stop()).code, 0)
}

async function restarts(own: Lane, world: World): Promise<void> {
  await world.write({ files: [{ writer: 'w', path: world.path('app.log') }], rate: RATE, style: 'mixed' })
  await world.start()
  await world.arrive(1000)
  let slowest = 0
  for (const _ of own.tries(20)) {
    await delay(own.random.between(0, 500))
    const { agent } = world
    const { code, ms } = await world.stop()
    assert.equal(code, 0, agent.log())
    assert.ok(ms < DEADLINE_MS, `the stop took ${Math.round(ms)} ms`)
    assert.ok(agent.log().includes(ALL), agent.log())
    slowest = Math.max(slowest, ms)
    await world.start()
    assert.ok(!world.agent.log().includes(AGAIN), `announced after an orderly stop: ${agent.log()}${world.agent.log()}`)
  }
  own.note(`slowest stop ${Math.round(slowest)} ms`)
  await judged(world)
}

lane(
  '20 restarts under 5,000 lines a second leave neither gap nor duplicate in Elasticsearch',
  { fault: 'SIGTERM and start, Elasticsearch (fake)', timeout: 180_000 },
  async own => restarts(own, (await fakeWorld(own)).world)
)

lane(
  '20 restarts under 5,000 lines a second leave neither gap nor duplicate in a file, and keep the order',
  { fault: 'SIGTERM and start, file', timeout: 180_000 },
  own => restarts(own, new World(own))
)

lane(
  'a stop while the output is slow lets everything that was read arrive, within the deadline',
  { fault: 'SIGTERM while the output is slow' },
  async own => {
    const { world, fake } = await fakeWorld(own)
    fake.otherwise(exchange => after(delay(400))(exchange))
    await world.write({ files: [{ writer: 'w', path: world.path('app.log') }], rate: RATE })
    await world.start()
    for (const _ of own.tries(3)) {
      await world.arrive(1000)
      const { agent } = world
      const { code, ms } = await world.stop()
      assert.equal(code, 0)
      assert.ok(ms < DEADLINE_MS + SLACK_MS, `the stop took ${Math.round(ms)} ms`)
      assert.ok(agent.log().includes(ALL), agent.log())
      await world.start()
      assert.ok(!world.agent.log().includes(AGAIN), world.agent.log())
    }
    fake.otherwise(accept())
    await judged(world)
  }
)

for (const [name, behaviour] of [
  ['does not even read', hang],
  ['stores and never answers', () => silent({ store: true })]
] as const) {
  lane(
    `a stop while the server ${name} is in time, says what is open, and the next start brings it once`,
    { fault: `SIGTERM while the server ${name}` },
    async own => {
      const agent = 'ship_own_errors: false, shutdown_timeout: 1s'
      const { world, fake } = await fakeWorld(own, { agent })
      await world.write({ files: [{ writer: 'w', path: world.path('app.log') }], rate: RATE })
      await world.start()
      for (const _ of own.tries(3)) {
        await world.arrive(1000)
        const before = fake.requests.length
        fake.otherwise(behaviour())
        await until('a request that hangs', () => fake.requests.length > before)
        const ended = world.agent
        const { code, ms } = await world.stop()
        assert.equal(code, 0)
        assert.ok(ms < 1000 + SLACK_MS, `the stop took ${Math.round(ms)} ms`)
        assert.match(ended.log(), /what was not acknowledged is read again at the next start.* unacknowledged=\d/)
        fake.otherwise(accept())
        await world.start()
        assert.ok(world.agent.log().includes(AGAIN), world.agent.log())
      }
      await judged(world)
    }
  )
}

/** The commit whose positions must be understood for ever: the first that was given away. */
const BEFORE = '2be4e6c'
const ROOT = fileURLToPath(new URL('../../', import.meta.url))

async function hasHistory(): Promise<string | undefined> {
  return run(['git', 'cat-file', '-e', `${BEFORE}^{commit}`], { cwd: ROOT }).then(
    () => undefined,
    () => `needs the history of the project, to run ${BEFORE}`
  )
}

/** Its program, with today's packages. */
async function programBefore(folder: string): Promise<string> {
  mkdirSync(folder)
  const archive = join(folder, 'tree.tar')
  await run(['git', 'archive', '-o', archive, BEFORE, 'src', 'bin', 'package.json'], { cwd: ROOT })
  await run(['tar', '-xf', archive, '-C', folder])
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return join(folder, 'bin', 'yarder')
}

lane(
  'positions that an earlier version wrote are taken over, after a stop and after a kill: neither gap nor duplicate',
  { fault: `upgrade from ${BEFORE}`, needs: hasHistory },
  async own => {
    const program = await programBefore(join(own.folder, 'before'))
    for (const n of own.tries(4)) {
      const { world } = await fakeWorld(own, { logs: join(own.folder, `log${n}`), agent: '' })
      const config = join(own.folder, `before-${n}.yaml`)
      const data = `data_dir: '${join(own.folder, 'data')}'`
      writeFileSync(config, world.config.replace(data, `${data}, ship_own_errors: false`))
      await world.write({ files: [{ writer: `w${n}`, path: world.path('app.log') }], rate: RATE })
      const logFile = join(own.folder, `before-${n}.log`)
      const old = await start([program, 'run', '-c', config], { logFile })
      try {
        await until('the earlier version', () => (old.check(), readFileSync(logFile, 'utf8').includes('Started.')))
        await world.arrive(2000)
        process.kill(old.pid, n % 2 === 0 ? 'SIGTERM' : 'SIGKILL')
        await until('its end', () => old.child.exitCode !== null || old.child.signalCode !== null)
      } finally {
        await old.stop(0)
      }
      await world.start()
      await world.arrive(2000)
      await judged(world)
    }
  }
)
