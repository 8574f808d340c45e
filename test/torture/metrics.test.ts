// Metrics out of logs over killed processes: each line counts exactly once, and a counter that was shown never goes back.
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../lib/real/process.ts'
import { fakeWorld } from './lib/fake-destination.ts'
import { debian, lane } from './lib/lane.ts'
import type { Lane } from './lib/lane.ts'
import { logrotate } from './lib/logrotate.ts'
import type { World } from './lib/world.ts'

const METRICS = 'metrics:\n  lines_total: { type: counter, help: Lines., input: logs }'

const shownBy = (world: World): Promise<number> => world.agent.metric('lines_total ')

/** Kills the agent at random moments, reading the counter whenever it is there. */
async function killed(own: Lane, tries: number, rotates: boolean): Promise<void> {
  const { world } = await fakeWorld(own, { more: METRICS })
  await world.start()
  const writer = await world.write({
    files: [{ writer: 'w', path: world.path('app.log') }],
    rate: 4000,
    style: 'mixed'
  })
  let shown = 0
  const look = async (): Promise<void> => {
    const now = await shownBy(world)
    assert.ok(now >= shown, `the counter went back from ${shown} to ${now}`)
    shown = now
  }
  for (const _ of own.tries(tries)) {
    await delay(own.random.between(50, 1500))
    await look()
    if (rotates) await logrotate({ folder: own.folder, log: world.path('app.log'), directives: ['create'], writer })
    await delay(own.random.between(0, 700))
    await look()
    await world.stop('SIGKILL')
    await world.start()
    await look()
  }
  const verdict = await world.judged()
  assert.equal(verdict.lost, 0, verdict.text)
  assert.equal(verdict.doubled, 0, verdict.text)
  const written = [...(await world.written()).values()].reduce((sum, { lines }) => sum + lines, 0)
  // Counters are committed with the positions: with those at the end of every file, none can change any more.
  await world.acknowledged()
  assert.equal(await shownBy(world), written, 'each line counted once')
}

lane('a counter counts each line once over SIGKILL', { fault: 'SIGKILL, counter' }, own => killed(own, 8, false))

lane(
  'a counter counts each line once over SIGKILL and rotation',
  { fault: 'SIGKILL and rotation, counter', needs: debian('logrotate') },
  own => killed(own, 4, true)
)

lane(
  'metrics go on while the only output is down, over SIGKILL too; then it gets every line once',
  { fault: 'output down and SIGKILL, counter' },
  async own => {
    const { world, fake } = await fakeWorld(own, { more: METRICS })
    await world.start()
    await world.write({ files: [{ writer: 'w', path: world.path('app.log') }], rate: 4000, style: 'mixed' })
    await world.arrive(500)
    for (const _ of own.tries(2)) {
      await fake.down()
      const before = await shownBy(world)
      // Far more than the queue takes.
      await until('the counter to go on', async () => (await shownBy(world)) > before + 20_000)
      await world.stop('SIGKILL')
      await world.start()
      await until('the counter to go on', async () => (await shownBy(world)) > before + 30_000)
      await fake.up()
      await world.caughtUp()
    }
    const verdict = await world.judged()
    assert.deepEqual({ lost: verdict.lost, doubled: verdict.doubled }, { lost: 0, doubled: 0 }, verdict.text)
    const written = [...(await world.written()).values()].reduce((sum, { lines }) => sum + lines, 0)
    await world.acknowledged()
    assert.equal(await shownBy(world), written, 'each line counted once')
  }
)
