// Disks that are full, broken or read-only under the running agent: shipping, numbers and health go on, what is wrong is
// told, it recovers by itself, and a SIGKILL right after still finds every position.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readDeadLetters } from '../../src/output/dead-letter.ts'
import { mixed } from '../lib/fake-elasticsearch.ts'
import { run, until } from '../lib/real/process.ts'
import { damages } from './lib/damages.ts'
import { fakeWorld } from './lib/fake-destination.ts'
import { all, debian, lane } from './lib/lane.ts'
import { breakCalls, mayMount, mayTrace, onSmallDisk } from './lib/small-disk.ts'
import {
  RATE,
  answers,
  diskTrouble,
  filled,
  goesOn,
  killed,
  none,
  recovers,
  times,
  trouble,
  write
} from './lib/trouble.ts'
import type { Rig } from './lib/trouble.ts'
import { World } from './lib/world.ts'

const CHECK = "checks:\n  root: { type: disk, path: /, schedule: '* * * * * *' }"

diskTrouble(
  {
    title:
      'a data directory on a full disk: positions stay in memory, all else goes on, and a kill right after is harmless',
    fault: 'ENOSPC on the data directory, then SIGKILL',
    on: { folder: 'data', kib: 512 },
    tries: 3,
    options: { more: CHECK }
  },
  async ({ world }, disk) => {
    disk.fill()
    await goesOn(world)
    const ran = 'probe_duration_seconds{check="root"}'
    const before = await world.agent.metric(ran)
    await until('the check', async () => (await world.agent.metric(ran)) !== before)
    disk.free()
    await recovers(world, 1000)
  }
)

diskTrouble(
  {
    title:
      'a start while the data directory is full knows the positions, and a kill after there is room finds the new ones',
    fault: 'start on a full data directory',
    on: { folder: 'data', kib: 512 },
    tries: 4
  },
  async ({ world }, disk, n) => {
    await world.stop(n % 2 === 0 ? 'SIGTERM' : 'SIGKILL')
    disk.fill()
    await world.start()
    await goesOn(world)
    disk.free()
    await recovers(world)
  }
)

lane(
  'a first start on a full disk reads, ships and remembers as soon as there is room',
  { fault: 'first start on a full data directory', needs: mayMount },
  async own => {
    for (const n of own.tries(2)) {
      const { world } = await fakeWorld(own, { logs: join(own.folder, `log${n}`) })
      await onSmallDisk(join(own.folder, 'data'), 512, async disk => {
        disk.fill()
        await write(world)
        await world.start()
        await goesOn(world)
        disk.free()
        await recovers(world)
        await none(world)
        await world.stop()
      })
    }
  }
)

diskTrouble(
  {
    title:
      'a data directory that is read-only: the agent starts, knows its positions, ships, stops, and writes again when it may',
    fault: 'read-only data directory',
    on: { folder: 'data', kib: 1024 },
    tries: 4
  },
  async ({ world }, disk, n) => {
    await world.stop(n % 2 === 0 ? 'SIGTERM' : 'SIGKILL')
    await disk.readOnly()
    await world.start()
    await goesOn(world)
    if (n % 4 === 3) {
      assert.equal((await world.stop()).code, 0, 'it stops in order')
      await world.start()
      await world.arrive(500)
    }
    await disk.writable()
    await recovers(world)
  }
)

trouble(
  {
    title: 'a disk that answers EIO to every write: positions stay in memory, and a kill right after is harmless',
    fault: 'EIO on the data directory, then SIGKILL',
    needs: all(debian('strace'), mayTrace),
    tries: 3
  },
  async ({ own, world }) => {
    const calls = 'pwrite64,fsync,fdatasync,ftruncate'
    const mend = await breakCalls(world.agent.pid, own.folder, { calls, errno: 'EIO' })
    await goesOn(world, 2000)
    await mend()
    await recovers(world, 1000)
  }
)

trouble(
  {
    title:
      'a state file that is damaged before a start: set aside, told once, no gap, and Elasticsearch has nothing twice',
    fault: 'damaged state file at a start',
    tries: damages.length,
    options: { input: ['start_at: end'] }
  },
  async ({ own, world }, n) => {
    const state = join(own.folder, 'data', 'state.db')
    const { name, harm, told } = damages[n % damages.length]!
    await world.stop(n % 2 === 0 ? 'SIGTERM' : 'SIGKILL')
    harm(state, own.random)
    await world.start()
    if (told) await world.agent.said('The state file is damaged')
    assert.ok(times(world.agent.log(), 'The state file is damaged') <= 1, name)
    await world.arrive(1000)
    assert.ok(existsSync(state))
  }
)

trouble(
  {
    title: 'a data directory that is removed under the running agent is made again',
    fault: 'rm -rf of the data directory, then SIGKILL',
    tries: 2
  },
  async ({ own, world }) => {
    const data = join(own.folder, 'data')
    rmSync(data, { recursive: true })
    await until('the state again', () => existsSync(join(data, 'state.db')))
    await world.arrive(RATE)
    await killed(world)
    assert.ok(readFileSync(join(data, 'state.db')).length > 0)
  }
)

lane(
  'a data directory whose file system gives up under the running agent (ext4, aborted): it ships on, and all is right after',
  { fault: 'ext4 turns read-only, remounted', needs: all(debian('e2fsprogs'), mayMount) },
  async own => {
    const { world } = await fakeWorld(own)
    const data = join(world.folder, 'data')
    const image = join(own.folder, 'image')
    mkdirSync(data)
    await run(['truncate', '-s', '16M', image])
    await run(['mkfs.ext4', '-q', '-F', image])
    let mounted = false
    const mount = async (): Promise<void> => {
      await run(['mount', '-o', 'loop,errors=remount-ro', image, data])
      mounted = true
    }
    try {
      await mount()
      await world.start()
      await write(world)
      await world.arrive(1000)
      for (const _ of own.tries(2)) {
        // What was never synced an abort takes along, as a power cut does.
        await run(['sync', '-f', data])
        await run(['mount', '-o', 'remount,abort', data])
        await goesOn(world)
        assert.equal((await world.stop()).code, 0)
        await run(['umount', data])
        mounted = false
        await run(['e2fsck', '-fy', image]).catch(() => undefined)
        await mount()
        await world.start()
        await world.arrive(1000)
      }
      await none(world)
      await world.stop()
    } finally {
      if (mounted) await run(['umount', '-l', data])
    }
  }
)

/** Something happens that the agent would have to say, while its own log takes nothing; then it can be written again. */
async function speechless({ world, fake }: Rig, harm: () => Promise<() => Promise<void>>, most: number): Promise<void> {
  const before = world.agent.log().length
  const mend = await harm()
  await fake.down()
  const yellow = 'yarder_output_state{output="es",state="yellow"}'
  await until('the outage', async () => (await world.agent.metric(yellow)) === 1)
  await fake.up()
  await world.arrive(RATE)
  await answers(world, 'on disk')
  assert.ok(world.agent.log().length - before <= most, 'the log takes nothing')
  await mend()
  await until('more in the log', () => world.agent.log().slice(before).includes('Status changed from'))
}

diskTrouble(
  {
    title: "the agent's own log on a full disk neither stops nor blocks it, and it goes on there when there is room",
    fault: 'ENOSPC on its own log',
    on: { folder: 'agent', kib: 256 },
    tries: 3
  },
  (rig, disk) =>
    // What is left of the last block takes a little.
    speechless(rig, () => filled(disk), 4095)
)

trouble(
  {
    title: "the agent's own log on a broken disk neither stops nor blocks it, and it goes on there afterwards",
    fault: 'EIO on its own log',
    needs: all(debian('strace'), mayTrace),
    tries: 2
  },
  rig => {
    const { own, world } = rig
    const path = readlinkSync(`/proc/${world.agent.pid}/fd/2`)
    const calls = { calls: 'write,pwrite64', errno: 'EIO', path }
    return speechless(rig, () => breakCalls(world.agent.pid, own.folder, calls), 0)
  }
)

lane(
  'a file output on a full disk waits, is yellow, and goes on with room: no line is cut, lost or doubled',
  { fault: "ENOSPC on the file output's disk", needs: mayMount },
  async own => {
    const out = join(own.folder, 'out')
    const outputs = `outputs:\n  out: { type: file, path: '${out}/out.ndjson', max_bytes: 0 }`
    const world = new World(own, { outputs })
    await onSmallDisk(out, 64 * 1024, async disk => {
      await world.start()
      await write(world)
      await world.arrive(1000)
      for (const _ of own.tries(3)) {
        disk.fill()
        const state = 'yarder_output_state{output="out",state="yellow"}'
        await until('yellow', async () => (await world.agent.metric(state)) === 1)
        assert.equal((await fetch(`${world.agent.url}/health`)).status, 200)
        assert.match(world.agent.log(), /no space left on device/)
        disk.free()
        await until('green', async () => (await world.agent.metric(state)) === 0, 90_000)
        await world.arrive(2000)
      }
      await world.finish()
    })
  }
)

/** Every thousandth line is refused for good; meanwhile the disk refuses the letters. */
async function deadLetters(
  { own, world, fake }: Rig,
  harm: (world: World) => Promise<() => Promise<void>>
): Promise<void> {
  const refused = (message: unknown): boolean => Number(String(message).split(' ')[1]) % 1000 === 7
  fake.otherwise(
    mixed(action => (refused((JSON.parse(action.source) as { message: string }).message) ? 400 : undefined))
  )
  await world.start()
  const writer = await world.write({ files: [{ writer: 'w', path: world.path('app.log') }], rate: RATE })
  await world.arrive(2000)
  for (const _ of own.tries(2)) {
    // A refused record keeps its batch in the queue: what goes on is bounded by that, so no backlog may fill it.
    await writer.pause()
    await world.acknowledged()
    const mend = await harm(world)
    await writer.resume()
    await world.agent.said('Dead letters cannot be written')
    await world.arrive(RATE)
    await mend()
    await world.arrive(RATE)
  }
  const written = (await writer.pause()).get('w')!.lines
  const wanted = Array.from({ length: written }, (_, n) => n).filter(n => n % 1000 === 7)
  const kept = async (): Promise<number[]> => {
    const letters = await Array.fromAsync(readDeadLetters(join(world.folder, 'data'), 'es'))
    return letters.map(l => Number((l.document as { message: string }).message.split(' ')[1])).sort((a, b) => a - b)
  }
  await until('the letters', async () => (await kept()).length >= wanted.length)
  await until('the lines', () => (world.out.read(), world.judge.got >= written - wanted.length))
  await world.acknowledged()
  await world.stop('SIGKILL')
  await world.start()
  await writer.resume()
  await world.arrive(1000)
  const end = (await writer.pause()).get('w')!.lines
  const all = Array.from({ length: end }, (_, n) => n).filter(n => n % 1000 === 7)
  await until('the last letters', async () => (await kept()).length >= all.length)
  await until('the last lines', () => (world.out.read(), world.judge.got >= end - all.length))
  assert.deepEqual(await kept(), all)
  const { doubled, lost } = world.judge.verdict(new Map([['w', end]]))
  own.result({ written: end, lost: lost - all.length, doubled })
  assert.deepEqual({ lost, doubled }, { lost: all.length, doubled: 0 })
  await world.stop()
}

lane(
  'dead letters on a full disk: their records wait, the others go on, and each is kept once in the end',
  { fault: 'ENOSPC on the dead letters, then SIGKILL', needs: mayMount },
  async own => {
    const rig = { own, ...(await fakeWorld(own)) }
    await onSmallDisk(join(own.folder, 'data', 'dead-letters'), 256, disk => deadLetters(rig, () => filled(disk)))
  }
)

lane(
  'dead letters on a broken disk: the same',
  { fault: 'EIO on the dead letters, then SIGKILL', needs: all(debian('strace'), mayTrace) },
  async own =>
    deadLetters({ own, ...(await fakeWorld(own)) }, world =>
      breakCalls(world.agent.pid, own.folder, {
        calls: 'write,pwrite64,writev,pwritev,fdatasync',
        errno: 'EIO',
        path: join(own.folder, 'data', 'dead-letters', 'es.ndjson')
      })
    )
)
