// Many files: few that grow among many that don't, and many that come and go.
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { costsOf } from './lib/costs.ts'
import { lane } from './lib/lane.ts'
import { Lines } from './lib/line.ts'
import { World } from './lib/world.ts'

/** CPU time of a process so far, seconds. */
function cpu(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

lane(
  'files that grow are read among a hundred times as many that do not',
  { fault: '10,000 files of which 100 grow' },
  async own => {
    const world = new World(own)
    const lines = new Lines('hand')
    const idle = Array.from({ length: 9900 }, (_, i) => world.path(`idle-${i}.log`))
    for (const path of idle) writeFileSync(path, lines.take(1))
    world.byHand.set('hand', lines.count)
    await world.start()
    const files = Array.from({ length: 100 }, (_, i) => ({ writer: `w${i}`, path: world.path(`busy-${i}.log`) }))
    const writer = await world.write({ files, rate: 5000, style: 'mixed' })
    await world.arrive(12_000)
    for (const _ of own.tries(3)) {
      // Now and then one of the others has something to say.
      for (let i = 0; i < 50; i++) appendFileSync(own.random.pick(idle), lines.take(2))
      world.byHand.set('hand', lines.count)
      await world.arrive(5000)
    }
    await writer.pause()
    await world.caughtUp()
    const before = cpu(world.agent.pid)
    await delay(5000)
    own.note(`${((cpu(world.agent.pid) - before) * 20).toFixed(1)} % of a core at rest`)
    // The hundred may still be open; a thousand descriptors is what the option allows.
    const { streams } = await world.finish({ fds: 110 })
    assert.ok(streams >= 100)
  }
)

lane(
  'files that come and go by the thousand leave nothing behind',
  { fault: 'small files created and removed, 2,000 a try', timeout: 240_000 },
  async own => {
    const world = new World(own)
    // As the service runs it (systemd/yarder.service). V8 lets garbage pile up in proportion to what it may have: with the
    // gigabytes of the machine resident memory swings between 230 and 460 MiB here, and no more is alive.
    await world.start({ env: { YARDER_MAX_HEAP_MB: '512' } })
    await world.write({ files: [{ writer: 'w', path: world.path('busy.log') }], rate: 1000 })
    await world.arrive(500)
    const lines = new Lines('hand')
    const resident = [costsOf(world.agent.pid).rss]
    // TORTURE_RUNS=17 makes it more than 100,000 files.
    for (const n of own.tries(3)) {
      const paths = Array.from({ length: 2000 }, (_, i) => world.path(`job-${n}-${i}.log`))
      for (const path of paths) writeFileSync(path, lines.take(2))
      world.byHand.set('hand', lines.count)
      await world.caughtUp()
      resident.push(costsOf(world.agent.pid).rss)
      for (const path of paths) unlinkSync(path)
    }
    own.note(`resident MiB: ${resident.map(bytes => Math.round(bytes / 1024 / 1024)).join(' ')}`)
    // Up to ten thousand streams that are gone stay known, should one of them appear again: 4 KiB each, and as much garbage.
    await world.finish({ rss: 128 * 1024 * 1024 })
  }
)
