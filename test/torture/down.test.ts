// Rotations that nobody watches: the agent is down while files are renamed, compressed, moved and written anew.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { debian, lane } from './lib/lane.ts'
import { logrotate } from './lib/logrotate.ts'
import { World } from './lib/world.ts'
import type { WorldOptions } from './lib/world.ts'

interface Way {
  readonly title: string
  readonly fault: string
  readonly directives: (folder: string) => readonly string[]
  readonly options?: (folder: string) => WorldOptions
  readonly rotations?: readonly [number, number]
}

const ways: readonly Way[] = [
  {
    title: 'files that were renamed several times while the agent was down are found and read',
    fault: 'several rotations while down',
    directives: () => ['create']
  },
  {
    title: 'files that were renamed within the patterns while the agent was down are read once',
    fault: 'several rotations while down, in the glob',
    directives: () => ['create'],
    options: folder => ({ paths: [`${folder}/log/*.log*`] })
  },
  {
    title: 'a file that was compressed while the agent was down is read on inside',
    fault: 'compress while down',
    directives: () => ['create', 'compress']
  },
  {
    title: 'a file that was rotated, then compressed while the agent was down is read on inside',
    fault: 'delaycompress while down',
    directives: () => ['create', 'compress', 'delaycompress'],
    rotations: [2, 4]
  },
  {
    title: 'compressed files within the patterns are known as what was read',
    fault: 'delaycompress while down, in the glob',
    directives: () => ['create', 'compress', 'delaycompress'],
    options: folder => ({ paths: [`${folder}/log/*.log*`] }),
    rotations: [2, 4]
  },
  {
    title: 'files with a date in their name are found after a start',
    fault: 'dateext while down',
    directives: () => ['create', 'dateext', 'dateformat -%Y%m%d-%s'],
    rotations: [1, 2]
  },
  {
    title: 'files moved to another folder of the patterns are found after a start',
    fault: 'olddir while down, in the glob',
    directives: folder => ['create', `olddir ${folder}/log/old`],
    options: folder => ({ paths: [`${folder}/log/**/*.log*`] })
  }
]

for (const way of ways) {
  lane(way.title, { fault: way.fault, needs: debian('logrotate') }, async own => {
    const world = new World(own, way.options?.(own.folder))
    mkdirSync(world.path('old'))
    await world.start()
    const path = world.path('app.log')
    const writer = await world.write({ files: [{ writer: 'w', path }], rate: 6000, style: 'mixed' })
    let rotated = 0
    for (const _ of own.tries(3)) {
      await world.arrive(own.random.between(200, 3000))
      await world.stop()
      const [least, most] = way.rotations ?? [1, 4]
      for (let n = own.random.between(least, most); n > 0; n--) {
        await world.grown(own.random.between(200, 3000))
        // With nobody reading, what goes into the old file after it was compressed is gone: the program waits here.
        await writer.pause()
        if (way.fault.includes('dateext')) await delay(1000 - (Date.now() % 1000) + 5)
        await logrotate({ folder: own.folder, log: path, directives: way.directives(own.folder) })
        await writer.reopen()
        await writer.resume()
        rotated++
      }
      await world.grown(own.random.between(1, 1000))
      await world.start()
    }
    await world.arrive(500)
    const { streams } = await world.finish()
    assert.equal(streams, rotated + 1, 'every file is one stream')
  })
}

lane('restarts under load leave neither gap nor duplicate', { fault: 'SIGTERM and start again' }, async own => {
  const world = new World(own)
  await world.start()
  await world.write({ files: [{ writer: 'w', path: world.path('app.log') }], rate: 5000, style: 'mixed' })
  for (const _ of own.tries(10)) {
    await world.arrive(own.random.between(1, 2000))
    const { code } = await world.stop()
    assert.equal(code, 0)
    await world.start()
  }
  await world.arrive(500)
  await world.finish()
})
